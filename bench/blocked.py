"""How long an event loop was blocked at most."""

import asyncio
import time
from types import TracebackType
from typing import Self

PERIOD = 0.005


class Blocked:
    """Measures while its context lasts, on the running loop.

    `longest` is the longest time in seconds in which the loop did not come round; `busiest`
    the most CPU this thread spent in such a time, which leaves out that the machine gave the
    processor to somebody else.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self.busiest = 0.0
        self._due = 0.0
        self._cpu = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        self._again()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _again(self) -> None:
        self._due, self._cpu = time.perf_counter() + PERIOD, time.thread_time()
        self._timer = asyncio.get_running_loop().call_later(PERIOD, self._look)

    def _look(self) -> None:
        late = time.perf_counter() - self._due
        self.longest = max(self.longest, late)
        self.busiest = max(self.busiest, min(late, time.thread_time() - self._cpu))
        self._again()
