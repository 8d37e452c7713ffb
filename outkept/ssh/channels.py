"""The channel pool: runs everything that runs on a server, under the server's channel limit."""

import asyncio
import heapq
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from outkept.model.channels import ChannelStats
from outkept.model.command import CommandFailure, CommandOutcome, FailureKind
from outkept.ssh.errors import ChannelRefused, Lost
from outkept.ssh.execution import Execution
from outkept.ssh.jobs import CAP, Job, Priority
from outkept.ssh.limit import ChannelLimit
from outkept.ssh.pressure import Pressure
from outkept.ssh.scope import Scope

__all__ = ["CAP", "ChannelPool", "Job", "Link", "Priority"]

log = logging.getLogger(__name__)

MOST_WAITING = 4096
"""Jobs that may wait. Sensors never come near it, for each waits once."""

STUCK_S = 30.0
"""Jobs that wait so long while no channel opens and none does useful work end the connection:
a new one starts with free slots."""

NEGLIGIBLE = 0.05
"""Of an interval: a command that waited for less and is not done at its next tick is slow by
itself."""

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 8.0
"""Between two tries on a server that refuses even a first channel."""


class Link(Protocol):
    """What carries the commands: a connection, or one connection after the other."""

    async def execute(self, execution: Execution) -> None:
        """Run it until its channel is over. Raises ChannelRefused (nothing ran) or Lost."""

    async def round_trip(self) -> None:
        """Return once the server has dealt with all that was sent before."""

    def give_up(self, reason: str) -> None:
        """Drop the connection."""


@dataclass(slots=True, order=True)
class _Entry:
    """A job in the pool. `held` is the most channels that were open during its last try;
    `refused_in` how often the limit had fallen when it was refused, -1 when it wasn't."""

    priority: int
    due: float
    number: int
    job: Job = field(compare=False)
    since: float = field(compare=False)
    begun: float = field(compare=False, default=0.0)
    refused_in: int = field(compare=False, default=-1)
    held: int = field(compare=False, default=0)
    execution: Execution | None = field(compare=False, default=None)


class ChannelPool:
    """Runs jobs in channels, the most urgent first, never more at once than the limit.

    A refused open is no failure: the job goes back to its place, is tried once more after a
    round trip, and only then the limit falls. A slot is free when the server has closed the
    channel, which it does when the process is gone; a job is answered earlier, at its deadline.
    """

    def __init__(
        self, link: Link, scope: Scope, limit: ChannelLimit, cure: Callable[[int], str]
    ) -> None:
        self._link = link
        self._scope = scope
        self._limit = limit
        self._cure = cure
        self._loop = asyncio.get_running_loop()
        self._numbers = itertools.count()
        self._waiting: list[_Entry] = []
        self._keys: dict[str, _Entry] = {}
        self._running: set[Execution] = set()
        self._trying: list[_Entry] = []
        self._busy = 0
        self._open = 0
        self._opened = 0
        self._missed = 0
        self._refused = 0
        self._falls = 0
        self._pause = 0.0
        self._resume: asyncio.TimerHandle | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._pressure = Pressure()
        self._closed: str | None = None

    @property
    def limit(self) -> int:
        """Channels this server is believed to give."""
        return self._limit.value

    def stats(self) -> ChannelStats:
        """What the pool is doing now."""
        now = self._loop.time()
        oldest = min((entry.since for entry in self._waiting), default=now)
        return ChannelStats(
            limit=self._limit.value,
            busy=self._busy,
            queued=len(self._waiting),
            oldest_wait_s=now - oldest,
            missed=self._missed,
            refused=self._refused,
            queued_up=self._pressure.explain(now, self._limit.value, self._cure),
        )

    def submit(self, job: Job) -> bool:
        """Queue `job`. False, and counted as missed, if one of its key waits or runs.

        After the connection's end the job is answered with LOST, `started` false.
        """
        now = self._loop.time()
        if self._closed is not None:
            self._loop.call_soon(self._deliver, job, _not_sent(self._closed))
            return True
        if (last := self._keys.get(job.key)) is not None or len(self._waiting) >= MOST_WAITING:
            self._missed += 1
            if last is not None and job.every is not None and _queued(last, job.every, now):
                self._pressure.missed(job.key, job.every, now)
            return False
        entry = _Entry(job.priority, job.due, next(self._numbers), job, now)
        self._keys[job.key] = entry
        heapq.heappush(self._waiting, entry)
        self._dispatch()
        return True

    def cancel(self, job: Job) -> None:
        """Answer `job`, unless it was answered, with CANCELLED and end what it started."""
        entry = self._keys.get(job.key)
        if entry is None or entry.job is not job:
            return
        if entry.execution is not None:
            entry.execution.cancel()
        if entry in self._waiting:
            self._waiting.remove(entry)
            heapq.heapify(self._waiting)
        self._answer(entry, CommandFailure(FailureKind.CANCELLED, "cancelled", started=False))

    def end_running(self, reason: str) -> None:
        """We are about to close the connection: answer what runs, and end its processes where
        the server allows it."""
        for execution in list(self._running):
            execution.fail(FailureKind.LOST, reason)

    def close(self, reason: str) -> None:
        """The connection is gone: answer what waits with LOST. What runs, its link ends."""
        if self._closed is not None:
            return
        self._closed = reason
        for timer in (self._resume, self._watch):
            if timer is not None:
                timer.cancel()
        waiting, self._waiting = self._waiting, []
        for entry in waiting:
            self._answer(entry, _not_sent(reason))

    def _dispatch(self) -> None:
        while self._waiting and self._busy < self._limit.value and self._resume is None:
            entry = heapq.heappop(self._waiting)
            self._busy += 1
            self._scope.spawn(self._work(entry), entry.job.key)
        if self._waiting and self._watch is None and self._closed is None:
            self._watch = self._loop.call_later(STUCK_S, self._check, self._opened)

    async def _work(self, entry: _Entry) -> None:
        """Hold one slot for one try of one job."""
        execution = self._prepare(entry)
        try:
            await self._try(entry, execution)
            if execution.opened and self._limit.learned and self._busy >= self._limit.value:
                # The server frees a slot a moment after it closed the channel.
                await self._link.round_trip()
        finally:
            self._busy -= 1
            if self._closed is None:
                self._dispatch()

    async def _try(self, entry: _Entry, execution: Execution) -> None:
        sent_under, sent_in = self._limit.value, self._falls
        self._trying.append(entry)
        try:
            await self._link.execute(execution)
            execution.conclude(None)
        except ChannelRefused:
            if await self._turned_down(entry, execution):
                self._doubt(entry, sent_under, sent_in)
        except Lost as lost:
            execution.conclude(lost.reason)
        except asyncio.CancelledError:
            execution.conclude(self._closed or "closed")
            raise
        finally:
            self._trying.remove(entry)
            self._running.discard(execution)
            self._open -= execution.opened

    def _prepare(self, entry: _Entry) -> Execution:
        job = entry.job
        entry.begun = self._loop.time()
        entry.held = self._open

        def opened() -> None:
            self._open += 1
            self._opened += 1
            for other in self._trying:
                other.held = max(other.held, self._open)
            self._pause = 0.0
            self._limit.accepted(self._busy, self._loop.time())
            if self._waiting:
                self._dispatch()

        execution = Execution(
            job.command,
            timeout=job.timeout,
            cap=job.cap,
            answer=lambda outcome: self._answer(entry, outcome),
            opened=opened,
        )
        entry.execution = execution
        self._running.add(execution)
        return execution

    async def _turned_down(self, entry: _Entry, execution: Execution) -> bool:
        """Put a refused job back in its place; false if it was answered meanwhile."""
        self._refused += 1
        await self._link.round_trip()
        if execution.answered:
            return False
        execution.rewind()
        entry.execution = None
        if self._closed is None:
            heapq.heappush(self._waiting, entry)
        else:
            self._answer(entry, _not_sent(self._closed))
        return True

    def _doubt(self, entry: _Entry, sent_under: int, sent_in: int) -> None:
        """Lower the limit when a job is refused twice, both times since it last fell: what a
        lower limit has mended is no reason for the next. One refusal alone may come of a slot
        that the server freed late, and a limit that is too low stays so for hours."""
        if sent_in != self._falls:
            entry.refused_in = -1
        elif entry.refused_in != sent_in:
            entry.refused_in = sent_in
        else:
            entry.refused_in = -1
            self._falls += 1
            # Not what is open by now: some channel may have ended since the server refused.
            self._limit.refused(entry.held, sent_under, self._loop.time())
            if not self._open:
                self._rest()

    def _rest(self) -> None:
        """Even a first channel is refused: try again in a while."""
        self._pause = min(LONGEST_PAUSE_S, self._pause * 2 or SHORTEST_PAUSE_S)
        if self._resume is None and self._closed is None:
            self._resume = self._loop.call_later(self._pause, self._wake)

    def _wake(self) -> None:
        self._resume = None
        self._dispatch()

    def _check(self, opened: int) -> None:
        """Give up a connection that can't serve what waits."""
        self._watch = None
        if not self._waiting:
            return
        useful = any(not execution.answered for execution in self._running)
        if opened == self._opened and not useful:
            held = "holds all its channels with commands that don't end"
            why = held if self._open else "refuses every channel"
            self._link.give_up(f"the server {why}")
        else:
            self._watch = self._loop.call_later(STUCK_S, self._check, self._opened)

    def _answer(self, entry: _Entry, outcome: CommandOutcome) -> None:
        job = entry.job
        if self._keys.get(job.key) is not entry:
            return
        del self._keys[job.key]
        now = self._loop.time()
        waited = (entry.begun or now) - entry.since
        if job.every is not None and self._closed is None:
            self._pressure.completed(job.key, waited, outcome.took, job.every, now)
        self._deliver(job, replace(outcome, waited=waited))

    def _deliver(self, job: Job, outcome: CommandOutcome) -> None:
        try:
            job.done(job, outcome)
        except Exception:
            log.exception("the callback of job %s failed", job.key)


def _queued(last: _Entry, every: float, now: float) -> bool:
    """Whether it is for want of a channel that `last` is unfinished: it waits, or waited, and
    has run for less than its interval."""
    waited = last.begun - last.since > NEGLIGIBLE * every
    return last.execution is None or (waited and now - last.begun < every)


def _not_sent(reason: str) -> CommandFailure:
    return CommandFailure(FailureKind.LOST, reason, started=False)
