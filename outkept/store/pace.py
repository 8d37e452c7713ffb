"""How fast maintenance goes: slices of work with rests between them."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from outkept.store.history import MOST_BACKLOG


@dataclass(frozen=True, slots=True)
class Pace:
    """After each slice, `rest` times its processor time passes before the next begins: packing
    takes the interpreter from the event loop, however low its thread's place in line.

    Packing an hour may so take most of an hour. Where it takes longer, the rest is halved for
    each further hour of backlog, and from MOST_BACKLOG hours on there is none: the backlog
    stays below that as long as the machine can do the work at all.
    `clock` gives the calling thread's processor time in seconds.
    """

    rest: float
    clock: Callable[[], float] = time.thread_time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def pause(self, busy: float, backlog: int) -> float:
        """Seconds after a slice of so many seconds of processor time, with so many hours of
        backlog (see `History.backlog`)."""
        if backlog >= MOST_BACKLOG:
            return 0.0
        return self.rest * busy / (1 << max(0, backlog - 1))


AT_ONCE = Pace(0.0)
"""Without rests."""
