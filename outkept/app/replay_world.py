"""A world that a replay tries out: one configuration, the daemon's judge and policy, and what they
would have said."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

from outkept.app.faults import Faults
from outkept.app.fleet import Fleet
from outkept.app.judge import Alarm, Judge
from outkept.app.replay_reactions import Asked, ReplayedReactions
from outkept.app.replay_report import Figures, Report
from outkept.config.overrides import sensor_for, subject_of
from outkept.config.settings import Settings
from outkept.evaluate.replayed import can_trip, not_recorded
from outkept.evaluate.tracker import CALM
from outkept.model.action import ReactionMode
from outkept.model.event import Event, EventType, split_label
from outkept.model.incident import Incident, IncidentKey, following, key_of
from outkept.model.level import Level
from outkept.model.reading import Reading
from outkept.model.sensor import Sensor
from outkept.model.server import Server
from outkept.ssh.connection import Connection

_NOWHERE = cast("Connection", None)
"""The judge hands a reading's connection on to what reacts; here nothing is ever sent."""


@dataclass(frozen=True, slots=True)
class Rules:
    """A configuration. `mode` stands in for what its settings say of reactions; None: they say
    it."""

    name: str
    settings: Settings
    library: Sequence[Sensor]
    mode: ReactionMode | None = None


@dataclass(frozen=True, slots=True)
class _Said:
    """An event of the judge's, and the time of the reading that it was said at."""

    at: float
    event: Event
    alarm: Alarm | None


class World:
    """Readings are given to `take`, each series' in order; `settle` then puts in order of time
    what was said of all of them. Counted is what happens in the window, `from_` to `to`."""

    def __init__(self, rules: Rules, servers: Sequence[Server], from_: float, to: float) -> None:
        self.report = Report(rules.name)
        self._rules = rules
        self._from, self._to = from_, to
        self._timeout = rules.settings.ssh.command_timeout
        self._library = {sensor.name: sensor for sensor in rules.library}
        self._fleet = Fleet(servers)
        self._judge = Judge(
            self._fleet,
            self._announce,
            lambda sensor: sensor.every or rules.settings.sensors.every,
            Faults(self._announce, rules.settings.judging, self._timeout),
            rules.settings.judging.flapping,
            clock=lambda: self._now,
        )
        self._reactions = ReplayedReactions(rules.settings.reactions, servers, rules.mode)
        self._sensors: dict[tuple[str, str], Sensor | None] = {}
        self._said: list[_Said] = []
        self._now = 0.0
        self._events = 0
        self._open: dict[IncidentKey, Incident] = {}
        self._since: dict[IncidentKey, float] = {}

    def knows(self, name: str) -> bool:
        """Whether any server's readings of a sensor may trip, as far as can be told."""
        sensor = self._library.get(name)
        if sensor is None or not_recorded(sensor):
            return False
        overrides = self._rules.settings.sensors.overrides
        return can_trip(sensor) or any(name in override.set for override in overrides)

    def sensor(self, server: str, name: str) -> Sensor | None:
        """The sensor as it is on a server; None where it can't trip there."""
        key = (server, name)
        if key not in self._sensors:
            self._sensors[key] = self._sensor(server, name)
        return self._sensors[key]

    def is_stirred(self, server: str, name: str) -> bool:
        """Whether any series of a sensor on a server is elsewhere than nearly all are."""
        live = self._fleet.get(server)
        return live is not None and any(
            key[0] == name and (series.track != CALM or series.flapping)
            for key, series in live.series.items()
        )

    def is_over(self, server: str, name: str, instance: str | None) -> bool:
        """Whether a series has a level, or its last readings lead to one."""
        live = self._fleet.get(server)
        series = live.series.get((name, instance)) if live is not None else None
        return series is not None and series.track != CALM

    def take(self, sensor: Sensor, reading: Reading) -> None:
        """Judge a reading."""
        self._now = reading.at
        self._mark_stale(sensor.name, reading)
        self._judge.take(_NOWHERE, sensor, reading)

    def settle(self) -> None:
        """All readings up to a time were taken: decide, in order, about what was said of them."""
        said, self._said = self._said, []
        for one in sorted(said, key=lambda one: one.at):
            for asked in self._reactions.due(one.at):
                self._decided(asked)
            self._follow(one)

    def end(self) -> None:
        """The window is over: count what is still open."""
        for asked in (*self._reactions.due(self._to), *self._reactions.rest()):
            self._decided(asked)
        for key, incident in self._open.items():
            self._lasted(key, incident.level, self._to)
        # What held a reaction is known once that is over; that a series is gone, readings later.
        self.report.told.sort(key=lambda told: told.at)

    def names(self) -> dict[str, str]:
        """What people call the servers, by id."""
        return {live.record.id: live.name for live in self._fleet}

    def _mark_stale(self, name: str, reading: Reading) -> None:
        """As the lookout does each second: time without readings counts towards no `for`."""
        live = self._fleet.get(reading.server)
        if live is None:
            return
        for sample in reading.samples:
            series = live.series.get((name, sample.instance))
            if series is not None and series.stale_at(self._timeout) < self._now:
                series.stale = True

    def _sensor(self, server: str, name: str) -> Sensor | None:
        live, sensor = self._fleet.get(server), self._library.get(name)
        if live is None or sensor is None or not_recorded(sensor):
            return None
        overrides = self._rules.settings.sensors.overrides
        changed = sensor_for(sensor, overrides, subject_of(live.record))
        return changed if can_trip(changed) else None

    def _announce(self, event: Event, alarm: Alarm | None) -> bool:
        self._said.append(_Said(self._now, event, alarm))
        return True

    def _follow(self, said: _Said) -> None:
        self._events += 1
        event = replace(said.event, id=self._events)
        key = key_of(event)
        if key is None:
            return
        before = self._open.get(key)
        after = following(before, event)
        if before is not None:
            self._lasted(key, before.level, event.at)
        self._since[key] = event.at
        if after is None or after.ended is not None:
            self._open.pop(key, None)
            self._since.pop(key)
        else:
            self._open[key] = after
        if said.at >= self._from:
            self._count(event, before, self.report.of(split_label(event.sensor or "")[0]))
            self.report.tell(event)
        self._react(key, after, said)

    def _count(self, event: Event, before: Incident | None, figures: Figures) -> None:
        opened = before is None and event.type is not EventType.RECOVERED
        figures.incidents += opened
        if event.type is EventType.ALARMED:
            figures.alarms += 1
            figures.alarmed[event.server or ""] += 1
        elif event.type is EventType.WARNED and opened:
            figures.warnings += 1
            figures.warned[event.server or ""] += 1
        elif event.type is EventType.FLAPPING:
            figures.flapping += 1

    def _lasted(self, key: IncidentKey, level: Level, end: float) -> None:
        seconds = min(end, self._to) - max(self._since[key], self._from)
        if seconds > 0:
            self.report.of(split_label(key[2] or "")[0]).lasted(level, seconds)

    def _react(self, key: IncidentKey, after: Incident | None, said: _Said) -> None:
        if after is None or after.level is not Level.ALARMED or after.ended is not None:
            asked = self._reactions.left(key)
        elif said.alarm is not None and said.alarm.sensor.reactive:
            asked = self._reactions.ask(after, said.alarm, said.at)
        else:
            self._reactions.changed(after)
            return
        if asked is not None:
            self._decided(asked)

    def _decided(self, asked: Asked) -> None:
        if self._from <= asked.at < self._to:
            self.report.of(asked.alarm.sensor.name).decided(asked)
            live = self._fleet.get(asked.alarm.server)
            self.report.tell_decision(asked, live.name if live is not None else asked.alarm.server)
