"""Long-lived shells: what is due together travels together, and what disturbs runs alone."""

import asyncio
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from outkept.model.command import CommandFailure, CommandOutcome, CommandResult, FailureKind
from outkept.ssh.entry import Entry
from outkept.ssh.frames import Frame
from outkept.ssh.jobs import Job
from outkept.ssh.manners import SHELL_S, Manners, pieces, shares
from outkept.ssh.shell import Shell

MOST_SHELLS = 3
SLOW_S = 2.0
"""Nobody's frame is awaited longer: what is slower runs by exec, where it holds up nobody."""

SLOW = 0.5
"""Nor longer than this part of its interval: its neighbours are due as often."""

UNUSED_S = 60.0
"""A second shell that was of no use for so long is closed."""

MOST_LOST = 3
"""Shells that end before any answered: this server gets execs from then on."""


class Host(Protocol):
    """The pool, as its shells see it."""

    @property
    def limit(self) -> int:
        """Channels this server is believed to give."""

    def rival(self) -> Entry | None:
        """The exec that waits for a channel which a shell holds."""

    def changed(self) -> None:
        """Something may be possible now that was not."""

    def alone(self, entry: Entry) -> None:
        """Run it by exec."""

    def settle(self, entry: Entry, outcome: CommandOutcome) -> None:
        """Its answer."""

    def stubborn(self, pid: int) -> None:
        """This process, and its group, outlived its end."""

    def opened(self) -> None:
        """A shell's channel is open."""


@dataclass(slots=True)
class _Lent:
    """What a shell was given: the pieces under way, flat, and those not sent yet."""

    running: deque[tuple[Entry, int]] = field(default_factory=deque)
    later: deque[tuple[Entry, ...]] = field(default_factory=deque)
    priority: int = 0


class Shells:
    """The shells of one connection. They share the pool's channels, and leave one of them to
    execs wherever the server gives more than one. `none` says why there are none, and every
    command is an exec; it is empty as long as there may be."""

    def __init__(self, host: Host) -> None:
        self.manners = Manners()
        self.login_shell = ""
        self.proven = False
        self.none = ""
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._due: list[Entry] = []
        self._lent: dict[Shell, _Lent] = {}
        self._gathering = False
        self._lost = 0

    # What the pool asks.

    def takes(self, entry: Entry) -> bool:
        """Whether this job runs in a shell."""
        job = entry.job
        if self.none or not job.in_shell or entry.rerun or "\0" in job.command:
            return False
        return not self.manners.is_alone(job.key)

    def add(self, entry: Entry) -> None:
        """Run it together with all that is added until the loop's next round."""
        self._due.append(entry)
        self.gather()

    def gather(self) -> None:
        """Hand out what is due, in the loop's next round."""
        if not self._gathering:
            self._gathering = True
            self._loop.call_soon(self._hand_out)

    @property
    def waiting(self) -> Sequence[Entry]:
        """What no shell has taken yet."""
        return self._due

    @property
    def held(self) -> int:
        """Channels that shells hold, or are about to."""
        return len(self._lent)

    @property
    def useful(self) -> bool:
        """Whether a shell is at work."""
        return any(shell.alive for shell in self._lent)

    def wants(self) -> Entry | None:
        """The job for which another shell is worth a channel."""
        if not self._due or self._gathering or self.none:
            return None
        if self.held >= self._most() or any(shell.idle for shell in self._lent):
            return None
        alive = [shell for shell in self._lent if shell.alive]
        if any(not shell.greeted for shell in alive) and not self.proven:
            return None  # the first one tells whether there is a shell at all
        if alive and self._seconds() <= SHELL_S * len(alive):
            return None
        return min(self._due)

    def new(self) -> Shell:
        """A shell, to be given to the link. `gone` must follow."""
        shell = Shell(self, self._host.stubborn)
        self._lent[shell] = _Lent()
        return shell

    def gone(self, shell: Shell, lost: str | None) -> None:
        """Its channel is over, because the connection was `lost` or by itself."""
        if lost is None and shell.opened:
            if shell.alive:
                shell.end()
                self.broke(shell, "the shell has ended")
        else:
            shell.end()
            self._return(shell, lost)
        self._lent.pop(shell, None)
        self.gather()

    def make_room(self) -> None:
        """An exec waits, and there is no channel: an idle shell goes where none is left over."""
        busy = [shell for shell in self._lent if shell.alive]
        if self._outranked():
            for shell in busy:
                if shell.idle:
                    shell.leave()
                    return

    def cancel(self, entry: Entry) -> None:
        """Nobody wants its answer."""
        if entry in self._due:
            self._due.remove(entry)

    def close(self, reason: str, *, started: bool) -> None:
        """The connection ends: answer what waits, and what runs as well."""
        due, self._due = self._due, []
        for entry in due:
            self._host.settle(entry, CommandFailure(FailureKind.LOST, reason, started=False))
        if started:
            for shell in list(self._lent):
                shell.end()
                self._return(shell, reason)

    # What a shell tells.

    def came(self, shell: Shell) -> None:
        """It is open."""
        self._host.opened()

    def ready(self, shell: Shell) -> None:
        """It has said hello, or has no more to do."""
        self.proven = True
        self._lost = 0
        self.login_shell = shell.login_shell
        lent = self._lent[shell]
        lent.running.clear()
        rival = self._host.rival()
        if rival is not None and rival.priority < lent.priority:
            self._put_back(lent)
        if lent.later:
            self._send(shell, lent)
            return
        if self.held > self._most() or shell.full or self._outranked():
            shell.leave()
        if self._due:
            self.gather()
        else:
            self._retire()
            self._host.changed()

    def framed(self, shell: Shell, frame: Frame, took: float) -> None:
        """One command is answered."""
        running = self._lent[shell].running
        entry, _ = running.popleft()
        if running:
            running[0][0].begun = self._loop.time()
        if entry.answered:
            return
        job, out = entry.job, frame.stdout
        if out is None or len(out) > job.cap:
            self._misbehaved(entry, "printed too much for a shell that others share")
        elif not job.answered_by(frame.status, out):
            self._failed(entry)
        else:
            if job.every is not None:
                self.manners.answered(job.key, took)
            waited = entry.begun - entry.since
            self._host.settle(entry, CommandResult(frame.status, out, b"", waited, took))

    def broke(self, shell: Shell, reason: str) -> None:
        """It hung, ended, or said something else: what ran then is to blame."""
        if not shell.greeted:
            self._lost += 1
            if not self.proven or self._lost >= MOST_LOST:
                self.none = reason
        lent = self._lent[shell]
        if lent.running:
            blamed = lent.running[0][1]
            piece = [entry for entry, number in lent.running if number == blamed]
            rest = [entry for entry, number in lent.running if number != blamed]
            lent.running.clear()
            for entry in piece:
                if entry.answered:
                    continue
                if len(piece) == 1:
                    self._misbehaved(entry, f"cost a shell: {reason}")
                else:
                    self.manners.doubt(entry.job.key)
                    self._again(entry)
            for entry in rest:
                self._again(entry)
        self._put_back(lent)
        if self.none:
            due, self._due = self._due, []
            for entry in due:
                self._host.alone(entry)
        self.gather()
        self._host.changed()

    # The rest is ours.

    def _outranked(self) -> bool:
        """Whether an exec needs a shell's channel and comes before all that shells wait for."""
        rival = self._host.rival()
        return rival is not None and (not self._due or rival < min(self._due))

    def _most(self) -> int:
        return max(1, min(MOST_SHELLS, self._host.limit - 1))

    def _seconds(self) -> float:
        waiting = sum(self.manners.expected(entry.job.key) for entry in self._due)
        for lent in self._lent.values():
            waiting += sum(self.manners.expected(entry.job.key) for entry, _ in lent.running)
        return waiting

    def _hand_out(self) -> None:
        self._gathering = False
        if self._due and (idle := [shell for shell in self._lent if shell.idle]):
            self._spread(idle)
        self._retire()
        self._host.changed()

    def _spread(self, idle: list[Shell]) -> None:
        """Lend what is due to the idle shells, and leave those that are yet to come a share."""
        self._due.sort()
        costs = [self.manners.expected(entry.job.key) for entry in self._due]
        wanted = max(1, math.ceil(sum(costs) / SHELL_S))
        to_come = max(0, self._most() - self.held)
        split = shares(costs, min(wanted, len(idle) + to_come))
        due, self._due = self._due, []
        for share in split[len(idle) :]:
            self._due.extend(due[index] for index in share)
        for shell, share in zip(idle, split, strict=False):
            if share:
                self._lend(shell, [due[index] for index in share])

    def _retire(self) -> None:
        if len(self._lent) < 2:
            return
        now = self._loop.time()
        unused = [s for s in self._lent if s.idle and now - s.last_used > UNUSED_S]
        if unused and sum(shell.alive for shell in self._lent) > 1:
            unused[-1].leave()

    def _lend(self, shell: Shell, entries: list[Entry]) -> None:
        lent = self._lent[shell]
        lent.later.extend(pieces([(entry, entry.job.key) for entry in entries], self.manners))
        lent.priority = min(entry.priority for entry in entries)
        self._send(shell, lent)

    def _send(self, shell: Shell, lent: _Lent) -> None:
        """All at once, or piece by piece where an exec may need the only channel."""
        now = self._loop.time()
        chosen: list[tuple[tuple[str, ...], float]] = []
        while lent.later:
            piece = tuple(entry for entry in lent.later.popleft() if not entry.answered)
            if not piece:
                continue
            lent.running.extend((entry, len(chosen)) for entry in piece)
            patience = min(SLOW_S, *(self._patience(entry.job) for entry in piece))
            chosen.append((tuple(entry.job.command for entry in piece), patience))
            if self._host.limit == 1:
                break
        if not chosen:
            self._loop.call_soon(self._idle_again, shell)
            return
        lent.running[0][0].begun = now
        shell.send(chosen)

    def _patience(self, job: Job) -> float:
        """With a single channel, an exec of its own would hold its neighbours up for longer."""
        if job.every is None or self._host.limit == 1:
            return job.timeout
        return min(job.timeout, SLOW * job.every)

    def _idle_again(self, shell: Shell) -> None:
        if shell in self._lent and shell.idle:
            self.ready(shell)

    def _put_back(self, lent: _Lent) -> None:
        for piece in lent.later:
            for entry in piece:
                self._again(entry)
        lent.later.clear()

    def _return(self, shell: Shell, lost: str | None) -> None:
        """Its connection is lost, or it was refused a channel."""
        lent = self._lent[shell]
        running, lent.running = lent.running, deque()
        for entry, _ in running:
            if lost is not None and not entry.answered:
                self._host.settle(entry, CommandFailure(FailureKind.LOST, lost))
        self._put_back(lent)

    def _again(self, entry: Entry) -> None:
        entry.begun = 0.0
        if not entry.answered:
            self._due.append(entry)

    def _misbehaved(self, entry: Entry, why: str) -> None:
        if entry.job.every is not None:
            self.manners.misbehaved(entry.job.key, why)
        self._rerun(entry)

    def _failed(self, entry: Entry) -> None:
        if entry.job.every is not None:
            self.manners.failed(entry.job.key)
        self._rerun(entry)

    def _rerun(self, entry: Entry) -> None:
        if not entry.answered:
            entry.rerun = True
            self._host.alone(entry)
