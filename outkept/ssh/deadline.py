"""Deadlines for what a server has to answer, which don't blame it for our own delay."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from outkept.ssh.stalls import Stalls

ROUNDS = 2
"""Of the loop, between the time and the verdict: uvloop's timers run before its sockets are read,
and what a timer calls soon runs before them, too."""

LONGEST_DELAY_S = 30.0
"""A deadline is put off by no more than this, however far our loop is behind."""


class Deadline:
    """Calls `expire` once `seconds` have passed and all that had arrived by then was read.

    Time by which our own loop is behind does not count, up to LONGEST_DELAY_S: meanwhile the
    answer may lie in the socket, or the question may not have been sent.
    """

    __slots__ = ("_expire", "_handle", "_left", "_loop", "_rounds", "_seen", "_stalls")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, seconds: float, expire: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._expire = expire
        self._rounds = ROUNDS
        self._left = LONGEST_DELAY_S
        self._stalls = Stalls.of(loop)
        self._seen = self._stalls.total
        self._handle: asyncio.Handle = loop.call_later(seconds, self._passed)

    def _passed(self) -> None:
        stalled = min(self._stalls.total - self._seen, self._left)
        if stalled > 0:
            self._seen = self._stalls.total
            self._left -= stalled
            self._rounds = ROUNDS
            self._handle = self._loop.call_later(stalled, self._passed)
        elif self._rounds == 0:
            self._expire()
        else:
            self._rounds -= 1
            self._handle = self._loop.call_soon(self._passed)

    def cancel(self) -> None:
        """Call it no more. Nothing happens where it was called already."""
        self._handle.cancel()


@asynccontextmanager
async def patience(seconds: float) -> AsyncIterator[None]:
    """`asyncio.timeout` with such a deadline. Raises TimeoutError."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as timeout:
        deadline = Deadline(loop, seconds, lambda: timeout.reschedule(loop.time()))
        try:
            yield
        finally:
            deadline.cancel()
