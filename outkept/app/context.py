"""What the parts of the daemon share, and the few things they all do with it."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from outkept.app.addresses import Addresses
from outkept.app.blindness import Blindness
from outkept.app.desk import Desk
from outkept.app.faults import Faults
from outkept.app.fleet import Fleet, LiveServer
from outkept.app.heap import Heap
from outkept.app.herald import Herald
from outkept.app.judge import Judge
from outkept.app.past import Past
from outkept.app.tally import Tally
from outkept.config.settings import Settings
from outkept.model.address import AddressOutcome, AddressState
from outkept.model.event import Condition, Event, EventType
from outkept.model.ranges import Range
from outkept.model.reading import Reading
from outkept.model.sensor import Sensor
from outkept.model.server import Endpoint
from outkept.poll.poller import Poller
from outkept.serve.live import Hub
from outkept.ssh.client import Client
from outkept.ssh.connection import Connection
from outkept.store.store import Store

GATHER_S = 0.1
"""Seconds that a reading waits before it is handed to the store, a tenth of what a kill may
cost."""
MOST_GATHERED = 1000

_log = logging.getLogger("outkept")


@dataclass(slots=True)
class Context:
    """One daemon's parts. `library` are the sensors that aren't disabled; `past` is what was
    known before the restart."""

    settings: Settings
    library: Sequence[Sensor]
    store: Store
    client: Client
    fleet: Fleet
    addresses: Addresses
    herald: Herald
    desk: Desk
    judge: Judge
    faults: Faults
    blindness: Blindness
    poller: Poller
    tally: Tally
    past: Past
    heap: Heap
    hub: Hub = field(init=False)
    watched: dict[tuple[str, str], Callable[[Connection, Reading], None]] = field(
        default_factory=dict, init=False
    )
    """By server and sensor: called with each reading once it was judged."""
    _gathered: list[Reading] = field(default_factory=list, init=False)

    def range_of(self, address: str) -> Range | None:
        """The first configured range that has this address."""
        return next((rng for rng in self.settings.ranges if address in rng), None)

    def labels_of(self, address: str) -> dict[str, str]:
        """The labels of the range that the address lies in."""
        rng = self.range_of(address)
        return dict(rng.labels) if rng else {}

    def save(self, live: LiveServer) -> LiveServer:
        """Have the server's record written within a second, and shown."""
        live.record = replace(live.record, last_seen=live.last_seen)
        self.store.save_server(live.record)
        self.hub.changed(live.record.id)
        return live

    def changed(self, live: LiveServer) -> None:
        """The server looks different: show it."""
        self.hub.changed(live.record.id)

    def tell(
        self, type_: EventType, live: LiveServer | None, message: str, sensor: str | None = None
    ) -> None:
        """Announce an event that happened just now."""
        server = live.record.id if live else None
        self.herald.announce(Event(time.time(), type_, message, server, sensor))

    def defect(self, where: str, error: Exception) -> None:
        """An error that is ours: written to the log with its traceback, told in one line."""
        _log.error("internal error in %s", where, exc_info=error)
        self.tell(EventType.MESSAGE, None, f"internal error in {where}: {error!r}; see the log")

    def take(self, connection: Connection, sensor: Sensor, reading: Reading) -> None:
        """Take one reading: kept, judged, shown."""
        live = self.fleet.get(reading.server)
        if live is None:
            return
        if reading.failure is None:
            live.last_seen = reading.at
            if live.unheard_since is not None and live.connected:
                live.heard()
        self.tally.count()
        self._keep(reading)
        self.judge.take(connection, sensor, reading)
        if self.watched and (notice := self.watched.get((reading.server, sensor.name))):
            notice(connection, reading)
        self.hub.changed(reading.server)

    def _keep(self, reading: Reading) -> None:
        """Readings go to the store some hundreds at a time: each time its writer is woken."""
        self._gathered.append(reading)
        if len(self._gathered) == 1:
            asyncio.get_running_loop().call_later(GATHER_S, self.hand_over)
        elif len(self._gathered) >= MOST_GATHERED:
            self.hand_over()

    def hand_over(self) -> None:
        """Give the store what was read since the last time."""
        gathered, self._gathered = self._gathered, []
        if gathered:
            self.store.add_readings(gathered)

    def restore(self, live: LiveServer) -> None:
        """Give a server's series back what they had before a restart, once."""
        for key, value, at in self.past.values(live.record.id):
            self.judge.remember(live, key, value, at)
        for held in self.past.levels(live.record.id):
            self.judge.restore(live, held)
        for name, condition in self.past.faults(live.record.id):
            self.judge.restore_fault(live, name, condition)
        live.gone = live.gone or self.past.was_gone(live.record.id)
        self.past.forget(live.record.id)

    def connected(self, live: LiveServer) -> None:
        """The server is being read from now on; a login is no proof yet that it can be."""
        now = time.monotonic()
        self.faults.connected(live, now)
        live.read, live.up_since, live.away_since = True, now, None
        if live.unheard_since is None:
            live.unheard_since = now

    def lost(self, live: LiveServer) -> None:
        """The connection is gone."""
        live.away_since = time.monotonic()
        if live.unheard_since is None:
            live.unheard_since = live.away_since
        elif live.unheard_since <= live.up_since:
            live.cut = True
        self.faults.lost(live)

    def note(self, state: AddressState) -> None:
        """Take into account how an endpoint ended; a changed host key bars its server."""
        before = self.addresses.get(state.endpoint)
        remembered = self.addresses.note(state)
        if remembered is None:
            return
        self.store.save_address(remembered)
        if state.outcome is AddressOutcome.HOST_KEY_REJECTED:
            self._bar(state, before)

    def _bar(self, state: AddressState, before: AddressState | None) -> None:
        live = self.fleet.at(state.endpoint)
        if live is None:
            return
        if before is None or (before.outcome, before.reason) != (state.outcome, state.reason):
            where = _at(live, state.endpoint)
            self.tell(EventType.HOST_KEY_CHANGED, live, f"{where}: {state.reason}")
            if live.gone and not live.connected:
                self._say_why_still_gone(live, state.reason)
        if not live.connected:
            self.save(self.fleet.put(replace(live.record, quarantine=state.reason)))

    def _say_why_still_gone(self, live: LiveServer, reason: str) -> None:
        """Whoever is reminded that the server is gone hears what it is for now."""
        text, condition = f"{live.name} is quarantined: {reason}", Condition.GONE
        self.herald.announce(
            Event(time.time(), EventType.GONE, text, live.record.id, condition=condition)
        )


def _at(live: LiveServer, endpoint: Endpoint) -> str:
    return live.name if live.name == str(endpoint) else f"{live.name} at {endpoint}"
