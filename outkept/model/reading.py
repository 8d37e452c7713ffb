"""Readings: what one run of one sensor on one server gave."""

from dataclasses import dataclass

Value = float | str


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one series. `instance` is None for a sensor with a single series.

    `level` is set only where the command itself judges (nagios plugins):
    0 normal, 1 warned, 2 alarmed.
    """

    instance: str | None
    value: Value
    level: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One run of one sensor. Either `samples` or a `failure`, never both.

    `at` is UNIX seconds at which the answer arrived; `took` the command's run time in
    seconds. No samples and no failure: nothing to tell yet (the first output of a counter).
    """

    server: str
    sensor: str
    at: float
    samples: tuple[Sample, ...] = ()
    failure: str | None = None
    took: float = 0.0
