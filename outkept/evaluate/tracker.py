"""When a series enters and leaves a level: `for` readings in a row, hysteresis by `clear`.

Pure: a state and a sample give the next state and, where the level changed, the change.
"""

from dataclasses import dataclass

from outkept.evaluate.thresholds import is_clear, is_zero_alarm, judge
from outkept.model.level import Level
from outkept.model.reading import Sample
from outkept.model.sensor import Sensor


@dataclass(frozen=True, slots=True)
class Track:
    """Where one series stands. `warned_row` and `alarmed_row` count the readings in a row
    that were at least so bad, up to the sensor's `for`."""

    level: Level = Level.NORMAL
    warned_row: int = 0
    alarmed_row: int = 0


CALM = Track()
"""Where nearly every series stands at nearly every reading."""


@dataclass(frozen=True, slots=True)
class Change:
    """A level was left for another. `by_zero` says that the alarm is for the value 0."""

    before: Level
    after: Level
    by_zero: bool = False

    @property
    def enters_alarm(self) -> bool:
        """Whether this is the moment at which a reaction may run."""
        return self.after is Level.ALARMED


def step(sensor: Sensor, track: Track, sample: Sample) -> tuple[Track, Change | None]:
    """Take one reading into account. Failed readings are not passed here: they neither
    count towards `for` nor interrupt it."""
    raw = judge(sensor, sample)
    if raw is Level.NORMAL and (track is CALM or track == CALM):
        return CALM, None
    warned_row = _row(track.warned_row, raw.severity >= Level.WARNED.severity, sensor.for_)
    alarmed_row = _row(track.alarmed_row, raw is Level.ALARMED, sensor.for_)
    level = _level(sensor, track.level, sample, raw, (warned_row, alarmed_row))
    following = Track(level, warned_row, alarmed_row)
    if level is track.level:
        return following, None
    return following, Change(track.level, level, by_zero=is_zero_alarm(sensor, sample))


def _row(before: int, counts: bool, most: int) -> int:
    return min(before + 1, most) if counts else 0


def _level(sensor: Sensor, now: Level, sample: Sample, raw: Level, rows: tuple[int, int]) -> Level:
    warned_row, alarmed_row = rows
    if alarmed_row >= sensor.for_:
        return Level.ALARMED
    entered = Level.WARNED if warned_row >= sensor.for_ else Level.NORMAL
    if entered.severity >= now.severity:
        return entered
    # The value got better. Within the hysteresis the level it has is kept.
    if not is_clear(sensor, sample):
        return now
    return min(now, raw, key=lambda level: level.severity)
