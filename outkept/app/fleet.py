"""The fleet in memory: every server's record, connection, series and levels as of now."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from outkept.discover.inventory import Inventory
from outkept.evaluate.flapping import STEADY, Flap
from outkept.evaluate.tracker import CALM, Track
from outkept.model.channels import ChannelReport, ChannelStats
from outkept.model.event import Condition, sensor_label
from outkept.model.level import Level, SensorStatus, ServerStatus
from outkept.model.reading import Value
from outkept.model.sensor import Sensor
from outkept.model.server import Endpoint, Server
from outkept.model.silencing import ALL
from outkept.poll.link import Link
from outkept.ssh.connection import Connection

STALE_AFTER_INTERVALS = 3
"""A value older than so many of its intervals (and its command's deadline) is stale."""

SeriesKey = tuple[str, str | None]
"""A sensor's name and the instance, None for a sensor with a single series."""


@dataclass(slots=True)
class Series:
    """One value that is followed. `at` is UNIX seconds of the last value, `heard` the same by a
    clock that never steps, 0 without one since the start; `owed` since when, by that clock, a value
    is missing, moved on by the time without a connection. `failure` says why the newest reading
    gave none; `absent` counts readings in a row that lacked it."""

    sensor: Sensor
    instance: str | None
    every: float
    track: Track = CALM
    flap: Flap = STEADY
    fired: bool = False
    value: Value | None = None
    at: float | None = None
    heard: float = 0.0
    owed: float = 0.0
    failure: str | None = None
    absent: int = 0
    stale: bool = False

    @property
    def status(self) -> SensorStatus:
        """What the API says of it."""
        if self.failure is not None:
            return SensorStatus.FAILED
        if self.at is None:
            return SensorStatus.UNKNOWN
        if self.stale:
            return SensorStatus.STALE
        if self.fired and self.track.level is Level.ALARMED:
            return SensorStatus.FIRED
        return SensorStatus(self.track.level)

    @property
    def is_ill(self) -> bool:
        """Whether it is over a threshold, fails, or is silent."""
        return self.track.level is not Level.NORMAL or self.failure is not None or self.stale

    @property
    def flapping(self) -> bool:
        """Whether its level changes too often to be told each time, or to be reacted to."""
        return self.flap.flapping

    def patience(self, timeout: float) -> float:
        """Seconds that may lie between two values; `timeout` is the deadline of a command whose
        sensor names none."""
        return STALE_AFTER_INTERVALS * self.every + (self.sensor.timeout or timeout)

    def stale_at(self, timeout: float) -> float:
        """When, by the clock of `heard`, the last value gets too old to be called current, unless
        a newer one comes; infinite without a value, or once it is stale."""
        if self.at is None or self.stale:
            return math.inf
        return self.heard + self.patience(timeout)


@dataclass(slots=True)
class Fault:
    """A sensor that fails, or is silent. `since` is by a clock that never steps, moved on by the
    time without a connection; `readings` counts those that failed, `reason` is the newest one's.
    `told`: its incident is open."""

    condition: Condition
    since: float
    reason: str
    readings: int = 1
    told: bool = False


@dataclass(slots=True)
class LiveServer:
    """One server as it is now. `sensors` are those it supports, with its overrides applied;
    `unsupported` says of each other sensor why not. `last_seen` runs ahead of the record's,
    which is renewed when it is saved. `raised` names the sensors that are over a threshold.
    `shapes` holds, for each sensor whose instances were all in its last reading, that reading's
    instances.

    By a clock that never steps: before `look_at` none of its values can be stale, and before
    `faults_at` nothing has to be said of its `faults`; `up_since` is when it was connected,
    `away_since` since when it has no connection, None while there is one, `unheard_since` since
    when it gave no good reading, None once its connection has given one or has lasted. Since the
    latter it was dialled in vain (`vain`), or let us in and was lost (`cut`). `read` says that it
    was connected since the daemon started, `gone` that its incident is open.

    `muted` are the labels of its series that are silenced, ALL where all of it is, by the silences
    and the record `muted_for`; None: its series are others since.
    """

    record: Server
    link: Link | None = None
    sensors: dict[str, Sensor] = field(default_factory=dict)
    unsupported: dict[str, str] = field(default_factory=dict)
    series: dict[SeriesKey, Series] = field(default_factory=dict)
    queued_up: str = ""
    verified_at: float | None = None
    last_seen: float = 0.0
    raised: frozenset[str] = frozenset()
    shapes: dict[str, tuple[str | None, ...]] = field(default_factory=dict)
    look_at: float = 0.0
    faults: dict[str, Fault] = field(default_factory=dict)
    faults_at: float = math.inf
    up_since: float = 0.0
    away_since: float | None = None
    unheard_since: float | None = None
    read: bool = False
    vain: bool = False
    cut: bool = False
    gone: bool = False
    muted: frozenset[str] = frozenset()
    muted_for: tuple[tuple[int, ...], Server] | None = None

    def heard(self) -> None:
        """It is there: its connection has given a good reading, or has lasted."""
        self.unheard_since, self.vain, self.cut = None, False, False

    @property
    def connection(self) -> Connection | None:
        """The connection it is read over, None while there is none."""
        return self.link.connection if self.link is not None else None

    @property
    def connected(self) -> bool:
        """Whether it is being read."""
        connection = self.connection
        return connection is not None and connection.lost is None

    def is_connected_at(self, endpoint: Endpoint) -> bool:
        """Whether it is being read over this very endpoint."""
        connection = self.connection
        return (
            connection is not None and connection.lost is None and connection.endpoint == endpoint
        )

    @property
    def status(self) -> ServerStatus:
        """What the API says of it."""
        if self.record.quarantine:
            return ServerStatus.QUARANTINED
        if not self.connected:
            return ServerStatus.DISCONNECTED
        return ServerStatus(self.level)

    @property
    def level(self) -> Level:
        """The worst level of its series."""
        levels = (series.track.level for series in self.series.values())
        return max(levels, key=lambda level: level.severity, default=Level.NORMAL)

    @property
    def quiet(self) -> bool:
        """Whether nobody is told of it now: all of it is silenced, or all that is wrong with it."""
        if self.muted == ALL:
            return True
        if not self.muted or self.queued_up:
            return False
        if self.status in (ServerStatus.QUARANTINED, ServerStatus.DISCONNECTED):
            return False
        ill = [sensor_label(*key) for key, series in self.series.items() if series.is_ill]
        return bool(ill) and self.muted.issuperset(ill)

    def note_levels(self) -> None:
        """A series has entered or left a level."""
        self.raised = frozenset(
            name
            for (name, _), series in self.series.items()
            if series.track.level is not Level.NORMAL
        )

    @property
    def channels(self) -> ChannelStats:
        """The state of its channel pool; all zero without a connection."""
        connection = self.connection
        if connection is None:
            return ChannelStats(limit=self.record.channel_limit or 0)
        return connection.pool.stats()

    @property
    def channel_report(self) -> ChannelReport:
        """Where its channel time goes; empty without a connection."""
        connection = self.connection
        return ChannelReport() if connection is None else connection.pool.report()

    @property
    def name(self) -> str:
        """What people call it."""
        if self.record.identity.hostname:
            return self.record.identity.hostname
        return str(self.record.endpoints[0]) if self.record.endpoints else self.record.id


class Fleet:
    """All servers by id, and the inventory that tells machines apart, kept in step."""

    def __init__(self, records: Iterable[Server] = ()) -> None:
        self.inventory = Inventory()
        self._servers: dict[str, LiveServer] = {}
        for record in records:
            self.put(record)

    def put(self, record: Server) -> LiveServer:
        """Add a server, or replace its record."""
        self.inventory.put(record)
        live = self._servers.get(record.id)
        if live is None:
            live = self._servers[record.id] = LiveServer(record)
        live.record = record
        live.last_seen = max(live.last_seen, record.last_seen)
        return live

    def remove(self, server_id: str) -> None:
        """Forget a server; nothing happens if it is not here."""
        self.inventory.remove(server_id)
        self._servers.pop(server_id, None)

    def get(self, server_id: str) -> LiveServer | None:
        """A server by id, None if it is not here."""
        return self._servers.get(server_id)

    def at(self, endpoint: Endpoint) -> LiveServer | None:
        """The server that has this endpoint, None if no known one has."""
        record = self.inventory.at(endpoint)
        return self._servers[record.id] if record is not None else None

    def __iter__(self) -> Iterator[LiveServer]:
        return iter(list(self._servers.values()))

    def __len__(self) -> int:
        return len(self._servers)

    def is_connected(self, server_id: str) -> bool:
        """Whether the server is here and being read."""
        live = self._servers.get(server_id)
        return live is not None and live.connected

    def urgent(self, server_id: str) -> frozenset[str]:
        """The server's sensors that are over a threshold: such are read first."""
        live = self._servers.get(server_id)
        return live.raised if live is not None else frozenset()
