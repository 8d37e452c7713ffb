"""A simulated long-lived shell: reads the script we write to shells, and answers in frames."""

import asyncio
import os
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncssh

from outkept.ssh.frames import frame, greeting
from outkept.ssh.script import LONGEST, Asked, Hello, Reader, ScriptError

if TYPE_CHECKING:
    from outkept.demo.sshd import SimulatedServer


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command does: print, exit. `flood` bytes of noise follow `stdout`, made only as
    fast as they are read; `never` means that the command hangs until its channel is closed."""

    stdout: bytes = b""
    stderr: bytes = b""
    status: int = 0
    flood: int = 0
    never: bool = False


class SimulatedShell:
    """Runs commands one after the other, each after the machine's delay."""

    def __init__(
        self, server: "SimulatedServer", channel: "asyncssh.SSHServerChannel[bytes]"
    ) -> None:
        self._server = server
        self._channel = channel
        self._reader = Reader()
        self._todo: deque[tuple[str, tuple[tuple[int, str], ...]]] = deque()
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
        self._todo.extend((asked.nonce, piece) for piece in asked.pieces)
        if idle:
            self._next()

    def _next(self) -> None:
        while self._todo:
            delay = self._server.conduct().delay * len(self._todo[0][1])
            if delay:
                self._timer = asyncio.get_running_loop().call_later(delay, self._later)
                return
            self._run()

    def _later(self) -> None:
        self._run()
        self._next()

    def _run(self) -> None:
        nonce, piece = self._todo.popleft()
        frames: list[bytes] = []
        for position, command in piece:
            answer = self._server.answer(command)
            if answer.never:
                self._todo.clear()
                return
            flood = b"x" * (LONGEST + 1) if answer.flood > LONGEST else b""
            frames.append(frame(nonce, position, answer.status, flood or answer.stdout))
        self._channel.write(b"".join(frames))
