"""After an outage of everything, all servers are back within two of the longest pauses.

Counted in dials, not in seconds: between two dials of one server lies at most one longest
pause, so who is back with the second dial after the power returned is back in time.
"""

import asyncio
import json
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from outkept.app import sessions
from outkept.app.daemon import running
from outkept.config.load import Loaded, load
from outkept.demo.machines import company
from outkept.demo.run import USER
from outkept.model.server import Endpoint
from outkept.poll.backoff import Backoff
from outkept.ssh.client import Client
from outkept.ssh.connection import Connection
from outkept.ssh.hostkeys import HostKeys
from outkept.ssh.keys import load_credentials
from outkept.store.store import Store
from tests.app.harness import Daemon, until
from tests.servers import generate_key
from tests.views import summaries

SERVERS = 300
DEADLINE = 120.0
"""Seconds for several hundred logins at two busy cores' worst."""
SHORT = Backoff(first=0.1, longest=2.0)
IN_VAIN = 6
"""Dials after which every pause is the longest."""


class Dials(Client):
    """A client that counts the dials of each endpoint, and how many were under way at once."""

    def __init__(self, key: Path) -> None:
        credentials, problems = load_credentials([key], agent=False, passphrase=lambda _: None)
        assert not problems, problems
        super().__init__(credentials, HostKeys(None, strict=False), connect_timeout=60.0)
        self.count: Counter[Endpoint] = Counter()
        self.at_once = self.most_at_once = 0

    async def connect(
        self,
        endpoint: Endpoint,
        user: str,
        *,
        sock: socket.socket | None = None,
        channel_limit: int | None = None,
    ) -> Connection:
        self.count[endpoint] += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await super().connect(endpoint, user, sock=sock, channel_limit=channel_limit)
        finally:
            self.at_once -= 1


class Company:
    """Simulated servers that lose their power together. Each of them keeps its host key."""

    def __init__(self, folder: Path, network: str) -> None:
        self.key = generate_key(folder / "key")
        self.network = network
        self.port = 0
        self.log = folder / "fleet.log"

    @property
    def plain(self) -> list[str]:
        """Their addresses, in order."""
        firm = company(SERVERS, ip_network(self.network), 1, plain=True)
        addresses = [machine.addresses[0] for machine in firm.machines]
        return sorted(addresses, key=ip_address)

    @asynccontextmanager
    async def powered(self) -> AsyncIterator[None]:
        """All of them listen; on leaving, all connections are dropped and new ones refused."""
        command = [sys.executable, "-m", "outkept.demo.fleet", "--with-parent"]
        command += ["--servers", str(SERVERS), "--plain", "--network", self.network]
        command += ["--port", str(self.port), "--key", f"{self.key}.pub"]
        with self.log.open("ab") as log:
            child = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        try:
            assert child.stdout is not None
            async with asyncio.timeout(DEADLINE):
                word, _, port = (await child.stdout.readline()).decode().partition(" ")
            assert word == "ready", self.log.read_text()
            self.port = int(port)
            yield
        finally:
            child.kill()
            await child.wait()


def _configuration(folder: Path, firm: Company) -> Loaded:
    """Swept once: after the outage it is up to the links."""
    path = folder / "config.yaml"
    addresses = firm.plain
    config = {
        "ranges": [{"range": f"{addresses[0]}-{addresses[-1]}", "every": "1d"}],
        "ssh": {"user": USER, "keys": [str(firm.key)], "agent": False, "ports": [firm.port]},
        "sweep": {"rate": 0, "timeout": "30s"},
        "sensors": {"every": "10s"},
        "state": str(folder / "state"),
    }
    path.write_text(json.dumps(config))
    return load(path)


async def test_all_servers_are_back_within_two_longest_pauses_after_an_outage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "REDIAL", SHORT)
    firm = Company(tmp_path, "127.92.0.0/23")
    async with AsyncExitStack() as power:
        await power.enter_async_context(firm.powered())
        loaded = _configuration(tmp_path, firm)
        assert loaded.settings is not None, loaded.problems
        sensors = [sensor for sensor in loaded.sensors if sensor.name in ("load", "uptime")]
        client, store = Dials(firm.key), Store.open(tmp_path / "state")
        try:
            async with running(loaded.settings, sensors, store, client) as (source, hub):
                await _an_outage(firm, power, client, Daemon(source, hub, store))
        finally:
            await store.close()


async def _an_outage(firm: Company, power: AsyncExitStack, client: Dials, daemon: Daemon) -> None:
    def connected() -> int:
        return sum(view["connected"] for view in summaries(daemon.source))

    await until(lambda: connected() == SERVERS, "all are found", DEADLINE)
    await power.aclose()
    await until(lambda: connected() == 0, "all are lost", DEADLINE)
    client.count.clear()
    wanted = {Endpoint(address, firm.port) for address in firm.plain}

    def hopeless() -> bool:
        return all(client.count[endpoint] >= IN_VAIN for endpoint in wanted)

    await until(hopeless, "all are dialled in vain", DEADLINE)
    client.most_at_once = 0
    async with firm.powered():
        # All of them listen. A dial that began before that is none of the two.
        client.count.clear()
        await until(lambda: connected() == SERVERS, "all are back", DEADLINE)
        late = {str(endpoint): count for endpoint, count in client.count.items() if count > 2}
        assert not late, f"dialled more than twice: {late}"
        assert client.most_at_once <= sessions.DIALS_AT_ONCE
        assert not await daemon.events(q="internal error")
