"""The channel pool: runs everything that runs on a server, under the server's channel limit."""

import asyncio
import heapq
import itertools
import logging
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from outkept.model.channels import ChannelReport, ChannelStats
from outkept.model.command import CommandFailure, CommandOutcome, FailureKind
from outkept.ssh.entry import Entry
from outkept.ssh.errors import ChannelRefused, Lost
from outkept.ssh.execution import Execution
from outkept.ssh.jobs import CAP, Job, Priority
from outkept.ssh.limit import ChannelLimit
from outkept.ssh.occupant import Occupant
from outkept.ssh.pressure import Pressure
from outkept.ssh.refusals import NONE, Attempt, Refusals
from outkept.ssh.scope import Scope
from outkept.ssh.script import for_any_shell, foreign
from outkept.ssh.shell import Shell
from outkept.ssh.shells import Shells

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

END_S = 10.0
"""For ending a stubborn process."""

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 8.0
"""Between two tries on a server that refuses even a first channel."""


class Link(Protocol):
    """What carries the commands: a connection, or one connection after the other."""

    async def execute(self, occupant: Occupant) -> None:
        """Run it until its channel is over. Raises ChannelRefused (nothing ran) or Lost."""

    async def round_trip(self) -> None:
        """Return once the server has dealt with all that was sent before."""

    def give_up(self, reason: str) -> None:
        """Drop the connection."""

    def round_trip_s(self) -> float | None:
        """Seconds that a packet takes there and back; None if it can't be told."""


class ChannelPool:
    """Runs jobs in channels, the most urgent first, never more at once than the limit.

    A refused open is no failure: the job goes back to its place, is tried once more after a
    round trip, and only then the limit falls. A slot is free when the server has closed the
    channel, which it does when the process is gone; a job is answered earlier, at its deadline.
    Jobs that may run in a shell do, where the server has one: see `shells`.
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
        self._waiting: list[Entry] = []
        self._keys: dict[str, Entry] = {}
        self._running: set[Execution] = set()
        self._busy = 0
        self._open = 0
        self._opened = 0
        self._missed = 0
        self._refused = 0
        self._pause = 0.0
        self._resume: asyncio.TimerHandle | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._pressure = Pressure()
        self._shells = Shells(self)
        self._refusals = Refusals(limit)
        self._shell_refused_in = NONE
        self._closed: str | None = None

    @property
    def limit(self) -> int:
        """Channels this server is believed to give."""
        return self._limit.value

    def stats(self) -> ChannelStats:
        """What the pool is doing now."""
        now = self._loop.time()
        waiting = [*self._waiting, *self._shells.waiting]
        oldest = min((entry.since for entry in waiting), default=now)
        return ChannelStats(
            limit=self._limit.value,
            busy=self._busy,
            queued=len(waiting),
            oldest_wait_s=now - oldest,
            missed=self._missed,
            refused=self._refused,
            queued_up=self.queued_up(),
            alone=self._shells.manners.alone(),
        )

    def queued_up(self) -> str:
        """Why the pool can't keep pace, and what would cure it; empty while it can."""
        return self._pressure.explain(self._loop.time(), self._limit.value, self._cure)

    def report(self) -> ChannelReport:
        """Where the channel time goes. Costs more than `stats`: for one server's page."""
        now = self._loop.time()
        return ChannelReport(
            uses=self._pressure.uses(),
            cure=self._pressure.cure(now, self._limit.value, self._cure),
            shells=self._shells.held,
            no_shell=self._shells.none,
            login_shell=self._shells.login_shell,
            why_alone=self._shells.manners.why_alone(),
            round_trip_s=self._link.round_trip_s(),
        )

    def submit(self, job: Job) -> bool:
        """Queue `job`. False, and counted as missed, if one of its key waits or runs.

        After the connection's end the job is answered with LOST, `started` false.
        """
        now = self._loop.time()
        if self._closed is not None:
            self._loop.call_soon(self._deliver, job, _not_sent(self._closed))
            return True
        full = len(self._waiting) + len(self._shells.waiting) >= MOST_WAITING
        if (last := self._keys.get(job.key)) is not None or full:
            self._missed += 1
            if last is not None and job.every is not None and _queued(last, job.every, now):
                self._pressure.missed(job.key, job.every, now)
            return False
        entry = Entry(job.priority, job.due, next(self._numbers), job, now)
        self._keys[job.key] = entry
        if self._shells.takes(entry):
            self._shells.add(entry)
        else:
            self.alone(entry)
        return True

    def again(self, job: Job, priority: Priority, due: float) -> bool:
        """Submit a job that comes back, with a new priority and due time. One whose last run
        is not over stays as it is, and the tick counts as missed."""
        if job.key not in self._keys:
            job.priority, job.due = priority, due
        return self.submit(job)

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
        self._shells.cancel(entry)
        self.settle(entry, CommandFailure(FailureKind.CANCELLED, "cancelled", started=False))

    def end_running(self, reason: str) -> None:
        """We are about to close the connection: answer what runs, and end its processes where
        the server allows it."""
        for execution in list(self._running):
            execution.fail(FailureKind.LOST, reason)
        self._shells.close(reason, started=True)

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
            self.settle(entry, _not_sent(reason))
        self._shells.close(reason, started=False)

    # What its shells use.

    def rival(self) -> Entry | None:
        """The exec that waits for a channel which a shell holds."""
        if self._waiting and self._shells.held >= self._limit.value:
            return self._waiting[0]
        return None

    def changed(self) -> None:
        """A shell became free, or is wanted."""
        self._dispatch()

    def alone(self, entry: Entry) -> None:
        """Run it by exec."""
        if self._closed is not None:
            self.settle(entry, _not_sent(self._closed))
            return
        heapq.heappush(self._waiting, entry)
        self._dispatch()

    def opened(self) -> None:
        """A channel is open."""
        self._open += 1
        self._opened += 1
        self._refusals.opened(self._open)
        self._pause = 0.0
        self._limit.accepted(self._busy, self._loop.time())
        if self._waiting:
            self._dispatch()

    def stubborn(self, pid: int) -> None:
        """End a process, with its group, that outlived its end over the channel: the server
        takes no signals for it."""
        if self._closed is None and self._limit.value > 1:
            command, now = f"kill -KILL -{pid}", self._loop.time()
            self.submit(
                Job(f"#end {pid}", command, END_S, Priority.URGENT, now, None, lambda *_: None)
            )

    def _dispatch(self) -> None:
        while self._busy < self._limit.value and self._resume is None and self._closed is None:
            entry = self._waiting[0] if self._waiting else None
            wanting = self._shells.wants()
            if wanting is not None and (entry is None or wanting < entry):
                self._busy += 1
                self._scope.spawn(self._house(self._shells.new()), "a shell")
            elif entry is not None:
                heapq.heappop(self._waiting)
                self._busy += 1
                self._scope.spawn(self._work(entry), entry.job.key)
            else:
                break
        if self._waiting and self._busy >= self._limit.value:
            self._shells.make_room()
        waits = self._waiting or self._shells.waiting
        if waits and self._watch is None and self._closed is None:
            self._watch = self._loop.call_later(STUCK_S, self._check, self._opened)

    async def _work(self, entry: Entry) -> None:
        """Hold one slot for one try of one job."""
        execution = self._prepare(entry)
        try:
            await self._try(entry, execution)
            await self._left(execution)
        finally:
            self._busy -= 1
            self._dispatch()

    async def _left(self, occupant: Occupant) -> None:
        """Return once its slot can be used again."""
        if occupant.opened and self._limit.learned and self._busy >= self._limit.value:
            # The server frees a slot a moment after it closed the channel.
            await self._link.round_trip()

    async def _house(self, shell: Shell) -> None:
        """Hold one slot for a shell, from its open to its end."""
        attempt, lost = self._refusals.begin(self._open), None
        try:
            try:
                await self._link.execute(shell)
                self._shell_refused_in = NONE
            except ChannelRefused:
                self._refused += 1
                await self._link.round_trip()
                self._shell_refused_in = self._doubt(attempt, self._shell_refused_in)
            except Lost as error:
                lost = error.reason
            except asyncio.CancelledError:
                lost = self._closed or "closed"
                raise
            finally:
                self._refusals.end(attempt)
                self._open -= shell.opened
                self._shells.gone(shell, lost)
            await self._left(shell)
        finally:
            self._busy -= 1
            self._dispatch()

    async def _try(self, entry: Entry, execution: Execution) -> None:
        attempt = self._refusals.begin(self._open)
        try:
            await self._link.execute(execution)
            execution.conclude(None)
        except ChannelRefused:
            if await self._turned_down(entry, execution):
                entry.refused_in = self._doubt(attempt, entry.refused_in)
        except Lost as lost:
            execution.conclude(lost.reason)
        except asyncio.CancelledError:
            execution.conclude(self._closed or "closed")
            raise
        finally:
            self._refusals.end(attempt)
            self._running.discard(execution)
            self._open -= execution.opened

    def _prepare(self, entry: Entry) -> Execution:
        job = entry.job
        if not entry.rerun or not entry.begun:
            entry.begun = self._loop.time()
        command, nonce = job.command, ""
        known = self._shells.proven and (job.in_shell or foreign(self._shells.login_shell))
        if job.posix or known:
            nonce = secrets.token_hex(8)
            command = for_any_shell(command, nonce)
        execution = Execution(
            command,
            timeout=job.timeout,
            cap=job.cap,
            answer=lambda outcome: self.settle(entry, outcome),
            opened=self.opened,
            nonce=nonce,
            stubborn=self.stubborn,
            heard=job.heard,
            bar=job.bar,
        )
        entry.execution = execution
        self._running.add(execution)
        return execution

    async def _turned_down(self, entry: Entry, execution: Execution) -> bool:
        """Put a refused job back in its place; false if it was answered meanwhile."""
        self._refused += 1
        await self._link.round_trip()
        if execution.answered:
            return False
        execution.rewind()
        entry.execution = None
        entry.begun = 0.0
        if self._closed is None:
            heapq.heappush(self._waiting, entry)
        else:
            self.settle(entry, _not_sent(self._closed))
        return True

    def _doubt(self, attempt: Attempt, before: int) -> int:
        falls = self._refusals.falls
        refused_in = self._refusals.refused(attempt, before, self._loop.time())
        if self._refusals.falls > falls and not self._open:
            self._rest()
        return refused_in

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
        if not self._waiting and not self._shells.waiting:
            return
        useful = any(not execution.answered for execution in self._running)
        useful = useful or self._shells.useful
        if opened == self._opened and not useful:
            held = "holds all its channels with commands that don't end"
            why = held if self._open else "refuses every channel"
            self._link.give_up(f"the server {why}")
        else:
            self._watch = self._loop.call_later(STUCK_S, self._check, self._opened)

    def settle(self, entry: Entry, outcome: CommandOutcome) -> None:
        """The answer to a job; later ones are dropped."""
        job = entry.job
        if self._keys.get(job.key) is not entry:
            return
        del self._keys[job.key]
        entry.answered = True
        if job.in_shell and entry.execution is not None:
            self._shells.manners.ran_alone(job.key, _good(job, outcome))
        now = self._loop.time()
        waited = (entry.begun or now) - entry.since
        if job.every is not None and self._closed is None:
            self._pressure.completed(job.key, waited, outcome.took, job.every, now)
        if isinstance(outcome, CommandFailure):
            outcome = replace(outcome, waited=waited)
        elif outcome.waited != waited:
            outcome = outcome._replace(waited=waited)
        self._deliver(job, outcome)

    def _deliver(self, job: Job, outcome: CommandOutcome) -> None:
        try:
            job.done(job, outcome)
        except Exception:
            log.exception("the callback of job %s failed", job.key)


def _queued(last: Entry, every: float, now: float) -> bool:
    """Whether it is for want of a channel that `last` is unfinished: it waits, or waited, and
    has run for less than its interval."""
    if not last.begun:
        return True
    waited = last.begun - last.since > NEGLIGIBLE * every
    return waited and now - last.begun < every


def _good(job: Job, outcome: CommandOutcome) -> bool:
    """Whether a shell could have given this answer."""
    if isinstance(outcome, CommandFailure):
        return False
    return job.answered_by(outcome.status, outcome.stdout)


def _not_sent(reason: str) -> CommandFailure:
    return CommandFailure(FailureKind.LOST, reason, started=False)
