"""Counters become rates: increase per second between two outputs. Pure."""

from collections.abc import Iterable

from outkept.model.reading import Sample

DIGITS = 4
"""Significant digits of a rate. The times of its two outputs are those of their arrival, and
the command was run somewhat earlier: some milliseconds in ten seconds, which leaves four
digits. Further ones would be noise, and cost seven bytes a reading on disk instead of two."""


class Counters:
    """The last count of each instance of one sensor on one server."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: dict[str | None, tuple[float, float]] = {}

    def rates(self, samples: Iterable[Sample], at: float) -> tuple[Sample, ...]:
        """The samples as increase per second since the last call, taken at `at` (seconds), to
        four significant digits (see DIGITS).

        An instance seen for the first time, or whose counter fell (a reboot, a wrap),
        has no rate yet and is left out. Instances that went away are forgotten.
        """
        before, self._last = self._last, {}
        rates = []
        for sample in samples:
            if isinstance(sample.value, str):
                continue
            self._last[sample.instance] = (at, sample.value)
            last = before.get(sample.instance)
            if last is not None and at > last[0] and sample.value >= last[1]:
                rate = significant((sample.value - last[1]) / (at - last[0]))
                rates.append(Sample(sample.instance, rate, sample.level))
        return tuple(rates)


def significant(value: float) -> float:
    """The value to DIGITS significant digits, as the float that is nearest to them."""
    return float(f"{value:.{DIGITS}g}")
