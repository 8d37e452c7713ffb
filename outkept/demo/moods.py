"""How each sensor fares on a machine of some character. Pure.

A mood is a height: 0 lies at the warning threshold, 1 at the alarm threshold, whatever the
sensor's unit and direction; below 0 is normal. So one curve fits every sensor.
"""

from collections.abc import Callable
from math import pi, sin

from outkept.demo.characters import Character
from outkept.demo.waves import Wave

Curve = Callable[[int, float, float | None], float]
"""(seed, seconds since the fleet's start, age at the last reaction) → height."""

WORK = frozenset({"load", "cpu"})
_FILL, _STAY = 130.0, 60.0
_DIES, _LIES, _CYCLE = 30.0, 120.0, 240.0


def is_dead(character: Character, sensor: str, t: float, mended: float | None) -> bool:
    """Whether the daemon that `sensor` counts has died: from 30 s on for two minutes, and
    again every four, unless a reaction has started it."""
    if character is not Character.DEAD_DAEMON or sensor != "apache":
        return False
    died = t - (t % _CYCLE) + _DIES
    return died <= t < died + _LIES and not (mended is not None and mended >= died)


def _busy(seed: int, t: float, _mended: float | None) -> float:
    return Wave(seed, "busy").level(t, -0.8, 0.3)


def _flapping(seed: int, t: float, _mended: float | None) -> float:
    """Up and down through both thresholds, once in 40 s: long enough for `for`."""
    return 0.5 + 1.2 * sin(2 * pi * t / 40) + Wave(seed, "flap").level(t, -0.15, 0.15)


def _filling(_seed: int, t: float, mended: float | None) -> float:
    """From half empty through the alarm in 116 s to the top; emptied a minute after, or by
    a reaction, it fills again."""
    since = t - mended if mended is not None else t
    return -3 + 4.5 * min((since % (_FILL + _STAY)) / _FILL, 1)


def _crowded(_seed: int, t: float, mended: float | None) -> float:
    """Web workers pile up like files on a disk, but never from nothing: 0 is a dead daemon."""
    return max(_filling(_seed, t, mended), -1.6)


def _hot(seed: int, t: float, _mended: float | None) -> float:
    """Always above the warning, and above the alarm for a third of every 150 s."""
    return 0.7 + 0.5 * sin(2 * pi * t / 150) + Wave(seed, "hot").level(t, -0.1, 0.1)


def _steady(at: float) -> Curve:
    return lambda seed, t, mended: at


C = Character
HEIGHTS: dict[tuple[Character, str], Curve] = {
    **{(C.BUSY, name): _busy for name in WORK},
    (C.BUSY, "apache"): _crowded,
    (C.FLAPPING, "load"): _flapping,
    (C.FILLING_DISK, "disk"): _filling,
    (C.HOT, "temperature"): _hot,
    (C.CERTIFICATE, "certificates"): _steady(0.4),
    (C.DEGRADED_RAID, "mdadm"): _steady(1.0),
    (C.PENDING_UPDATES, "updates"): _steady(1.3),
    (C.PENDING_UPDATES, "security_updates"): _steady(0.3),
    (C.PENDING_UPDATES, "reboot_required"): _steady(0.0),
}
