"""Values that move plausibly: pure functions of a key and the time in seconds."""

from math import cos, pi, sin

from outkept.demo.chance import draw, pick

# Periods in seconds: a chart of one minute shows the shortest two, one of an hour a "day".
_PERIODS = (23.0, 67.0, 211.0, 3600.0)
_WEIGHTS = (0.2, 0.3, 0.25, 0.25)


def wave(key: object, t: float) -> float:
    """Between -1 and 1: sines of several periods, and a jitter that is new every second."""
    slow = sum(
        weight * sin(2 * pi * (t / _period(key, i) + draw(key, i)))
        for i, weight in enumerate(_WEIGHTS)
    )
    return 0.85 * slow + 0.15 * _jitter(key, t)


def level(key: object, t: float, low: float, high: float) -> float:
    """A wave between `low` and `high`."""
    return low + (high - low) * (wave(key, t) + 1) / 2


def counter(key: object, t: float, rate: float, swing: float = 0.9) -> float:
    """A counter that never falls and grows by about `rate` a second, in waves.

    It is the integral of a positive rate, which stays within `swing` (below 1) of `rate` as
    a part of it, so that the rates computed from it are smooth.
    """
    total = t + pick(1e5, 1e6, key, "before")
    for i, weight in enumerate(_WEIGHTS):
        turn = 2 * pi / _period(key, i)
        phase = 2 * pi * draw(key, i)
        total += swing * weight / turn * (cos(phase) - cos(turn * t + phase))
    return rate * total


def _period(key: object, i: int) -> float:
    return _PERIODS[i] * pick(0.8, 1.25, key, i, "period")


def _jitter(key: object, t: float) -> float:
    """Straight lines between one draw a second."""
    second = int(t // 1)
    here, there = draw(key, second), draw(key, second + 1)
    return 2 * (here + (there - here) * (t - second)) - 1
