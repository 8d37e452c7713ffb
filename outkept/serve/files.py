"""Small private files in the state directory that the command line and the daemon share.

AccessFileError
"""

import contextlib
import fcntl
import json
import logging
import math
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

Json = dict[str, Any]
T = TypeVar("T")

LARGEST = 4 * 1024 * 1024
"""Bytes; ten thousand users are less."""

RETRY_S = 1.0
"""After which a file that could not be read is tried again, changed or not."""

_log = logging.getLogger(__name__)


class AccessFileError(Exception):
    """Users, tokens or sessions can't be read or kept. One line that says what to do."""


def read(path: Path) -> Json:
    """What the file holds; empty if there is no file. Raises AccessFileError."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise AccessFileError(
                    f"{path} can be read by other users (mode {mode:o}); run: chmod 600 {path}"
                )
            content = json.loads(file.read(LARGEST))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise AccessFileError(f"{path}: {error.strerror}; make it readable to this user") from None
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise damaged(path)
    return content


def damaged(path: Path) -> AccessFileError:
    """For a file whose content isn't ours."""
    return AccessFileError(f"{path} is damaged; restore it from a backup, or delete it")


def write(path: Path, content: Json) -> None:
    """Put `content` in the file's place (mode 0600), all or nothing. Raises AccessFileError."""
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(content, file, indent=1)
                give_to_owner(file.fileno(), path.parent)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise AccessFileError(
            f"{path} can't be written: {error.strerror}; make its directory writable to this user"
        ) from None


def give_to_owner(descriptor: int, directory: Path) -> None:
    """A file that root makes, as with sudo, is its directory's owner's: the daemon runs as them.
    Raises OSError."""
    if os.geteuid() == 0:
        owner = directory.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


@contextlib.contextmanager
def editing(directory: Path) -> Iterator[None]:
    """Hold the directory's files for the time of the context: of two that change them at once,
    one waits for the other. Raises AccessFileError."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise AccessFileError(
            f"{directory} is not a state directory ({error.strerror}): name it with --state or -c"
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


class Watched(Generic[T]):
    """A file that others may replace at any moment; looked at anew each time it is asked for.

    A file that can't be read is as good as empty, and is logged: nobody comes in by it.
    """

    def __init__(self, path: Path | None, parse: Callable[[Json], T]) -> None:
        self._path = path
        self._parse = parse
        self._seen: tuple[int, int, int] | None = None
        self._retry_at = math.inf
        self._value = parse({})

    def load(self) -> T:
        """What the file says. Raises AccessFileError."""
        if self._path is None:
            return self._value
        try:
            return self._parse(read(self._path))
        except (KeyError, TypeError, ValueError):
            raise damaged(self._path) from None

    def current(self) -> T:
        """What the file says now; costs a `stat` while it stays as it was."""
        seen = self._identity()
        if seen != self._seen or time.monotonic() >= self._retry_at:
            self._seen = seen
            try:
                self._value = self.load()
                self._retry_at = math.inf
            except AccessFileError as error:
                _log.error("%s", error)
                self._value = self._parse({})
                # It may be a passing shortage, which changes nothing about the file.
                self._retry_at = time.monotonic() + RETRY_S
        return self._value

    def _identity(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat() if self._path else None
        except OSError:
            return None
        # Unlike the time of modification, this one knows of chmod.
        return (found.st_ino, found.st_ctime_ns, found.st_size) if found else None
