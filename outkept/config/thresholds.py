"""Which way round thresholds go. Pure."""

from outkept.config.problems import Mistake


def check_order(warning: float | None, alarm: float | None, *, inverted: bool) -> None:
    """Raises Mistake when a value would be an alarm before it is a warning."""
    if warning is None or alarm is None or warning == alarm or (warning < alarm) != inverted:
        return
    if inverted:
        what = f"warning {warning:g} is below alarm {alarm:g}, but low values are bad (inverted)"
        raise Mistake(what, "swap the two, or remove 'inverted'", key="alarm")
    what = f"warning {warning:g} is above alarm {alarm:g}"
    raise Mistake(what, "swap the two, or say 'inverted: true' if low values are bad", key="alarm")


def check_clear(
    clear: float | None, warning: float | None, alarm: float | None, *, inverted: bool
) -> None:
    """Raises Mistake when a level would be left while its threshold is still passed."""
    limits = [limit for limit in (warning, alarm) if limit is not None]
    if clear is None:
        return
    if not limits:
        raise Mistake("there is no threshold to clear", "give warning or alarm too", key="clear")
    limit, side = (max(limits), "above") if inverted else (min(limits), "below")
    if (clear <= limit) if inverted else (clear >= limit):
        what = f"clear {clear:g} is not {side} the threshold {limit:g}"
        raise Mistake(what, f"choose a value {side} {limit:g}", key="clear")
