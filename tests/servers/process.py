"""A server program under test: started, frozen, thawed, stopped, always by process id."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from outkept.model.server import Endpoint

PACKAGES = {
    "busybox": "busybox",
    "dash": "dash",
    "dropbear": "dropbear-bin",
    "dropbearkey": "dropbear-bin",
    "fish": "fish",
    "ksh": "ksh",
    "ssh-agent": "openssh-client",
    "ssh-add": "openssh-client",
    "ssh-keygen": "openssh-client",
    "sshd": "openssh-server",
    "tcsh": "tcsh",
    "tinysshd": "tinysshd",
    "tinysshd-makekey": "tinysshd",
    "unshare": "util-linux",
    "useradd": "passwd",
    "userdel": "passwd",
    "usermod": "passwd",
    "zsh": "zsh",
}

START_S = 15.0


def program(name: str) -> str:
    """The path of a program. Raises RuntimeError that names the Debian package it is in."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin")
    if path is None:
        raise RuntimeError(f"{name} is missing; run: apt-get install {PACKAGES[name]}")
    return path


def free_port(address: str = "127.0.0.1") -> int:
    """A port on which nothing listens at `address` just now."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as sock:
        sock.bind((address, 0))
        return int(sock.getsockname()[1])


def until(condition: Callable[[], object], what: str, deadline: float = START_S) -> None:
    """Wait for a condition. Raises TimeoutError that says what did not happen."""
    end = time.monotonic() + deadline
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {deadline:g} s")
        time.sleep(0.01)


@dataclass
class Server:
    """A running server program. `pid` is its listening process; sessions are its children."""

    address: str
    port: int
    pid: int
    log_path: Path
    stop_listening: Callable[[], None] = field(repr=False)

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens."""
        return Endpoint(self.address, self.port)

    @property
    def log(self) -> str:
        """What it wrote to its log so far."""
        return self.log_path.read_text("utf-8", "replace")

    def sessions(self) -> list[int]:
        """The processes below the listening one, parents first."""
        return descendants(self.pid)

    def freeze(self) -> None:
        """Stop it and its sessions in their tracks; the kernel goes on acknowledging TCP."""
        _signal(self.pid, signal.SIGSTOP)
        self._hold_sessions()

    def thaw(self) -> None:
        """Let everything that was frozen go on."""
        for pid in [self.pid, *self.sessions()]:
            _signal(pid, signal.SIGCONT)

    def kill_sessions(self) -> None:
        """Kill the sessions, with the commands in them; the server goes on listening."""
        for pid in self._hold_sessions():
            _signal(pid, signal.SIGKILL)

    def _hold_sessions(self) -> set[int]:
        """Stop the sessions, also those that are being forked meanwhile: sshd starts the
        process that serves a user only after it has told the user of the login."""
        held: set[int] = set()
        while new := set(self.sessions()) - held:
            for pid in new:
                _signal(pid, signal.SIGSTOP)
            held |= new
        return held

    def stop(self) -> None:
        """End it and its sessions. Idempotent."""
        self.thaw()
        self.kill_sessions()
        self.stop_listening()


def descendants(pid: int) -> list[int]:
    """The processes below `pid`, parents before children."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError, IndexError, ValueError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found: list[int] = []
    level = [pid]
    while level:
        level = [child for parent in level for child in children.get(parent, [])]
        found += level
    return found


@contextlib.contextmanager
def listening(command: list[str], address: str, port: int, log_path: Path) -> Iterator[Server]:
    """Run a server program, once something listens on its port."""
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )

    def stop() -> None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)

    server = Server(address, port, process.pid, log_path, stop)
    try:
        until(lambda: _answers(process, address, port), f"{command[0]} listens on {port}")
        yield server
    finally:
        server.stop()


def _answers(process: subprocess.Popen[bytes], address: str, port: int) -> bool:
    if process.poll() is not None:
        raise RuntimeError(f"{process.args!r} ended with status {process.returncode}")
    try:
        socket.create_connection((address, port), 1).close()
    except OSError:
        return False
    return True


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
