"""Which servers are gone, and which of those are back."""

import time

from outkept.app.context import Context
from outkept.app.fleet import LiveServer
from outkept.config.durations import roughly
from outkept.model.address import AddressOutcome
from outkept.model.event import Condition, Event, EventType


class Reach:
    """Asked about each server every second or two; `now` is that of a clock that never steps."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._after = context.settings.judging.gone_after

    def look(self, live: LiveServer, now: float) -> None:
        """Say when the server is gone or back."""
        if live.connected:
            self._look_at_connected(live, now)
        elif live.away_since is None:
            live.away_since = now
            if live.unheard_since is None:
                live.unheard_since = now
        elif not live.gone:
            self._look_at_away(live, now)
        self._context.blindness.count(live, now)

    def _look_at_away(self, live: LiveServer, now: float) -> None:
        """One that was not dialled yet, as after a start with thousands of them, may be there."""
        reason = live.record.quarantine
        if reason and live.vain:
            # It is there, and as lost to us as one that is not; at none of its addresses we were
            # let in.
            live.gone = self._tell(live, EventType.GONE, f"is quarantined: {reason}")
        elif (live.vain or live.cut) and self._is_gone(live, now):
            self._say_gone(live, now)

    def _look_at_connected(self, live: LiveServer, now: float) -> None:
        """A connection that lasts is proof enough: it may be that no sensor applies."""
        if live.unheard_since is not None and now - live.up_since >= self._after:
            live.heard()
        if live.unheard_since is None:
            if live.gone and self._tell(live, EventType.RECOVERED, "is connected again"):
                live.gone = False
        elif not live.gone and live.cut and self._is_gone(live, now):
            self._say_gone(live, now)

    def _is_gone(self, live: LiveServer, now: float) -> bool:
        if live.unheard_since is None:
            return False
        blindness = self._context.blindness
        since = max(live.unheard_since, blindness.cleared_at(live))
        return now - since >= self._after and not blindness.over(live)

    def _say_gone(self, live: LiveServer, now: float) -> None:
        live.gone = self._tell(live, EventType.GONE, f"is gone: {self._why(live, now)}")

    def _why(self, live: LiveServer, now: float) -> str:
        since = now if live.unheard_since is None else live.unheard_since
        lasted = roughly(now - since)
        if live.cut:
            return f"no connection has given a reading for {lasted}"
        states = map(self._context.addresses.get, live.record.endpoints)
        reasons = [one.reason for one in states if one and one.outcome != AddressOutcome.SERVER]
        said = f" ({reasons[0]})" if reasons else ""
        return f"no connection for {lasted}{said}"

    def _tell(self, live: LiveServer, type_: EventType, text: str) -> bool:
        return self._context.herald.announce(
            Event(
                time.time(),
                type_,
                f"{live.name} {text}",
                live.record.id,
                condition=Condition.GONE,
            )
        )
