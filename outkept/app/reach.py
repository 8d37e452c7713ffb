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
            if live.gone and self._tell(live, EventType.RECOVERED, "is connected again"):
                live.gone = False
        elif live.away_since is None:
            live.away_since = now
        elif not live.gone and self._is_gone(live, now):
            live.gone = self._tell(live, EventType.GONE, f"is gone: {self._why(live, now)}")
        self._context.blindness.count(live, now)

    def _is_gone(self, live: LiveServer, now: float) -> bool:
        """A server with another host key is there, and told of otherwise. One that was not yet
        dialled, as after a start with ten thousand of them, may be there."""
        if live.record.quarantine or not live.vain or live.away_since is None:
            return False
        blindness = self._context.blindness
        since = max(live.away_since, blindness.cleared_at(live))
        return now - since >= self._after and not blindness.over(live)

    def _why(self, live: LiveServer, now: float) -> str:
        lasted = roughly(now - (live.away_since or now))
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
