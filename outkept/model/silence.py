"""Silences: times in which nobody is told and nothing reacts. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from math import inf
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from outkept.model.globs import fits_any, fits_labels, fits_sensor

MINUTES_A_DAY = 1440
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""How people write the days of `Weekly.days`, in their order."""
_FORM = "%Y-%m-%d %H:%M UTC"


class SilenceState(StrEnum):
    """Where a silence stands in time."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Weekly:
    """A window that comes again on some days of the week, by the clock of a time zone.

    `days` are 0 (Monday) to 6; `start` and `length` are minutes, `start` since midnight; a window
    may reach into the next day. `length` is at most a day, and is as long on a day whose clock is
    set. There, as RFC 5545 (3.3.5) has it, a start that the clock skips counts as if it had not
    been set yet, and one that it shows twice is the first of the two.
    """

    days: frozenset[int]
    start: int
    length: int
    zone: str = "UTC"

    def covers(self, now: float) -> bool:
        """Whether `now` (UNIX seconds) lies in a window. In a zone that this machine doesn't know
        there is none: rather is somebody told."""
        first = next(self.windows(now), None)
        return first is not None and first[0] <= now

    def windows(self, since: float) -> Iterator[tuple[float, float]]:
        """Beginning and end (UNIX seconds) of those of the week from `since` on, the one that is
        on then included; none in a zone that this machine doesn't know."""
        zone = zone_of(self.zone)
        if zone is None:
            return
        first = datetime.fromtimestamp(since, zone).date()
        for ahead in range(-2, 9):
            # From the day before yesterday on: on a day that skips an hour, a window of 24 hours
            # reaches over all of it.
            begun = self._begun(first + timedelta(days=ahead), zone)
            if begun is not None and since < begun + 60.0 * self.length:
                yield begun, begun + 60.0 * self.length

    def _begun(self, day: date, zone: ZoneInfo) -> float | None:
        """When the window of this day begins, None if it has none."""
        if day.weekday() not in self.days:
            return None
        shown = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(minutes=self.start)
        # Through UTC: what is added to a local time ignores that its clock is set.
        return shown.astimezone(UTC).timestamp()

    def __str__(self) -> str:
        days = ",".join(DAYS[day] for day in sorted(self.days))
        return f"{days} {clock(self.start)}-{clock(self.start + self.length)} {self.zone}"


def zone_of(name: str) -> ZoneInfo | None:
    """The time zone of this name, such as `Europe/Lisbon`; None if this machine knows none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def clock(minutes: int) -> str:
    """Minutes since a midnight as a time of day."""
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


@dataclass(frozen=True, slots=True)
class Silence:
    """Holds from `starts` until `ends` (UNIX seconds; infinite: until somebody ends it), and
    within that, where it is `weekly`, in those windows alone. `server` is a glob over hostname, id
    and addresses, `sensor` one over a sensor's name and label (`disk`, `disk[/var]`; `*` and `?`
    alone are wild in it), `labels` are globs over the server's; all of them must match. `id` is 0
    until the store has given it one.

    `ended_by` is who ended it before its time. `told_begin` and `told_end`: an event has said so.
    """

    starts: float
    ends: float
    reason: str
    author: str
    server: str = "*"
    sensor: str = "*"
    labels: Mapping[str, str] = field(default_factory=dict)
    weekly: Weekly | None = None
    id: int = 0
    ended_by: str = ""
    told_begin: bool = False
    told_end: bool = False

    def state(self, now: float) -> SilenceState:
        """Where it stands at `now`. What was said to be over stays over, whatever the clock
        says by now."""
        if self.told_end or now >= self.ends:
            return SilenceState.EXPIRED
        return SilenceState.PENDING if now < self.starts else SilenceState.ACTIVE

    def holds(self, now: float) -> bool:
        """Whether it is in force at `now`."""
        active = self.state(now) is SilenceState.ACTIVE
        return active and (self.weekly is None or self.weekly.covers(now))

    def window(self, now: float) -> tuple[float, float] | None:
        """Beginning and end of the time in which it holds: the one that is on at `now`, or else
        the next; None where it won't hold again."""
        since = max(now, self.starts)
        if since >= self.ends or self.told_end:
            return None
        if self.weekly is None:
            return self.starts, self.ends
        found = (
            (max(begun, self.starts), min(ended, self.ends))
            for begun, ended in self.weekly.windows(since)
            if begun < self.ends
        )
        return next(found, None)

    def matches(self, subject: "Subject") -> bool:
        """Whether it is about this."""
        return self.matches_server(subject) and self.matches_sensor(subject.sensor)

    def matches_server(self, subject: "Subject") -> bool:
        """Whether it is about anything of this server's."""
        names = (subject.hostname, subject.server, *subject.addresses)
        return fits_any((self.server,), names) and fits_labels(self.labels, subject.labels)

    def matches_sensor(self, label: str) -> bool:
        """Whether it is about the sensor of this label; empty: about the server itself."""
        return fits_sensor(self.sensor, label)

    @property
    def is_about_everything(self) -> bool:
        """Whether no server and no sensor is left out, by what it says."""
        return not self.labels and _is_all(self.server) and _is_all(self.sensor)

    @property
    def what(self) -> str:
        """What it is about, in words: `disk on db*, site=lisbon`."""
        sensor = "everything" if _is_all(self.sensor) else self.sensor
        where = [] if _is_all(self.server) else [self.server]
        where += [f"{name}={glob}" for name, glob in sorted(self.labels.items())]
        return f"{sensor} on {', '.join(where)}" if where else sensor

    @property
    def when(self) -> str:
        """Until when, in words: `until 2026-11-28 18:00 UTC, on sat 22:00-02:00 Europe/Lisbon`."""
        until = "until it is ended"
        if self.ends != inf:
            until = f"until {datetime.fromtimestamp(self.ends, UTC).strftime(_FORM)}"
        return until if self.weekly is None else f"{until}, on {self.weekly}"


@dataclass(frozen=True, slots=True)
class Subject:
    """What may be silenced: a series, or (with an empty `sensor`) a server."""

    server: str
    hostname: str
    labels: Mapping[str, str]
    sensor: str = ""
    addresses: tuple[str, ...] = ()


def to_tell(silence: Silence, now: float) -> Silence | None:
    """The silence with what is to be told of it at `now` marked as told; None: nothing is.

    Its beginning and its end are told once each, also where they are noticed late, and the
    beginning before the end; of one that was over before it began only the end is.
    """
    if not silence.told_begin and silence.starts <= now and silence.starts < silence.ends:
        return replace(silence, told_begin=True)
    if not silence.told_end and silence.ends <= now:
        return replace(silence, told_begin=True, told_end=True)
    return None


def _is_all(glob: str) -> bool:
    return "*" in glob and not set(glob) - set("*?")
