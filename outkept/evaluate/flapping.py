"""When a series is flapping: its level changes so often that each change says nothing. Pure.

Two plain limits instead of a weighted share of state changes, as Nagios has them: people can tell
from a row of changes whether it flaps.
"""

from dataclasses import dataclass

from outkept.config.settings import FlappingSettings


@dataclass(frozen=True, slots=True)
class Flap:
    """How restless a series is. `changes` are the times of its level's last changes, the oldest
    first and at most as many as make it flap."""

    changes: tuple[float, ...] = ()
    flapping: bool = False


STEADY = Flap()
"""What nearly every series is."""


def changed(rule: FlappingSettings, flap: Flap, at: float) -> Flap:
    """The level has changed at `at`, in seconds of any clock, the same for all of a series. Once
    it is flapping it stays so, whatever its changes, until `settled` says otherwise."""
    if not rule.changes:
        return STEADY
    recent = [before for before in flap.changes if at - rule.within < before <= at]
    changes = (*recent, at)[-rule.changes :]
    return Flap(changes, flap.flapping or len(changes) >= rule.changes)


def settled(rule: FlappingSettings, flap: Flap, at: float) -> Flap:
    """The level has not changed until `at`: STEADY once that is long enough.

    Where the clock has stepped back, the time is counted anew from `at`.
    """
    if flap is STEADY:
        return STEADY
    last = flap.changes[-1]
    if at < last:
        return Flap((at,), flap.flapping)
    if at - last >= (rule.steady if flap.flapping else rule.within):
        return STEADY
    return flap


def still_flapping(at: float) -> Flap:
    """What was flapping before a restart, at `at`."""
    return Flap((at,), flapping=True)
