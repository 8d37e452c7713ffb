"""Times as people write them on the command line."""

import os
import time
from datetime import datetime, timedelta
from pathlib import Path

from outkept.cli.errors import USAGE, fail
from outkept.config.durations import parse_duration
from outkept.config.problems import Mistake
from outkept.model.silence import zone_of

_LOCALTIME = Path("/etc/localtime")
_ZONES = "/zoneinfo/"


def moment(option: str, text: str | None) -> float | None:
    """UNIX seconds of `2026-11-29 22:00` by this machine's clock, of `2026-11-29T22:00Z`, or of
    `22:00`, the next time that a clock shows it; ends the process for anything else."""
    if text is None:
        return None
    try:
        if len(text) <= 5:
            return _next(text)
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        fail(f"{option}: {text!r} is no time; write it as 22:00 or '2026-11-29 22:00'", USAGE)


def _next(text: str) -> float:
    now = datetime.fromtimestamp(time.time())
    shown = datetime.strptime(text, "%H:%M")
    found = now.replace(hour=shown.hour, minute=shown.minute, second=0, microsecond=0)
    return (found if found > now else found + timedelta(days=1)).timestamp()


def lasting(option: str, text: str | None) -> float | None:
    """Seconds in `2h`; ends the process for what is no duration."""
    try:
        return None if text is None else parse_duration(text)
    except Mistake as mistake:
        fail(f"{option}: {mistake}", USAGE)


def own_zone() -> str:
    """The name of this machine's time zone, `UTC` where it can't be told."""
    named = os.environ.get("TZ", "").removeprefix(":")
    if named and zone_of(named) is not None:
        return named
    try:
        _, found, name = str(_LOCALTIME.readlink()).rpartition(_ZONES)
    except OSError:
        return "UTC"
    return name if found and zone_of(name) is not None else "UTC"
