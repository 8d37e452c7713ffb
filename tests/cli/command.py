"""The real `outkept`, run as people run it."""

import contextlib
import os
import pty
import pwd
import re
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

from typer.testing import CliRunner

from outkept.cli.main import app

DEADLINE_S = 60.0
SIGNED = f"a token of {pwd.getpwuid(os.getuid()).pw_name}"
"""How the daemon writes down who asks it from here."""
OUTKEPT = [sys.executable, "-m", "outkept"]
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|[=>])")


@dataclass(frozen=True)
class Ended:
    """A command that ran to its end."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line on stderr. Fails the test if there are more, or a traceback."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


def environment(home: Path, **more: str) -> dict[str, str]:
    """Ours without an agent, a configuration of the developer's, or a terminal's size."""
    dropped = ("OUTKEPT_", "SSH_", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
    return kept | {"HOME": str(home), "TERM": "xterm-256color"} | more


def outkept(home: Path, *args: object, wrap: Sequence[str] = (), **more: str) -> Ended:
    """Run `outkept` with these arguments in `home`; `more` are environment variables."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [*wrap, *OUTKEPT, *map(str, args)],
        cwd=home,
        env=environment(home, PYTHONPATH=str(root), **more),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        stdin=subprocess.DEVNULL,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ended(done.returncode, done.stdout, done.stderr)


def here(*args: object, **environment: str) -> Ended:
    """The command run in this process, which saves its start."""
    done = CliRunner().invoke(app, list(map(str, args)), env=environment or None)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    return Ended(done.exit_code, done.stdout, done.stderr)


class Terminal:
    """A command whose stdin and stderr, and perhaps stdout, are a terminal."""

    def __init__(self, process: subprocess.Popen[str], master: int) -> None:
        self.process = process
        self._master = master
        self._seen = b""

    @property
    def seen(self) -> str:
        """Everything it drew so far, without escape sequences."""
        return _ESCAPES.sub("", self._seen.decode("utf-8", "replace"))

    def wait_for(self, pattern: str, after: int = 0) -> int:
        """Wait until `pattern` was drawn behind character `after`; the length seen then."""
        end = time.monotonic() + DEADLINE_S
        while not re.search(pattern, self.seen[after:]):
            assert time.monotonic() < end, f"no {pattern!r} in {self.seen[-3000:]!r}"
            assert self._read(), f"it ended without {pattern!r}: {self.seen[-3000:]!r}"
        return len(self.seen)

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._master, keys.encode())

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        self.process.send_signal(signal.SIGINT)

    def end(self) -> int:
        """Its exit status, once it has ended by itself."""
        while self._read():
            pass
        return self.process.wait(DEADLINE_S)

    def interrupt_question(self) -> int:
        """Its exit status after Ctrl-C at a question, pressed again if nothing comes of it: one
        that comes between the question and the wait for its answer is seen by Python only after
        the answer."""
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            self.interrupt()
            while self._is_ready(5.0):
                if not self._read():
                    return self.process.wait(DEADLINE_S)
        raise AssertionError(f"it goes on: {self.seen[-3000:]!r}")

    def _is_ready(self, seconds: float) -> bool:
        return bool(select.select([self._master], [], [], seconds)[0])

    def _read(self) -> bool:
        assert self._is_ready(DEADLINE_S), f"nothing more came: {self.seen[-3000:]!r}"
        try:
            data = os.read(self._master, 65536)
        except OSError:  # what Linux says when the other end is closed
            return False
        self._seen += data
        return bool(data)


@contextlib.contextmanager
def in_terminal(
    home: Path, *args: object, width: int = 120, height: int = 30, stdout: int | None = None
) -> Iterator[Terminal]:
    """Run `outkept` in a terminal of its own; `stdout` goes elsewhere if it is given."""
    master, slave = pty.openpty()
    ioctl(slave, TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    process = subprocess.Popen(
        [*OUTKEPT, *map(str, args)],
        cwd=home,
        env=environment(home, PYTHONPATH=str(Path(__file__).parents[2])),
        stdin=slave,
        stdout=slave if stdout is None else stdout,
        stderr=slave,
        text=True,
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(5)
        os.close(master)
