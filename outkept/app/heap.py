"""When garbage is collected: not while ten thousand servers are being read.

A full collection looks at every object there is, 0.3 ms for each server: three seconds for ten
thousand, in which nothing is read or shown. Python would make one whenever the heap has grown by a
quarter. Nearly all that this process drops is freed at once, by its count of references, or by the
collections of young objects, which stay on. What needs a full one are mostly ended connections.
"""

import gc
from collections.abc import Callable

NEVER = 1 << 30
"""Collections of the middle generation after which a full one is due."""

FEWEST_ENDED, MOST_ENDED = 500, 2000
"""Ended connections that are not worth a full collection, some 40 MB, and those that are worth one
however many servers there are."""

DAY_S = 86_400.0


def set_aside() -> None:
    """Take what is loaded by now out of garbage collection, for good, and leave full collections
    to `Heap`. To be called once, before the loop runs."""
    gc.collect()
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, NEVER)


class Heap:
    """Makes a full collection once as many connections have ended as there are servers, between
    FEWEST_ENDED and MOST_ENDED, and otherwise once a day. `collect` is `gc.collect`, but for
    tests."""

    def __init__(self, now: float, collect: Callable[[], int] = gc.collect) -> None:
        self._collect = collect
        self._last = now
        self._ended = 0

    def ended(self) -> None:
        """A connection is gone, or a try to have one."""
        self._ended += 1

    def look(self, servers: int, now: float) -> bool:
        """Collect if it is time, and say whether it was. `now` are seconds of any clock."""
        enough = min(max(FEWEST_ENDED, servers), MOST_ENDED)
        if self._ended < enough and now - self._last < DAY_S:
            return False
        self._collect()
        self._ended, self._last = 0, now
        return True
