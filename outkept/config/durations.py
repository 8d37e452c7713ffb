"""Durations as people write them: `500ms`, `10s`, `5m`, `1h`, `4d`, `2w`, `2y`."""

import math
import re

from outkept.config.problems import Mistake, quoted

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
_SHOWN = ("y", "d", "h", "m", "s")
_FORM = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]{1,3})?)\s*(ms|[smhdwy])?\s*", re.ASCII)
_HINT = "write it as 500ms, 10s, 5m, 1h, 4d or a number of seconds"


def parse_duration(value: object) -> float:
    """Seconds in `500ms`, `10s`, `1.5h`, `2y` (a year is 365 days) or a number of seconds.

    Raises Mistake for anything else, a negative duration included.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _finite(float(value), value)
    match = _FORM.fullmatch(value) if isinstance(value, str) and len(value) < 100 else None
    if not match:
        raise Mistake(f"{quoted(value)} is not a duration", _HINT)
    number, unit = float(match[1]), match[2] or "s"
    return _finite(number / 1000 if unit == "ms" else number * _UNITS[unit], value)


def _finite(seconds: float, value: object) -> float:
    if not math.isfinite(seconds) or seconds < 0:
        raise Mistake(f"{quoted(value)} is not a duration", _HINT)
    return seconds


def format_duration(seconds: float) -> str:
    """The shortest text that `parse_duration` reads back as exactly `seconds`."""
    if seconds == 0:
        return "0s"
    for unit in _SHOWN:
        if seconds % _UNITS[unit] == 0:
            return f"{int(seconds) // _UNITS[unit]}{unit}"
    thousandths = round(seconds * 1000)
    return f"{thousandths}ms" if thousandths / 1000 == seconds else f"{seconds!r}s"


def roughly(seconds: float) -> str:
    """A duration for people, in the largest unit of which there are two: `90s`, `7m`, `36h`."""
    for unit in (86400, 3600, 60):
        if seconds >= 2 * unit:
            return format_duration(unit * round(seconds / unit))
    return format_duration(round(seconds))
