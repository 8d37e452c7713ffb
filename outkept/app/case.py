"""A series that is alarmed and dealt with: what is known of it, and how it is told and written."""

import asyncio
import time
from dataclasses import dataclass, field

from outkept.act.policy import Guard
from outkept.app.fleet import LiveServer, Series
from outkept.app.judge import Alarm
from outkept.model.action import Action, ActionOutcome
from outkept.model.event import Event, EventType, sensor_label
from outkept.model.sensor import Sensor
from outkept.model.server import Endpoint
from outkept.ssh.connection import Connection


@dataclass(slots=True, eq=False)
class Case:
    """`connection` gave the newest reading, None where that is not known; `endpoint` is where the
    first of them came from. `entered_by_zero` says that the alarm was entered by a value of 0.
    `ran` are the steps that were started, `shown` those that would have been in a dry run. `guard`
    is what it waits for to pass, and `kept` says that the disk knows that it waits. `past` says
    that it no longer looks at whether it is alarmed; only the disk is waited for. `next` is the
    alarm of the next incident of the series that came before this one was done with, or of the same
    incident, where it was past."""

    live: LiveServer
    sensor: Sensor
    instance: str | None
    incident: int
    cause: str
    entered_by_zero: bool = False
    connection: Connection | None = None
    endpoint: Endpoint | None = None
    ran: set[int] = field(default_factory=set)
    shown: set[int] = field(default_factory=set)
    guard: Guard | None = None
    kept: bool = False
    past: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    next: Alarm | None = None

    @property
    def label(self) -> str:
        """The series, as events name it."""
        return sensor_label(self.sensor.name, self.instance)

    @property
    def series(self) -> Series | None:
        """What is followed of it; None once it is gone."""
        return self.live.series.get((self.sensor.name, self.instance))

    @property
    def by_zero(self) -> bool:
        """Whether it was entered by a 0, or is 0 now: from 95 to 0 the level doesn't change."""
        series = self.series
        now = series is not None and self.sensor.zero and series.value == 0
        return self.entered_by_zero or now

    @property
    def known(self) -> bool:
        """Whether the connection that gave its newest reading is there, and that reading is good
        and new enough."""
        series = self.series
        return (
            self.connection is not None
            and self.connection.lost is None
            and self.live.connection is self.connection
            and series is not None
            and series.failure is None
            and not series.stale
        )

    def read_over(self, connection: Connection) -> None:
        """A reading of it came over this connection."""
        self.connection = connection
        self.endpoint = self.endpoint or connection.endpoint

    def moved(self, connection: Connection) -> str:
        """Where the server is over this connection, if it was elsewhere when its alarm began; empty
        if it wasn't."""
        if connection.endpoint == self.endpoint:
            return ""
        return f"it is at {connection.endpoint} now, and was at {self.endpoint} before"

    async def wait(self, seconds: float) -> None:
        """Return once something has changed, after `seconds` at the latest. Cancel-safe."""
        try:
            async with asyncio.timeout(seconds):
                await self.changed.wait()
        except TimeoutError:
            pass
        self.changed.clear()

    def event(self, type_: EventType, what: str) -> Event:
        """What happened with it just now, to be told."""
        return Event(
            time.time(),
            type_,
            f"{self.live.name}: {self.label}: {what}",
            self.live.record.id,
            self.label,
            incident=self.incident,
        )

    def action(self, step: int, reason: str) -> Action:
        """A step that is about to run, to be written down."""
        return Action(
            self.live.record.id,
            self.sensor.name,
            self.sensor.reaction(step) or "",
            time.time(),
            ActionOutcome.INTENDED,
            reason,
            self.instance,
            incident=self.incident,
            step=step,
        )
