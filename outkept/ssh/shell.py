"""One long-lived shell in one channel: batches of commands go in, frames come out."""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import asyncssh

from outkept.ssh.deadline import Deadline
from outkept.ssh.execution import SECOND_KILL_S
from outkept.ssh.frames import Door, Frame, FrameError, Frames
from outkept.ssh.occupant import Occupant
from outkept.ssh.script import COMMAND, PROLOGUE, ask, hello, register
from outkept.ssh.stalls import Stalls

HELLO_S = 5.0
"""A shell that hasn't said hello by then is none, and this server gets execs."""

MOST_COMMANDS = 1000
"""Commands that a shell is given; then it makes room for a new one."""

Piece = tuple[str, ...]
"""Commands whose frames are sent together."""


class Owner(Protocol):
    """Who lends commands to a shell."""

    def came(self, shell: "Shell") -> None:
        """It is open: its slot is taken."""

    def ready(self, shell: "Shell") -> None:
        """It has said hello, or has no more to do."""

    def framed(self, shell: "Shell", frame: Frame, took: float) -> None:
        """One command of what was sent is answered."""

    def broke(self, shell: "Shell", reason: str) -> None:
        """It is of no more use. Called once, not after `leave`."""


class Shell(Occupant):
    """`send` it pieces when it is `idle`; it answers each command with a frame.

    `patience` seconds after the last piece was complete, a shell without another is broken. A
    broken shell and what runs in it is ended where the server allows it; `stubborn` is called
    with the process that outlived its end over the channel.
    """

    def __init__(self, owner: Owner, stubborn: Callable[[int], None]) -> None:
        super().__init__()
        self.command = COMMAND
        self.answered = False
        self.greeted = False
        self.login_shell = ""
        self.last_used = self.loop.time()
        self._owner = owner
        self._stubborn = stubborn
        self._pid = 0
        self._timer: Deadline | asyncio.TimerHandle | None = None
        self._patience = 0.0
        self._nonce = secrets.token_hex(8)
        self._door = Door(self._nonce)
        self._frames: Frames | None = None
        self._ends: deque[tuple[int, float]] = deque()
        self._answers = 0
        self._since = 0.0
        self._stalls = Stalls.of(self.loop)
        self._behind = 0.0
        self._numbers: dict[str, int] = {}

    @property
    def idle(self) -> bool:
        """Whether it may be sent something."""
        return self.greeted and self._frames is None and not self.answered

    @property
    def alive(self) -> bool:
        """Whether it may still be of use."""
        return not self.answered

    @property
    def full(self) -> bool:
        """Whether it was given as many commands as it may hold."""
        return len(self._numbers) >= MOST_COMMANDS

    def begin(self) -> None:
        """The open is being sent."""

    def send(self, pieces: Sequence[tuple[Piece, float]]) -> None:
        """Run these commands, each piece with its patience in seconds. Only when idle."""
        new: list[str] = []
        numbers = [[self._number(command, new) for command in piece] for piece, _ in pieces]
        self._nonce = secrets.token_hex(8)
        self._ends.clear()
        count = 0
        for piece, patience in pieces:
            count += len(piece)
            self._ends.append((count, patience))
        self._answers = 0
        self._frames = Frames(self._nonce, count)
        self._since = self.last_used = self.loop.time()
        self._behind = self._stalls.total
        self._write("".join(new) + ask(self._nonce, numbers))
        self._rearm(self._ends[0][1])
        self.awake()

    def leave(self) -> None:
        """Let the shell end by itself: it is not needed any more."""
        if self._finish() and self._channel is not None:
            self._channel.write_eof()
            self._timer = self.loop.call_later(SECOND_KILL_S, self._kill)

    def end(self) -> None:
        """End the shell and what runs in it at once."""
        if self._finish():
            self._kill()

    def _break(self, reason: str) -> None:
        if self.answered:
            return
        self.end()
        self._owner.broke(self, reason)

    def _finish(self) -> bool:
        if self.answered:
            return False
        self.answered = True
        self._disarm()
        return True

    def _kill(self) -> None:
        if self._channel is None or self.over.done():
            return
        self._channel.kill()
        self._timer = self.loop.call_later(SECOND_KILL_S, self._close)

    def _close(self) -> None:
        if self._channel is not None and not self.over.done():
            self._channel.kill()
            self._channel.abort()
            if self._pid:
                self._stubborn(self._pid)

    def _number(self, command: str, new: list[str]) -> int:
        number = self._numbers.get(command)
        if number is None:
            number = self._numbers[command] = len(self._numbers) + 1
            new.append(register(number, command))
        return number

    def _write(self, text: str) -> None:
        if self._channel is not None:
            self._channel.write(text.encode("utf-8", "replace"))

    def _rearm(self, patience: float) -> None:
        self._disarm()
        self._patience = patience
        self._timer = Deadline(self.loop, patience, self._expire)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self) -> None:
        self._break(f"no answer within {self._patience:g} s")

    # What asyncssh calls.

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """The channel is open."""
        self._channel = chan
        self._owner.came(self)
        if self.answered:
            chan.abort()

    def session_started(self) -> None:
        """The server runs what it calls `sh`."""
        self._write(PROLOGUE + hello(self._nonce))
        if not self.answered:
            self._rearm(HELLO_S)

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        """Standard output holds our frames; standard error nobody reads."""
        if self.answered or datatype is not None:
            return
        if not self.greeted:
            self._greeting(data)
        elif self._frames is None:
            self._break("it speaks unasked")
        else:
            self._answers_in(data, self._frames)

    def _greeting(self, data: bytes) -> None:
        try:
            greeting = self._door.feed(data)
        except FrameError as broken:
            self._break(broken.reason)
            return
        if greeting is not None:
            self._disarm()
            self._pid, self.login_shell = greeting.pid, greeting.login_shell
            self.greeted = True
            self._owner.ready(self)

    def _answers_in(self, data: bytes, frames: Frames) -> None:
        found = frames.feed(data)
        now = self.loop.time()
        took = 0.0
        if found:
            # Time by which our loop is behind is not the commands': taken for theirs, it would
            # ask for more shells, and so for more work.
            stalled = self._stalls.total - self._behind
            took = max(0.0, now - self._since - stalled) / len(found)
            self._since, self._behind = now, self._stalls.total
        for frame in found:
            self._answers += 1
            self._owner.framed(self, frame, took)
            if self.answered:
                return
        if frames.broken:
            self._break(frames.broken)
            return
        moved = False
        while self._ends and self._answers >= self._ends[0][0]:
            self._ends.popleft()
            moved = True
        if not self._ends:
            self._disarm()
            self._frames = None
            self.last_used = now
            self._owner.ready(self)
        elif moved:
            self._rearm(self._ends[0][1])

    def eof_received(self) -> bool:
        """The shell has ended."""
        self._break("the shell has ended")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is over. Whether the connection is too, the link tells."""
        super().connection_lost(exc)
        self._disarm()
