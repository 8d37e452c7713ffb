"""The small servers: dropbear, and tinysshd behind an accept loop."""

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.servers.process import Server, free_port, listening, program


@contextlib.contextmanager
def running_dropbear(
    *, address: str = "127.0.0.1", port: int = 0, wrap: Sequence[str] = ()
) -> Iterator[Server]:
    """Run dropbear; users log in with their own authorized_keys. `wrap` is put before it."""
    with tempfile.TemporaryDirectory(prefix="outkept-dropbear-") as name:
        folder = Path(name)
        port = port or free_port(address)
        key = folder / "host_key"
        make = [program("dropbearkey"), "-t", "ed25519", "-f", str(key)]
        subprocess.run(make, check=True, capture_output=True)
        command = [*wrap, program("dropbear"), "-F", "-E", "-s", "-r", str(key), "-P", ""]
        command += ["-p", f"{address}:{port}"]
        with listening(command, address, port, folder / "log") as server:
            yield server


@contextlib.contextmanager
def running_tinysshd(
    *, address: str = "127.0.0.1", port: int = 0, wrap: Sequence[str] = ()
) -> Iterator[Server]:
    """Run one tinysshd for each connection, as inetd would. `pid` is this process's own, so
    such a server can be stopped, but neither frozen nor its sessions killed."""
    with tempfile.TemporaryDirectory(prefix="outkept-tinyssh-") as name:
        folder = Path(name)
        keys = folder / "keys"
        subprocess.run([program("tinysshd-makekey"), str(keys)], check=True, capture_output=True)
        log = folder / "log"
        command = [*wrap, program("tinysshd"), "-v", str(keys)]
        with _inetd(command, address, port, log) as bound:
            server = _Inetd(address, bound, os.getpid(), log, lambda: None)
            yield server


class _Inetd(Server):
    def sessions(self) -> list[int]:
        return []

    def freeze(self) -> None:
        raise NotImplementedError("an inetd-style server has no process to freeze")

    def thaw(self) -> None:
        """Nothing was frozen."""


@contextlib.contextmanager
def _inetd(command: list[str], address: str, port: int, log: Path) -> Iterator[int]:
    children: list[subprocess.Popen[bytes]] = []
    listener = socket.create_server((address, port))

    def serve() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with sock, log.open("ab") as errors:
                fd = sock.fileno()
                children.append(
                    subprocess.Popen(
                        command, stdin=fd, stdout=fd, stderr=errors, start_new_session=True
                    )
                )
            for child in children:
                child.poll()

    thread = threading.Thread(target=serve, name="inetd", daemon=True)
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
        for child in children:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
            child.wait(5)
