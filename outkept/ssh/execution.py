"""One command in one channel: counts and cuts its output as it arrives, keeps its deadline."""

import asyncio
import logging
from collections.abc import Callable

import asyncssh

from outkept.model.command import CommandFailure, CommandOutcome, CommandResult, FailureKind
from outkept.ssh.deadline import Deadline
from outkept.ssh.errors import printable
from outkept.ssh.jobs import Heard
from outkept.ssh.occupant import Occupant

STDERR_CAP = 16 * 1024
"""Bytes of standard error kept; the rest is dropped without a word, for stderr explains a
failure to people and is never parsed."""

LINGER_S = 2.0
"""How long output may stay silent after the exit status before the channel is closed: a
daemon that the command started may hold its output open for ever."""

SECOND_KILL_S = 0.5
"""sshd answers an exec before the process has become its own group, which is what it kills;
that takes a few ms, and more on a loaded machine."""


log = logging.getLogger(__name__)


class Execution(Occupant):
    """Runs `command` once a link opens a channel for it, and answers exactly once.

    The answer comes when the channel has closed, when `timeout` seconds have passed since
    `begin`, or when more than `cap` bytes were printed. The channel may live on after the
    answer, for a server closes it only when the process is gone; `over` is done when it has.

    With a `nonce`, the first line of standard error is `NONCE PID` and not part of the answer;
    `stubborn` is called with that process when it outlived its end over the channel. `heard` is
    called with each piece of the answer as it arrives, and whether it is standard error.
    `stubborn` is called with that process when it outlived its end over the channel. `bar` is
    asked when the channel is open; where it says why not, the command is not sent.
    """

    def __init__(
        self,
        command: str,
        *,
        timeout: float,
        cap: int,
        answer: Callable[[CommandOutcome], None],
        opened: Callable[[], None] = lambda: None,
        nonce: str = "",
        stubborn: Callable[[int], None] = lambda pid: None,
        heard: Heard | None = None,
        bar: Callable[[], str] | None = None,
    ) -> None:
        super().__init__()
        self.command = command
        self.answered = False
        self._nonce = nonce.encode()
        self._stubborn = stubborn
        self._heard_by = heard
        self._told = 0
        self._bar = bar
        self._pid = 0
        self._loop = self.loop
        self._timeout = timeout
        self._cap = cap
        self._answer = answer
        self._on_open = opened
        self._started = self.loop.time()
        self._timer: Deadline | None = None
        self._lingering: asyncio.TimerHandle | None = None
        self._stdout = bytearray()
        self._stderr = bytearray()
        self._status: int | None = None
        self._signal = ""
        self._ended = False
        self._heard = False
        self._ending = False
        self._flooding = False

    # What a link does with it.

    @property
    def complete(self) -> bool:
        """Whether exit status and all output arrived, whatever became of the connection."""
        return self._status is not None and self._ended

    def begin(self) -> None:
        """The open is being sent: the deadline runs from now."""
        self._started = self._loop.time()
        self._disarm()
        self._timer = Deadline(self._loop, self._timeout, self._expire)

    def rewind(self) -> None:
        """The open was refused and nothing ran: the deadline stands still."""
        self._disarm()

    def conclude(self, lost: str | None) -> None:
        """The channel is over, because the connection was `lost` or by itself."""
        self._disarm()
        if lost is not None and not self.complete:
            self.fail(FailureKind.LOST, lost)
        elif self._status is not None:
            self._result(self._status)
        elif self._signal:
            self.fail(FailureKind.NO_STATUS, f"killed by SIG{self._signal}")
        else:
            self.fail(FailureKind.NO_STATUS, "the channel closed without an exit status")

    # What its owner does with it.

    def cancel(self) -> None:
        """Nobody wants the answer any more: answer at once and end the remote process."""
        self.fail(FailureKind.CANCELLED, "cancelled")

    def fail(self, kind: FailureKind, reason: str) -> None:
        """Answer with a failure, unless there was an answer, and close the channel."""
        if not self.answered:
            took = self._loop.time() - self._started
            out, err = bytes(self._stdout), self._complaints()
            self._give(CommandFailure(kind, reason, self.opened, 0.0, took, out, err))
        self._end()

    def _result(self, status: int) -> None:
        if not self.answered:
            took = self._loop.time() - self._started
            out, err = bytes(self._stdout), self._complaints()
            self._give(CommandResult(status, out, err, 0.0, took))
        self._end()

    def _complaints(self) -> bytes:
        """Standard error, without the line that names the process."""
        err = bytes(self._stderr)
        first, newline, rest = err.partition(b"\n")
        name, _, pid = first.rpartition(b" ")
        if not self._nonce or not newline or name != self._nonce or not pid.isdigit():
            return err
        self._pid = int(pid[:10])
        return rest

    def _pass_on(self, data: bytes | bytearray, *, error: bool) -> None:
        if self._heard_by is None or not data:
            return
        try:
            self._heard_by(bytes(data), error)
        except Exception:
            log.exception("what was heard of a command could not be passed on")

    def _pass_on_complaints(self, *, all_: bool = False) -> None:
        """Standard error that came since the last time; with a nonce its first line is awaited,
        which may be no part of it."""
        if self._nonce and b"\n" not in self._stderr and not all_:
            return
        complaints = self._complaints()
        self._pass_on(complaints[self._told :], error=True)
        self._told = len(complaints)

    def _give(self, outcome: CommandOutcome) -> None:
        if self._heard_by is not None:
            self._pass_on_complaints(all_=True)
        self.answered = True
        self._stdout, self._stderr = bytearray(), bytearray()
        self._answer(outcome)

    def _expire(self) -> None:
        if self._status is not None:
            self._result(self._status)
        else:
            self.fail(FailureKind.TIMED_OUT, f"no answer within {self._timeout:g} s")

    def _linger(self) -> None:
        if self._status is None or self.answered:
            return
        if self._heard:
            self._heard = False
            self._lingering = self._loop.call_later(LINGER_S, self._linger)
        else:
            self._result(self._status)

    def _disarm(self) -> None:
        for timer in (self._timer, self._lingering):
            if timer is not None:
                timer.cancel()
        self._timer = self._lingering = None

    def _end(self) -> None:
        """End the remote process, where the server lets us, and the channel."""
        self._disarm()
        if self._channel is None or self._ending or self.over.done():
            return
        self._ending = True
        if self._status is not None or self._flooding:
            self._close()
        else:
            # Refused for root on OpenSSH ≤ 9.9, for forced commands and before 7.9. Where it
            # works the server closes the channel. A process that is only just being started
            # is not hit, hence the second try.
            self._channel.kill()
            self._loop.call_later(SECOND_KILL_S, self._close)

    def _close(self) -> None:
        if self._channel is not None and not self.over.done():
            self._channel.kill()
            self._channel.abort()
            if self._pid and self._status is None:
                self._stubborn(self._pid)

    # What asyncssh calls.

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """The channel is open and the command not sent yet: if its time is up, or something
        bars it, it never is."""
        self._channel = chan
        self._on_open()
        if not self.answered and self._bar is not None and (why := self._bar()):
            self._disarm()
            self._give(CommandFailure(FailureKind.CANCELLED, why, started=False))
        if self.answered:
            self._ending = True
            chan.abort()

    def session_started(self) -> None:
        """The command was accepted: its standard input is at its end."""
        if self._channel is not None:
            self._channel.write_eof()

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        """Keep what the caps allow; too much standard output ends the command."""
        if self.answered:
            return
        self._heard = True
        if datatype == asyncssh.EXTENDED_DATA_STDERR:
            self._stderr += data[: STDERR_CAP - len(self._stderr)]
            if self._heard_by is not None:
                self._pass_on_complaints()
            return
        self._pass_on(data[: self._cap - len(self._stdout)], error=False)
        self._stdout += data[: self._cap - len(self._stdout) + 1]
        if len(self._stdout) > self._cap:
            del self._stdout[self._cap :]
            self._flooding = True
            self.fail(FailureKind.TOO_LONG, f"more than {self._cap:,} bytes of output")

    def eof_received(self) -> bool:
        """The output is complete."""
        self._ended = True
        return False

    def exit_status_received(self, status: int) -> None:
        """The process is gone; the rest of its output may still be on its way."""
        self._status = status
        self._heard = False
        self._lingering = self._loop.call_later(LINGER_S, self._linger)

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        """The process was killed, which is no exit status."""
        self._signal = printable(signal, 16)
