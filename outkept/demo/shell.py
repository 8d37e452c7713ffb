"""A simulated long-lived shell: reads the script we write to shells, and answers in frames."""

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

import asyncssh

from outkept.demo.machines import Machine
from outkept.ssh.frames import frame, greeting
from outkept.ssh.script import LONGEST, Asked, Hello, Pieces, Reader, ScriptError


class Answer(NamedTuple):
    """What a command does: print, exit. `flood` bytes of noise follow `stdout`, made only as
    fast as they are read; `never` means that the command hangs until its channel is closed."""

    stdout: bytes = b""
    stderr: bytes = b""
    status: int = 0
    flood: int = 0
    never: bool = False


Responder = Callable[[], Answer]
"""What one machine does for one command, now."""

Piece = tuple[tuple[tuple[int, Responder], ...], tuple[str, ...]]
"""Commands whose frames are sent together: what answers at which position, and their texts."""

MOST_BATCHES = 8
"""Batches that a shell keeps ready, and forgets for one more: as a rule, a server's sensors
come in few mixtures."""


class Host(Protocol):
    """What a shell needs of the server that it runs on."""

    @property
    def machine(self) -> Machine:
        """Whose shell it is."""

    @property
    def responder(self) -> Callable[[str], Responder]:
        """What answers a command."""

    def delay(self, commands: Iterable[str], count: int) -> float:
        """Seconds that `count` commands take, one after the other."""


class SimulatedShell:
    """Runs commands one after the other, each after the machine's delay."""

    __slots__ = ("_batches", "_channel", "_reader", "_server", "_timer", "_todo")

    def __init__(self, server: Host, channel: "asyncssh.SSHServerChannel[bytes]") -> None:
        self._server = server
        self._channel = channel
        self._reader = Reader()
        self._batches: dict[Pieces, tuple[Piece, ...]] = {}
        self._todo: deque[tuple[str, Piece]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def read(self, data: bytes) -> None:
        """Take a part of the script; what it completes is done."""
        try:
            steps = self._reader.feed(data)
        except ScriptError:
            self._channel.write_stderr(b"sh: syntax error\n")
            self._channel.exit(2)
            return
        for step in steps:
            if isinstance(step, Hello):
                name = os.path.basename(self._server.machine.system.shell)
                self._channel.write(greeting(step.nonce, 4000, name))
            else:
                self._ask(step)

    def close(self) -> None:
        """The channel is gone."""
        self._todo.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _ask(self, asked: Asked) -> None:
        idle = not self._todo
        self._todo.extend((asked.nonce, piece) for piece in self._ready(asked.pieces))
        if idle:
            self._next()

    def _ready(self, pieces: Pieces) -> tuple[Piece, ...]:
        """The pieces, each command with what answers it."""
        made = self._batches.get(pieces)
        if made is None:
            made = tuple(self._piece(piece) for piece in pieces)
            if len(self._batches) >= MOST_BATCHES:
                self._batches.clear()
            self._batches[pieces] = made
        return made

    def _piece(self, piece: tuple[tuple[int, str], ...]) -> Piece:
        responder = self._server.responder
        return (
            tuple((position, responder(command)) for position, command in piece),
            tuple(command for _, command in piece),
        )

    def _next(self, said: Sequence[bytes] = ()) -> None:
        """Run what takes no time, and send all of it in one write."""
        frames = list(said)
        while self._todo:
            commands = self._todo[0][1][1]
            if delay := self._server.delay(commands, len(commands)):
                self._timer = asyncio.get_running_loop().call_later(delay, self._later)
                break
            frames += self._run()
        if frames:
            self._channel.write(b"".join(frames))

    def _later(self) -> None:
        self._next(self._run())

    def _run(self) -> list[bytes]:
        """The frames of the next piece; of none any more, where a command never ends."""
        nonce, (piece, _) = self._todo.popleft()
        frames: list[bytes] = []
        for position, respond in piece:
            answer = respond()
            if answer.never:
                self._todo.clear()
                return []
            flood = b"x" * (LONGEST + 1) if answer.flood > LONGEST else b""
            frames.append(frame(nonce, position, answer.status, flood or answer.stdout))
        return frames
