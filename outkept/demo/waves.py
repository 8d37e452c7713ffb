"""Values that move plausibly: pure functions of a key and the time in seconds.

A fleet has hundreds of thousands of them, each asked every few seconds: what a key decides is
worked out once, and is small.
"""

from functools import lru_cache
from math import cos, pi, sin

from outkept.demo.chance import digest, noise, pick

# Periods in seconds: a chart of one minute shows the shortest two, one of an hour a "day".
_PERIODS = (23.0, 67.0, 211.0, 3600.0)
_WEIGHTS = (0.2, 0.3, 0.25, 0.25)
_SLOW = 0.85
_W0, _W1, _W2, _W3 = (_SLOW * weight for weight in _WEIGHTS)
_JITTER = 1 - _SLOW
_SHAPES = 64
_FAR = 1e6
"""Seconds by which waves of one shape are shifted against each other, at most."""

Turns = tuple[float, float, float, float]


@lru_cache(maxsize=_SHAPES)
def _shape(number: int) -> Turns:
    """Angles a second, about those of the periods; another set for each number."""
    a, b, c, d = (
        2 * pi / (period * pick(0.8, 1.25, "shape", number, i)) for i, period in enumerate(_PERIODS)
    )
    return a, b, c, d


class Wave:
    """Between -1 and 1: sines of several periods, and a jitter that is new every second."""

    __slots__ = ("_shift", "_turns")

    def __init__(self, *key: object) -> None:
        chance = digest(*key)
        self._turns = _shape(chance[0] % _SHAPES)
        self._shift = _FAR * int.from_bytes(chance[1:7], "big") / (1 << 48)

    def at(self, t: float) -> float:
        """Its height `t` seconds after the fleet's start."""
        a, b, c, d = self._turns
        shift = self._shift
        x = t + shift
        slow = _W0 * sin(a * x) + _W1 * sin(b * x) + _W2 * sin(c * x) + _W3 * sin(d * x)
        # Straight lines between one draw a second.
        key, second = int(shift * 4096), int(t // 1)
        here, there = noise(key, second), noise(key, second + 1)
        return slow + _JITTER * (2 * (here + (there - here) * (t - second)) - 1)

    def level(self, t: float, low: float, high: float) -> float:
        """The wave between `low` and `high`."""
        return low + (high - low) * (self.at(t) + 1) / 2


class Counter:
    """A number that never falls and grows by about `rate` a second, in waves.

    It is the integral of a positive rate, which stays within `swing` (below 1) of `rate` as
    a part of it, so that the rates computed from it are smooth.
    """

    __slots__ = ("_before", "_rate", "_swing", "_turns")

    def __init__(self, rate: float, *key: object, swing: float = 0.9) -> None:
        self._turns = _shape(digest(*key)[0] % _SHAPES)
        self._before = pick(1e5, 1e6, *key, "before")
        self._rate = rate
        self._swing = swing

    def at(self, t: float) -> float:
        """What it has come to, `t` seconds after the fleet's start."""
        x = t + self._before
        waves = sum(
            weight / turn * cos(turn * x)
            for weight, turn in zip(_WEIGHTS, self._turns, strict=True)
        )
        return self._rate * (x - self._swing * waves)
