"""Events in order: each on disk first, then to whoever listens, then to what it sets off."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from functools import partial

from outkept.app.insist import insist
from outkept.app.judge import Alarm
from outkept.model.event import Event, EventType

MOST_WAITING = 20_000
"""Events that may wait for the disk. When there is no room, a level change isn't made: the
series keeps its level, and its next reading changes it."""

_log = logging.getLogger(__name__)


class Herald:
    """One task writes all events, so that their order on disk is the order they happened.

    `alarms` holds those whose event is on disk, for whoever reacts to them; one that finds it
    full is logged and gets no reaction. `written` counts the events on disk, `refused` those that
    found no room.
    """

    def __init__(
        self,
        write: Callable[[Event], Awaitable[Event]],
        listeners: Iterable[Callable[[Event], object]] = (),
    ) -> None:
        self._write = write
        self.listeners = list(listeners)
        """Called in this order with each event that is on disk; they must not block."""
        self.alarms: asyncio.Queue[Alarm] = asyncio.Queue(MOST_WAITING)
        self._waiting: asyncio.Queue[tuple[Event, Alarm | None]] = asyncio.Queue(MOST_WAITING)
        self.refused = 0
        self.written: Counter[EventType] = Counter()

    @property
    def waiting(self) -> int:
        """Events that wait for the disk."""
        return self._waiting.qsize()

    def announce(self, event: Event, alarm: Alarm | None = None) -> bool:
        """Queue an event; False when there is no room, which is counted in `refused`."""
        try:
            self._waiting.put_nowait((event, alarm))
        except asyncio.QueueFull:
            self.refused += 1
            return False
        return True

    async def run(self) -> None:
        """Write and tell events until cancelled."""
        while True:
            event, alarm = await self._waiting.get()
            write = partial(self._write, event)
            written = await insist(write, "an event is waiting for the disk")
            self._waiting.task_done()
            self.written[written.type] += 1
            for tell in self.listeners:
                tell(written)
            if alarm is not None:
                opened = written.incident == written.id
                self._pass_on(replace(alarm, incident=written.incident, opened=opened))

    async def drain(self, deadline: float) -> None:
        """Wait until every event is on disk, for at most `deadline` seconds."""
        try:
            async with asyncio.timeout(deadline):
                await self._waiting.join()
        except TimeoutError:
            _log.error("%d events could not be written in time", self._waiting.qsize())

    def _pass_on(self, alarm: Alarm) -> None:
        try:
            self.alarms.put_nowait(alarm)
        except asyncio.QueueFull:
            _log.error("no reaction to %s: too many are waiting", alarm.sensor.name)
