"""Keeps one connection to one server: dials, hands it over, dials again when it is lost."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from outkept.poll.backoff import Backoff
from outkept.ssh.connection import Connection

Dial = Callable[[], Awaitable[Connection | float]]
"""Gives a connection to the very machine, or the least number of seconds to wait before the
next try. Raises nothing for remote trouble."""

Session = Callable[[Connection], Awaitable[None]]
"""Uses a connection until it is lost, and returns then."""


class Link:
    """One per server; `run` is its task. `backoff` says when it dials again."""

    def __init__(self, dial: Dial, session: Session, backoff: Backoff | None = None) -> None:
        self._dial = dial
        self._session = session
        self._backoff = backoff or Backoff()
        self._offered: Connection | None = None
        self._wake = asyncio.Event()
        self._over = False
        self.connection: Connection | None = None

    def offer(self, connection: Connection) -> bool:
        """Take over a connection that somebody else made (a sweep that met the server).

        False: the link has one already, or is over, and the caller keeps and closes the other.
        """
        if self._over or self.connection is not None or self._offered is not None:
            return False
        self._offered = connection
        self._wake.set()
        return True

    async def run(self) -> None:
        """Hold a connection until cancelled; the connection is closed then."""
        failures = 0
        self._over = False
        try:
            while True:
                found = self._take() or await self._dial()
                if isinstance(found, float | int):
                    failures += 1
                    await self._pause(max(found, self._delay(failures)))
                    continue
                # A connection that is lost as soon as it is made counts as one more failure.
                lasted = await self._hold(found)
                failures = 0 if lasted > self._backoff.longest else failures + 1
                if failures:
                    await self._pause(self._delay(failures))
        finally:
            await self.end()

    async def end(self) -> None:
        """Take over nothing any more, and close what was taken over and not used: also where
        `run` was cancelled before it began."""
        self._over = True
        if (unused := self._take()) is not None:
            await unused.close()

    def _delay(self, failures: int) -> float:
        return self._backoff.delay(failures, random.random())  # noqa: S311 - spreads load

    def _take(self) -> Connection | None:
        offered, self._offered = self._offered, None
        return offered

    async def _pause(self, seconds: float) -> None:
        if self._offered is not None:
            return
        self._wake.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _hold(self, connection: Connection) -> float:
        """Give the connection to the session; the seconds it lasted."""
        loop = asyncio.get_running_loop()
        since = loop.time()
        self.connection = connection
        try:
            if (other := self._take()) is not None:
                await other.close()
            await self._session(connection)
        finally:
            self.connection = None
            await connection.close()
        return loop.time() - since
