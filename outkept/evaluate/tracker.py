"""When a series enters and leaves a level: after `for`, with hysteresis by `clear`.

Pure: a state and a sample give the next state and, where the level changed, the change.
"""

from dataclasses import dataclass
from typing import NamedTuple

from outkept.evaluate.thresholds import is_clear, is_zero_alarm, judge
from outkept.model.level import Level
from outkept.model.reading import Sample
from outkept.model.sensor import Sensor


class Track(NamedTuple):
    """Where one series stands; a named tuple for the same reason as readings.

    `warned_row` and `alarmed_row` count the readings in a row that were at least so bad, up to
    the sensor's `for`; `warned_since` and `alarmed_since` are the times from which they count, 0
    without such a row.
    """

    level: Level = Level.NORMAL
    warned_row: int = 0
    alarmed_row: int = 0
    warned_since: float = 0.0
    alarmed_since: float = 0.0


CALM = Track()
"""Where nearly every series stands at nearly every reading."""


@dataclass(frozen=True, slots=True)
class Change:
    """A level was left for another. `by_zero` says that the alarm is for the value 0."""

    before: Level
    after: Level
    by_zero: bool = False


def step(sensor: Sensor, track: Track, sample: Sample, at: float) -> tuple[Track, Change | None]:
    """Take one reading into account. Failed readings are not passed here: they neither
    count towards `for` nor interrupt it.

    `at` is the reading's time in seconds of any clock, the same one for all of a series. Where
    that clock steps back, the time of a row is counted anew: a level is then entered late by at
    most `for`, and never early.
    """
    raw = judge(sensor, sample)
    if raw is Level.NORMAL and (track is CALM or track == CALM):
        return CALM, None
    warned = _row(track.warned_row, track.warned_since, raw is not Level.NORMAL, sensor, at)
    alarmed = _row(track.alarmed_row, track.alarmed_since, raw is Level.ALARMED, sensor, at)
    entered = Level.NORMAL
    if _is_long_enough(sensor, alarmed, at):
        entered = Level.ALARMED
    elif _is_long_enough(sensor, warned, at):
        entered = Level.WARNED
    level = _level(sensor, track.level, sample, raw, entered)
    following = Track(level, warned[0], alarmed[0], warned[1], alarmed[1])
    if level is track.level:
        return (track if following == track else following), None
    return following, Change(track.level, level, by_zero=is_zero_alarm(sensor, sample))


def after_gap(track: Track, at: float) -> Track:
    """The track when nothing was read for longer than is usual until `at`: that time doesn't
    count towards a `for` that is a duration."""
    if track is CALM:
        return track
    return track._replace(
        warned_since=at if track.warned_row else 0.0,
        alarmed_since=at if track.alarmed_row else 0.0,
    )


def _row(before: int, since: float, counts: bool, sensor: Sensor, at: float) -> tuple[int, float]:
    """How many readings in a row, and since when."""
    if not counts:
        return 0, 0.0
    if before == 0 or at < since:
        since = at
    return min(before + 1, sensor.for_), since


def _is_long_enough(sensor: Sensor, row: tuple[int, float], at: float) -> bool:
    readings, since = row
    return readings >= sensor.for_ and at - since >= sensor.for_s


def _level(sensor: Sensor, now: Level, sample: Sample, raw: Level, entered: Level) -> Level:
    if entered is now or entered.severity > now.severity:
        return entered
    # The value got better. Within the hysteresis the level it has is kept.
    if not is_clear(sensor, sample):
        return now
    return min(now, raw, key=lambda level: level.severity)
