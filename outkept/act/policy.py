"""Whether a reaction runs, in words. Pure."""

from dataclasses import dataclass

from outkept.config.settings import ReactionMode
from outkept.model.action import Action
from outkept.model.sensor import Sensor


@dataclass(frozen=True, slots=True)
class Decision:
    """`run` sends the command, `record` writes an action; both false: hold still.
    `reason` says why in words people read."""

    run: bool
    record: bool
    reason: str


def decide(
    mode: ReactionMode,
    sensor: Sensor,
    *,
    by_zero: bool,
    last: Action | None,
    now: float,
    cause: str,
) -> Decision:
    """What to do as `sensor` enters alarm. `last` is the sensor's newest action on this
    server, whatever came of it; its cooldown counts from its intent, in wall-clock time.
    `cause` is the value and threshold in words.
    """
    if not sensor.reactive:
        return Decision(run=False, record=False, reason="the sensor has no reaction")
    if by_zero:
        return Decision(run=False, record=False, reason="a value of 0 alarms but runs no reaction")
    if mode is ReactionMode.OFF:
        return Decision(run=False, record=False, reason="reactions.mode is off")
    # With the clock set back, this holds until it has caught up: running too late is safer
    # than running twice.
    if last is not None and (left := last.at + sensor.cooldown - now) > 0:
        reason = f"it ran {now - last.at:.0f} s ago; its cooldown lasts another {left:.0f} s"
        return Decision(run=False, record=False, reason=reason)
    if mode is ReactionMode.DRY_RUN:
        return Decision(run=False, record=True, reason=f"{cause}; reactions.mode is dry-run")
    return Decision(run=True, record=True, reason=cause)
