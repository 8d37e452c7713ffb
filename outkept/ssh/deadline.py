"""Deadlines for what a server has to answer, which don't blame it for our own delay."""

import asyncio
from collections.abc import Callable

ROUNDS = 2
"""Of the loop, between the time and the verdict: uvloop's timers run before its sockets are read,
and what a timer calls soon runs before them, too."""


class Deadline:
    """Calls `expire` once `seconds` have passed and all that had arrived by then was read: after
    a stall of our loop the answer may lie in the socket, unread."""

    __slots__ = ("_expire", "_handle", "_loop", "_rounds")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, seconds: float, expire: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._expire = expire
        self._rounds = ROUNDS
        self._handle: asyncio.Handle = loop.call_later(seconds, self._passed)

    def _passed(self) -> None:
        if self._rounds == 0:
            self._expire()
            return
        self._rounds -= 1
        self._handle = self._loop.call_soon(self._passed)

    def cancel(self) -> None:
        """Call it no more. Nothing happens where it was called already."""
        self._handle.cancel()
