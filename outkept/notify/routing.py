"""Which routes an incident takes, and whom each of them tells. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import time

from outkept.config.notify import DAYS, QuietSettings, RouteSettings
from outkept.config.overrides import matches
from outkept.config.strict import Match
from outkept.model.event import Condition
from outkept.model.globs import fits_sensor
from outkept.model.incident import Incident
from outkept.model.level import Level
from outkept.model.silence import MINUTES_A_DAY, Subject, Weekly
from outkept.notify.message import About

GroupValues = tuple[str, ...]
"""What the incidents of a group have in common: a value for each key of `group_by`."""


@dataclass(frozen=True, slots=True)
class Step:
    """Whom to tell besides, `after` seconds."""

    after: float
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours in which notices wait; those about a level in `passing` don't."""

    hours: Weekly
    passing: frozenset[Level]

    def holds(self, level: Level, now: float) -> bool:
        """Whether a notice about this level has to wait at `now` (UNIX seconds)."""
        return level not in self.passing and self.hours.covers(now)


@dataclass(frozen=True, slots=True)
class Route:
    """`RouteSettings` as they are used. Durations are in seconds; `repeat_interval` 0: no
    reminders."""

    match: Match
    sensors: tuple[str, ...]
    levels: frozenset[Level]
    conditions: frozenset[Condition]
    to: tuple[str, ...]
    group_by: tuple[str, ...] = ()
    group_wait: float = 0.0
    group_interval: float = 0.0
    repeat_interval: float = 0.0
    steps: tuple[Step, ...] = ()
    quiet: Quiet | None = None
    goes_on: bool = False

    @property
    def targets(self) -> frozenset[str]:
        """Everybody whom it may tell."""
        return frozenset(self.to).union(*(step.to for step in self.steps))

    def takes(self, incident: Incident, subject: About) -> bool:
        """Whether the incident, as it is now, is for this route."""
        return (
            incident.level in self.levels
            and incident.condition in self.conditions
            and _any(self.sensors, subject.sensor)
            and matches(self.match, subject.machine)
        )

    def group(self, incident: Incident, subject: Subject) -> GroupValues:
        """The group that the incident belongs to."""
        own = {
            "server": subject.server,
            "sensor": subject.sensor.partition("[")[0],
            "condition": incident.condition.value,
        }
        return tuple(own.get(key) or subject.labels.get(key, "") for key in self.group_by)

    def receivers(self, told: Iterable[float], unmended: int, now: float) -> tuple[str, ...]:
        """Whom it tells at `now`, in order. `told` are the times at which those in `to` were told
        first; each reaction that mended nothing takes it a step ahead of its times."""
        first = min(told, default=None)
        reached = unmended
        if first is not None:
            reached += sum(first + step.after <= now for step in self.steps)
        names = [*self.to, *(name for step in self.steps[:reached] for name in step.to)]
        return tuple(dict.fromkeys(names))


def route_of(settings: RouteSettings) -> Route:
    """A route as it is written."""
    return Route(
        match=settings.match,
        sensors=settings.sensors,
        levels=frozenset(Level(word) for word in settings.levels),
        conditions=frozenset(Condition(word) for word in settings.conditions),
        to=tuple(dict.fromkeys(settings.to)),
        group_by=settings.group_by,
        group_wait=settings.group_wait,
        group_interval=settings.group_interval,
        repeat_interval=settings.repeat_interval,
        steps=tuple(Step(step.after, step.to) for step in settings.steps),
        quiet=None if settings.quiet is None else _quiet(settings.quiet),
        goes_on=settings.continue_,
    )


def routed(routes: Sequence[Route], incident: Incident, subject: About) -> tuple[int, ...]:
    """The places of the routes that an incident takes: the first that takes it and, as long as
    each of them goes on, further ones."""
    taken = []
    for place, route in enumerate(routes):
        if route.takes(incident, subject):
            taken.append(place)
            if not route.goes_on:
                break
    return tuple(taken)


def _quiet(settings: QuietSettings) -> Quiet:
    start = _minutes(settings.from_)
    length = (_minutes(settings.to) - start) % MINUTES_A_DAY
    days = frozenset(DAYS.index(day) for day in settings.days)
    hours = Weekly(days, start, length, settings.zone)
    return Quiet(hours, frozenset(Level(word) for word in settings.except_))


def _minutes(clock: time) -> int:
    return 60 * clock.hour + clock.minute


def _any(globs: tuple[str, ...], label: str) -> bool:
    """Whether a sensor's label, or its name alone, matches; what is about no sensor matches `*`."""
    return any(fits_sensor(glob, label) for glob in globs)
