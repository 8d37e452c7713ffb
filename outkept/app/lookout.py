"""What has to be looked at from time to time: stale values, pools that can't keep pace,
servers to forget, tiers to fold."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable

from outkept.app.context import Context
from outkept.app.fleet import LiveServer
from outkept.app.muting import Muting
from outkept.app.reach import Reach
from outkept.app.sessions import Sessions
from outkept.config.durations import format_duration
from outkept.model.event import Event, EventType
from outkept.store import Pace, StoreError

TICK_EVERY = 1.0
LOOK_EVERY = 1.0
AT_ONCE = 50
"""Servers looked at before others get their turn: some milliseconds."""
FORGET_EVERY = 60.0
SAVE_SEEN_EVERY = 300.0
"""Seconds of `last_seen` that a crash may lose."""
MAINTAIN_EVERY = 30.0
MAINTAIN_PACE = Pace(rest=6.0)
"""A seventh of the writer's time at most: at a full hour, packing all of it at full speed took
the interpreter from the connections until they timed out."""
COUNT_EVERY = 5.0
COLLECT_EVERY = 60.0
PATIENCE = 900.0
"""A daemon that was off for days must look for its servers for so long before it may call
one unseen."""

_log = logging.getLogger(__name__)


class Lookout:
    """Runs its rounds until cancelled."""

    def __init__(self, context: Context, sessions: Sessions) -> None:
        self._context = context
        self._sessions = sessions
        self._reach = Reach(context)
        self._muting = Muting(context)
        self._ticked = asyncio.get_running_loop().time()
        self._began, self._began_at = time.monotonic(), time.time()

    async def run(self) -> None:
        """Make the rounds until cancelled. A failing round is told and tried again."""
        async with asyncio.TaskGroup() as group:
            for every, look in (
                (TICK_EVERY, self._tick),
                (LOOK_EVERY, self._look),
                (LOOK_EVERY, self._muting.look),
                (COUNT_EVERY, self._count),
                (FORGET_EVERY, self._forget),
                (SAVE_SEEN_EVERY, self._save_seen),
                (MAINTAIN_EVERY, self._maintain),
                (COLLECT_EVERY, self._collect),
            ):
                group.create_task(self._rounds(every, look))

    async def _rounds(self, every: float, look: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await look()
            except StoreError as error:
                _log.error("%s", error)
            await asyncio.sleep(every)

    async def _tick(self) -> None:
        now = asyncio.get_running_loop().time()
        self._context.tally.tick(now - self._ticked)
        self._ticked = now

    async def _look(self) -> None:
        """Look at every server once, a few at a time, so that ten thousand of them don't hold
        up the readings that arrive meanwhile."""
        lives = list(self._context.fleet)
        pause = LOOK_EVERY / (len(lives) // AT_ONCE + 1)
        for start in range(0, len(lives), AT_ONCE):
            if start:
                await asyncio.sleep(pause)
            now = time.monotonic()
            for live in lives[start : start + AT_ONCE]:
                if self._context.fleet.get(live.record.id) is not live:
                    continue  # forgotten meanwhile: nothing would end what is said of it
                self._mark_stale(live, now)
                self._mark_queued_up(live)
                self._reach.look(live, now)
                self._context.faults.look(live, now)
        self._context.blindness.decide(time.monotonic())

    def _mark_stale(self, live: LiveServer, now: float) -> None:
        if now < live.look_at:
            return
        default = self._context.settings.ssh.command_timeout
        live.look_at = math.inf
        self._context.judge.drop_unsupported(live)
        for series in live.series.values():
            stale_at = series.stale_at(default)
            if stale_at < now:
                series.stale = True
                self._context.changed(live)
            else:
                live.look_at = min(live.look_at, stale_at)

    def _mark_queued_up(self, live: LiveServer) -> None:
        connection = live.connection
        text = connection.pool.queued_up() if connection is not None else ""
        if text == live.queued_up:
            return
        before, live.queued_up = live.queued_up, text
        self._context.changed(live)
        if text and not before:
            self._context.tell(EventType.QUEUED_UP, live, f"{live.name} is queued up: {text}")
        elif before and not text:
            how = "reads its sensors in time again" if live.connected else "is disconnected"
            self._context.tell(EventType.QUEUE_CLEARED, live, f"{live.name} {how}")

    async def _count(self) -> None:
        self._context.tally.day = await self._context.store.count_events(time.time() - 86_400)

    async def _forget(self) -> None:
        now = time.monotonic()
        forget_after = self._context.settings.forget_after
        if now - self._began < min(PATIENCE, forget_after):
            return
        for live in self._context.fleet:
            unseen = unseen_for(live, now, self._began, self._began_at)
            if live.connected or unseen < forget_after or self._context.blindness.over(live):
                continue
            text = f"{live.name} removed: not seen for {format_duration(round(unseen))}"
            event = Event(time.time(), EventType.REMOVED, text, live.record.id)
            # The store removes it with this event: without room for that, it stays for now.
            if self._context.herald.announce(event):
                self._sessions.forget(live)
                self._context.hub.removed(live.record.id)

    async def _collect(self) -> None:
        self._context.heap.look(len(self._context.fleet), time.time())

    async def _save_seen(self) -> None:
        for live in self._context.fleet:
            if live.connected:
                self._context.save(live)

    async def _maintain(self) -> None:
        while await self._context.store.maintain(time.time(), MAINTAIN_PACE):
            pass


def unseen_for(live: LiveServer, now: float, began: float, began_at: float) -> float:
    """Seconds since a server was connected last. `now` and `began`, the daemon's start, are by a
    clock that never steps; `began_at` is the latter in UNIX seconds. So nothing is forgotten
    because the wall clock is set.
    """
    if live.connected:
        return 0.0
    if live.read and live.away_since is not None:
        return now - live.away_since
    return max(0.0, began_at - live.record.last_seen) + now - began
