"""A real disk that is small enough to be full."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def disk_of(mount: Path, size: str = "1m") -> Iterator[Path]:
    """A file system of its own, for the time of the context. It takes root."""
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(mount)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"a small disk is a tmpfs, which takes root: {done.stderr}"
    try:
        yield mount
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)


def fill(ballast: Path) -> None:
    """Write a file until its disk is full."""
    descriptor = os.open(ballast, os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):
        while os.write(descriptor, b"\0" * 4096):
            pass
    os.close(descriptor)
