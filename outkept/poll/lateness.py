"""How late readings start, as a histogram of fixed size. Pure."""

from bisect import bisect_left
from itertools import accumulate

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds: fine around the second that the 99th percentile is to stay below."""


class Lateness:
    """Counts by upper bound in seconds; what is later than the last one is counted, too."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self.total_s = 0.0

    def note(self, seconds: float) -> None:
        """One reading started so long after it fell due."""
        late = max(0.0, seconds)
        self._counts[bisect_left(BOUNDS, late)] += 1
        self.total_s += late

    def cumulative(self) -> list[tuple[str, int]]:
        """How many were at most so late, as Prometheus writes it, `+Inf` last."""
        names = [*(f"{bound:g}" for bound in BOUNDS), "+Inf"]
        return list(zip(names, accumulate(self._counts), strict=True))
