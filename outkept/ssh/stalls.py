"""How far our own event loop is behind: what a server must not be blamed for, and what new work
must wait for.

With ten thousand servers the loop may have more to do than its processor gives. Answers then wait
in sockets, unread. A server that seems slow is not, and logging in to more of them makes it worse.
"""

import asyncio
from weakref import WeakKeyDictionary

PERIOD_S = 0.05
"""Between two looks at the clock."""
NOISE_S = 0.01
"""A look that comes so late is on time: timers have milliseconds, callbacks take some."""
FRESH = 0.3
"""Weight of the newest look in `lag`: half a second counts."""

_known: "WeakKeyDictionary[asyncio.AbstractEventLoop, Stalls]" = WeakKeyDictionary()


class Stalls:
    """Of one loop. `total` is all the time, in seconds, by which looks at the clock came late,
    and `lag` the average of the newest."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.total = 0.0
        self.lag = 0.0
        self._loop = loop
        self._next()

    @classmethod
    def of(cls, loop: asyncio.AbstractEventLoop) -> "Stalls":
        """Those of this loop, watched from the first call on."""
        found = _known.get(loop)
        if found is None:
            found = _known[loop] = cls(loop)
        return found

    def _next(self) -> None:
        self._due = self._loop.time() + PERIOD_S
        self._loop.call_later(PERIOD_S, self._look)

    def _look(self) -> None:
        late = max(0.0, self._loop.time() - self._due - NOISE_S)
        self.total += late
        self.lag += FRESH * (late - self.lag)
        self._next()
