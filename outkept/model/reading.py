"""Readings: what one run of one sensor on one server gave.

Named tuples, because thousands are made each second, and a frozen dataclass takes four times as
long to make.
"""

from typing import NamedTuple

Value = float | str


class Sample(NamedTuple):
    """One value of one series. `instance` is None for a sensor with a single series.

    `level` is set only where the command itself judges (nagios plugins):
    0 normal, 1 warned, 2 alarmed.
    """

    instance: str | None
    value: Value
    level: int | None = None


class Reading(NamedTuple):
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
