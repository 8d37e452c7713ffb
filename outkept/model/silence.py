"""Silences: times in which nobody is told and nothing reacts. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

MINUTES_A_DAY = 1440


@dataclass(frozen=True, slots=True)
class Weekly:
    """A window that comes again on some days of the week, by the clock of a time zone.

    `days` are 0 (Monday) to 6; `start` and `length` are minutes, `start` since midnight; a window
    may reach into the next day. `length` is at most a day. On a day whose clock is set, a window
    begins at the first instant that shows `start` or later.
    """

    days: frozenset[int]
    start: int
    length: int
    zone: str = "UTC"

    def covers(self, now: float) -> bool:
        """Whether `now` (UNIX seconds) lies in a window."""
        zone = ZoneInfo(self.zone)
        local = datetime.fromtimestamp(now, zone)
        for back in (0, 1):
            day = (local - timedelta(days=back)).date()
            if day.weekday() not in self.days:
                continue
            midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
            # Through UTC: what is added to a local time ignores that its clock is set.
            begun = (midnight + timedelta(minutes=self.start)).astimezone(UTC).timestamp()
            if begun <= now < begun + 60.0 * self.length:
                return True
        return False


@dataclass(frozen=True, slots=True)
class Silence:
    """Holds from `starts` until `ends` (UNIX seconds), and within that, where it is `weekly`, in
    those windows alone. `server` is a glob over hostname and id, `sensor` one over a sensor's name
    and label (`disk`, `disk[/var]`), `labels` are globs over the server's; all of them must match.
    `id` is 0 until the store has given it one."""

    starts: float
    ends: float
    reason: str
    author: str
    server: str = "*"
    sensor: str = "*"
    labels: Mapping[str, str] = field(default_factory=dict)
    weekly: Weekly | None = None
    id: int = 0

    def holds(self, now: float) -> bool:
        """Whether it is in force at `now`."""
        return self.starts <= now < self.ends and (self.weekly is None or self.weekly.covers(now))

    def matches(self, subject: "Subject") -> bool:
        """Whether it is about this."""
        return (
            _any(self.server, (subject.hostname, subject.server))
            and _any(self.sensor, (subject.sensor, subject.sensor.partition("[")[0]))
            and all(
                name in subject.labels and fnmatchcase(subject.labels[name], glob)
                for name, glob in self.labels.items()
            )
        )


@dataclass(frozen=True, slots=True)
class Subject:
    """What may be silenced: a series, or (with an empty `sensor`) a server."""

    server: str
    hostname: str
    labels: Mapping[str, str]
    sensor: str = ""


def silencing(silences: Iterable[Silence], subject: Subject, now: float) -> Silence | None:
    """The silence in force that ends last, None if there is none."""
    found = (one for one in silences if one.holds(now) and one.matches(subject))
    return max(found, key=lambda one: one.ends, default=None)


def _any(glob: str, texts: Iterable[str]) -> bool:
    return any(fnmatchcase(text.casefold(), glob.casefold()) for text in texts)
