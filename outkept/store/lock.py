"""The lock of a state directory: one daemon at a time, for as long as it lives."""

import contextlib
import fcntl
import os
from pathlib import Path

from outkept.store.errors import StateInUse, StateUnwritable

LOCK_NAME = "outkept.lock"
_PID_BYTES = 32


class StateLock:
    """An flock on a file in the state directory. The kernel drops it with the process, so a
    killed daemon leaves nothing to clean up; the pid in the file is only there to be named."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    @classmethod
    def acquire(cls, directory: Path) -> "StateLock":
        """Lock `directory`, creating it with mode 0700 where it is missing.

        The permissions of a directory that exists are left alone: it may be one that other
        programs use. Raises StateInUse or StateUnwritable.
        """
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(directory / LOCK_NAME, flags, 0o600)
        except OSError as error:
            raise _unwritable(directory, error) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        except BlockingIOError:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise StateInUse(
                f"the state directory {directory} is in use by another Outkept ({holder}):"
                " stop it, or name another directory with --state"
            ) from None
        except OSError as error:
            os.close(descriptor)
            raise _unwritable(directory, error) from None
        return cls(descriptor)

    def release(self) -> None:
        """Give the directory back. Idempotent."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def _holder(descriptor: int) -> str:
    text = os.pread(descriptor, _PID_BYTES, 0).decode("ascii", "replace").strip()
    return f"pid {text}" if text.isdecimal() else "pid unknown"


def _unwritable(directory: Path, error: OSError) -> StateUnwritable:
    return StateUnwritable(
        f"the state directory {directory} can't be used ({error.strerror}): make it a directory"
        " that this user may write, or name another with --state"
    )
