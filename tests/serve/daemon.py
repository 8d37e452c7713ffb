"""The real listener on a free loopback port, for tests that talk to it over TCP."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from outkept.serve.access import Access
from outkept.serve.auth import Role, mint
from outkept.serve.http import create_app
from outkept.serve.live import Hub
from outkept.serve.server import address_of, bind, serve
from tests.serve.fleet import Fleet

SECRET = b"only for tests, thirty-two bytes"
DASHBOARD = Path(__file__).parents[2] / "dashboard"
DEADLINE = 10.0


@dataclass(frozen=True)
class Daemon:
    """A listener that serves `fleet`."""

    url: str
    hub: Hub
    fleet: Fleet

    @property
    def live(self) -> str:
        return self.url.replace("http://", "ws://") + "api/v1/live"


@asynccontextmanager
async def daemon(
    fleet: Fleet, *, port: int = 0, interval: float = 0.02, secret: bytes = SECRET
) -> AsyncIterator[Daemon]:
    """Serve `fleet` for the time of the context, under the hub that tells of its changes."""
    listener = bind("127.0.0.1", port)
    hub = fleet.hub = Hub(fleet, interval=interval)
    app = create_app(fleet, hub, Access(secret, "127.0.0.1"), DASHBOARD)
    listening = asyncio.Event()
    url = address_of(listener)
    async with asyncio.TaskGroup() as tasks:
        running = [
            tasks.create_task(serve(app, listener, ready=listening.set)),
            tasks.create_task(hub.run()),
        ]
        try:
            await asyncio.wait_for(listening.wait(), DEADLINE)
            yield Daemon(url, hub, fleet)
        finally:
            for task in running:
                task.cancel()


def bearer(role: Role = Role.VIEWER, secret: bytes = SECRET) -> dict[str, str]:
    """The header of a script that has a token."""
    return {"authorization": f"Bearer {mint(secret, role)}"}


async def until(condition: Callable[[], bool]) -> None:
    """Wait for `condition`, at most DEADLINE seconds."""
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110 - the condition has no event of its own
            await asyncio.sleep(0.01)
