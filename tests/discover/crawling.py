"""Sweep real servers and settle who they are, as the daemon does."""

import socket
import time
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from outkept.discover.inventory import Inventory
from outkept.discover.meet import meet
from outkept.discover.settle import Sighting, settle
from outkept.discover.sweep import Pace, Sweep
from outkept.model.address import AddressOutcome, AddressState
from outkept.model.ranges import Range
from outkept.model.server import Endpoint, Server
from outkept.model.sweep import SweepProgress
from outkept.ssh.client import Client
from outkept.ssh.hostkeys import HostKeys
from outkept.ssh.keys import load_credentials

PACE = Pace(rate=0, timeout=4.0)


def client_of(key: Path) -> Client:
    """A client that trusts on first use and remembers nothing."""
    credentials, problems = load_credentials([key], agent=False, passphrase=lambda path: None)
    assert problems == []
    return Client(credentials, HostKeys(None, strict=False), connect_timeout=20.0)


@dataclass
class Crawl:
    """An inventory that grows with each sweep. No connection is kept."""

    client: Client
    user: str
    inventory: Inventory = field(default_factory=Inventory)
    states: dict[str, AddressState] = field(default_factory=dict)
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    async def sweep(self, *ranges: Range) -> list[SweepProgress]:
        """Sweep these ranges, one after the other."""
        return [
            await Sweep(range_, self._visit, self._report, pace=PACE).run() for range_ in ranges
        ]

    def servers(self) -> list[Server]:
        """The servers that were found, by hostname."""
        return sorted(self.inventory, key=lambda server: server.identity.hostname)

    def _report(self, state: AddressState) -> None:
        self.states[f"{state.endpoint.address}:{state.endpoint.port}"] = state

    async def _visit(self, endpoint: Endpoint, sock: socket.socket | None) -> AddressState:
        before = self.states.get(f"{endpoint.address}:{endpoint.port}")
        met = await meet(self.client, endpoint, self.user, sock, before=before)
        if isinstance(met, AddressState):
            return met
        await met.connection.close()
        now = time.time()
        sighting = Sighting(endpoint, self.user, now, met.identity, met.facts)
        decision = self.inventory.decide(met.identity, endpoint, lambda server_id: False)
        server = settle(self.inventory, decision, sighting, f"s{next(self.numbers)}").server
        return AddressState(endpoint, AddressOutcome.SERVER, decision.why, now, server=server.id)
