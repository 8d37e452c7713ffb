"""One sweep of every range, without a daemon: who is there, and how each address ended."""

import secrets
import socket
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from outkept.app.silence import no_way_out
from outkept.app.start import Plan
from outkept.discover.inventory import Inventory
from outkept.discover.meet import meet
from outkept.discover.settle import Sighting, settle
from outkept.discover.sweep import Pace, Sweep
from outkept.model.address import AddressOutcome, AddressState
from outkept.model.ranges import Range
from outkept.model.server import Endpoint, Server
from outkept.model.sweep import SweepProgress
from outkept.ssh.client import Client


@dataclass(frozen=True, slots=True)
class Found:
    """One machine with all its endpoints, or one endpoint that answered and is none."""

    endpoints: tuple[Endpoint, ...]
    outcome: AddressOutcome
    reason: str
    server: Server | None = None


class Survey:
    """Sweeps the ranges of `plan` one after another. What was found can be asked for at any
    time, also after `run` was cancelled."""

    def __init__(self, plan: Plan, client: Client) -> None:
        self._settings = plan.settings
        self._client = client
        self._inventory = Inventory()
        self._states: dict[Endpoint, AddressState] = {}
        self._silences: Counter[str] = Counter()
        self._ended: list[SweepProgress] = []
        self._current: Sweep | None = None
        self._started = time.time()

    async def run(self) -> None:
        """Sweep everything once. Cancelling closes all connections."""
        for rng in self._settings.ranges:
            self._current = self._sweep(rng)
            try:
                await self._current.run()
            finally:
                self._ended.append(self._current.progress)
                self._current = None

    @property
    def progress(self) -> SweepProgress:
        """All sweeps taken together; its rate is that of the running one."""
        parts = [*self._ended, *([self._current.progress] if self._current else [])]
        ranges = self._settings.ranges
        total = sum(len(rng) * len(rng.ports) for rng in ranges)
        done = sum(part.done for part in parts)
        rate = parts[-1].rate if parts else 0.0
        outcomes: Counter[str] = Counter()
        for part in parts:
            outcomes.update(part.outcomes)
        return SweepProgress(
            id="all",
            range=", ".join(rng.text for rng in ranges),
            started=self._started,
            total=total,
            done=done,
            found=len(self._inventory),
            rate=rate,
            left_s=(total - done) / rate if rate > 0 else None,
            outcomes=dict(outcomes),
        )

    def found(self) -> list[Found]:
        """Servers by first address, then every other endpoint that was not silent."""
        servers = [_of_server(server) for server in self._inventory]
        others = [
            Found((state.endpoint,), state.outcome, state.reason)
            for state in self._states.values()
            if state.outcome is not AddressOutcome.SERVER
        ]
        return sorted(servers, key=_place) + sorted(others, key=_place)

    @property
    def no_way_out(self) -> str:
        """Why no address at all could be tried from this machine; empty when one could."""
        return "" if self._states else no_way_out(self._silences)

    def _sweep(self, rng: Range) -> Sweep:
        settings = self._settings.sweep
        return Sweep(
            rng,
            visit=lambda endpoint, sock: self._visit(rng, endpoint, sock),
            report=self._report,
            skip=lambda endpoint, _: self._states.get(endpoint),
            pace=Pace(rate=settings.rate, in_flight=settings.in_flight, timeout=settings.timeout),
        )

    async def _visit(
        self, rng: Range, endpoint: Endpoint, sock: socket.socket | None
    ) -> AddressState:
        user = rng.user or self._settings.ssh.user
        timeout = self._settings.ssh.command_timeout
        met = await meet(self._client, endpoint, user, sock, timeout=timeout)
        if isinstance(met, AddressState):
            return met
        try:
            now = time.time()
            sighting = Sighting(endpoint, user, now, met.identity, met.facts, dict(rng.labels))
            # Whoever was met in this sweep is running: it can't have come back elsewhere.
            decision = self._inventory.decide(met.identity, endpoint, lambda _: True)
            settled = settle(self._inventory, decision, sighting, secrets.token_hex(6))
            name = settled.server.identity.hostname
            return AddressState(
                endpoint, AddressOutcome.SERVER, name, now, server=settled.server.id
            )
        finally:
            await met.connection.close()

    def _report(self, state: AddressState) -> None:
        if state.outcome is AddressOutcome.SILENT:
            self._silences[state.reason] += 1
        else:
            self._states[state.endpoint] = state


def _of_server(server: Server) -> Found:
    endpoints = tuple(sorted(server.endpoints, key=_order))
    return Found(endpoints, AddressOutcome.SERVER, "", server)


def _place(found: Found) -> tuple[int, int, int]:
    return _order(found.endpoints[0])


def _order(endpoint: Endpoint) -> tuple[int, int, int]:
    address = ip_address(endpoint.address)
    return (address.version, int(address), endpoint.port)


def addresses(found: Found) -> Iterator[str]:
    """Each address of what was found, once, in order."""
    yield from dict.fromkeys(endpoint.address for endpoint in found.endpoints)


def ports(found: Found) -> Iterator[int]:
    """Each port, once, in order."""
    yield from sorted({endpoint.port for endpoint in found.endpoints})
