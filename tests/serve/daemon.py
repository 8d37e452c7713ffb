"""The real listener on a free loopback port, for tests that talk to it over TCP."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from outkept.serve.access import Access
from outkept.serve.auth import Role, mint
from outkept.serve.certificate import Certificate
from outkept.serve.http import create_app
from outkept.serve.links import link_of, link_token
from outkept.serve.live import Hub
from outkept.serve.place import Place
from outkept.serve.server import address_of, bind, serve
from outkept.serve.sessions import Session
from tests.serve.fleet import Fleet

SECRET = b"only for tests, thirty-two bytes"
DASHBOARD = Path(__file__).parents[2] / "dashboard"
DEADLINE = 30.0


@dataclass(frozen=True)
class Daemon:
    """A listener that serves `fleet`."""

    url: str
    hub: Hub
    fleet: Fleet
    access: Access
    port: int
    secret: bytes = SECRET

    @property
    def live(self) -> str:
        return f"ws{self.url.removeprefix('http')}api/v1/live"

    @property
    def link(self) -> str:
        """A link that signs a browser in as an admin; each time another, as each works once."""
        return link_of(self.url, link_token(self.secret))

    def session(self, role: Role = Role.ADMIN) -> tuple[str, str]:
        """Name and value of the cookie of a browser that is signed in, here and at every other
        daemon with the same secret."""
        return self.access.cookie, _known_id(role)


class Reusable(Access):
    """Access with links that work again and again: for looking at pages while working on them."""

    async def redeem(self, token: str) -> str | None:
        self.sessions._spent.clear()
        return await super().redeem(token)


@asynccontextmanager
async def daemon(
    fleet: Fleet,
    *,
    port: int = 0,
    interval: float = 0.02,
    secret: bytes = SECRET,
    state: Path | None = None,
    place: Place | None = None,
    certificate: Certificate | None = None,
    rules: type[Access] = Access,
) -> AsyncIterator[Daemon]:
    """Serve `fleet` for the time of the context, under the hub that tells of its changes."""
    place = place or Place("127.0.0.1")
    listener = bind(place.listen, port, place)
    hub = fleet.hub = Hub(fleet, interval=interval)
    access = rules(secret, place, state=state)
    _know(access)
    app = create_app(fleet, hub, access, DASHBOARD)
    listening = asyncio.Event()
    url, port = address_of(listener, place), listener.getsockname()[1]
    async with asyncio.TaskGroup() as tasks:
        running = [
            tasks.create_task(serve(app, listener, certificate=certificate, ready=listening.set)),
            tasks.create_task(hub.run()),
        ]
        try:
            await asyncio.wait_for(listening.wait(), DEADLINE)
            yield Daemon(url, hub, fleet, access, port, secret)
        finally:
            for task in running:
                task.cancel()


def _known_id(role: Role) -> str:
    return f"the-session-of-a-test-{role}"


def _know(access: Access) -> None:
    """Have one session of each role, whose id tests know."""
    now = time.time()
    for role in Role:
        key = hashlib.sha256(_known_id(role).encode()).hexdigest()
        access.sessions._by_hash[key] = Session(key, "", role, "", now, now + 86400)


def bearer(role: Role = Role.VIEWER, secret: bytes = SECRET) -> dict[str, str]:
    """The header of a script that has a token."""
    return {"authorization": f"Bearer {mint(secret, role)}"}


async def until(condition: Callable[[], bool]) -> None:
    """Wait for `condition`, at most DEADLINE seconds."""
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110 - the condition has no event of its own
            await asyncio.sleep(0.01)
