"""A judge over one server, without a connection: readings in, events out."""

from types import SimpleNamespace
from typing import cast

from outkept.app.faults import Faults
from outkept.app.fleet import Fleet, LiveServer
from outkept.app.judge import Alarm, Judge
from outkept.config.settings import JudgingSettings
from outkept.model.event import Event
from outkept.model.reading import Reading, Sample
from outkept.model.sensor import Parse, Sensor
from outkept.model.server import Endpoint, Facts, Identity, Server
from outkept.poll.link import Link
from outkept.ssh.connection import Connection

NOW = 1_700_000_000.0
HERE = Endpoint("10.0.0.1", 2222)
NO_CONNECTION = cast(Connection, None)
LOAD = Sensor("load", "true", warning=5, alarm=10, unit="tasks")
DISK = Sensor("disk", "true", parse=Parse.TABLE, warning=80, alarm=90)


def _server(*supported: str) -> Server:
    return Server(
        id="s1",
        identity=Identity("ssh-ed25519 SHA256:x", "m", "b", "web1", ("02:00:00:00:00:01",)),
        facts=Facts(os="Debian", cpus=2, addresses=("10.0.0.1",)),
        endpoints=(HERE, Endpoint("10.0.0.1"), Endpoint("10.0.0.2", 2222)),
        user="ops",
        first_seen=NOW,
        last_seen=NOW,
        supported=supported,
    )


class Bench:
    """A judge with one server, and what it announced."""

    def __init__(self, judging: JudgingSettings | None = None) -> None:
        self.fleet = Fleet([_server("load", "disk")])
        self.told: list[tuple[Event, Alarm | None]] = []
        self.room = True
        self.now, self.wall = 1000.0, NOW
        judging = judging or JudgingSettings()
        self.faults = Faults(lambda event, _: self._announce(event, None), judging, 20.0)
        self.judge = Judge(
            self.fleet,
            self._announce,
            lambda sensor: 10.0,
            self.faults,
            judging.flapping,
            lambda: self.now,
        )
        self.live.sensors = {"load": LOAD, "disk": DISK}

    def _announce(self, event: Event, alarm: Alarm | None) -> bool:
        if self.room:
            self.told.append((event, alarm))
        return self.room

    @property
    def live(self) -> LiveServer:
        """The server."""
        live = self.fleet.get("s1")
        assert live is not None
        return live

    @property
    def types(self) -> list[str]:
        """The types of the events so far."""
        return [event.type.value for event, _ in self.told]

    def read(self, sensor: Sensor, failure: str | None = None, **values: float) -> None:
        """Take one reading; the instance `_` is none."""
        samples = [Sample(None if key == "_" else key, value) for key, value in values.items()]
        self.judge.take(
            NO_CONNECTION, sensor, Reading("s1", sensor.name, self.wall, tuple(samples), failure)
        )

    def wait(self, seconds: float, *, step: float = 0.0) -> None:
        """Let time pass; the wall clock steps by so much besides."""
        self.now += seconds
        self.wall += seconds + step

    def look(self) -> None:
        """Have the server's sensors looked at."""
        self.faults.look(self.live, self.now)

    def connect(self, *, lost: str | None = None) -> None:
        """Give the server a connection, or one that is lost."""
        self.live.link = cast(Link, SimpleNamespace(connection=SimpleNamespace(lost=lost)))
        if lost is None:
            self.faults.connected(self.live, self.now)
            self.live.away_since = None
        else:
            self.live.away_since = self.now
            self.faults.lost(self.live)

    @property
    def last(self) -> str:
        """What was said last."""
        return self.told[-1][0].message

    def status(self, name: str, instance: str | None = None) -> str:
        """The status of a series."""
        return self.live.series[name, instance].status.value
