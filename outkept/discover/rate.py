"""How fast a sweep may go, and how fast it goes. Pure: the caller brings the clock."""

from math import exp

BURST_S = 0.02
"""Seconds' worth of connections that may leave at once after a late wake-up: the loop's
timers are a millisecond coarse, and a daemon at work is some more milliseconds late."""

SMOOTHING_S = 5.0
"""Time constant of the rate shown to people: steady enough to read, quick enough to
follow a change within a breath."""


class TokenBucket:
    """`rate` tokens a second, 0 for no limit. Times are seconds of any steady clock."""

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._most = max(1.0, rate * BURST_S)
        self._tokens = 1.0
        self._at = now

    def take(self, now: float) -> bool:
        """Whether one more may go now; if so, it is counted."""
        if not self._rate:
            return True
        self._tokens = min(self._most, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def wait(self) -> float:
        """Seconds from the last `take` until the next token is there."""
        return (1.0 - self._tokens) / self._rate if self._rate else 0.0


class Meter:
    """A smoothed rate of a growing count, in units a second."""

    def __init__(self, now: float) -> None:
        self.rate = 0.0
        self._at = now
        self._count = 0
        self._fed = False

    def note(self, count: int, now: float) -> float:
        """The rate after `count` was reached at `now`. Called as often as anybody likes."""
        elapsed = now - self._at
        if elapsed < 0.1:
            return self.rate
        latest = (count - self._count) / elapsed
        weight = 1.0 - exp(-elapsed / SMOOTHING_S) if self._fed else 1.0
        self.rate += weight * (latest - self.rate)
        self._at, self._count, self._fed = now, count, True
        return self.rate
