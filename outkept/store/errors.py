"""What can go wrong with the state on disk. Every message is one line and says what to do.

Exception
├── StateError           the state directory can't be opened
│   ├── StateInUse       another daemon has it
│   ├── StateDamaged     the database is not one, is cut short, or contradicts itself
│   ├── StateNewer       a newer Outkept wrote it
│   ├── StateOlder       an older Outkept wrote it, and it may not be changed
│   └── StateUnwritable  the directory or a file in it can't be made or written
└── StoreError           the state is open, but this read or write failed
"""

import sqlite3
from pathlib import Path


class StateError(Exception):
    """The state directory can't be opened; nothing in it was changed."""


class StateInUse(StateError):  # noqa: N818
    """Another process holds the lock of the state directory."""


class StateDamaged(StateError):  # noqa: N818
    """The database file is not a sound database of Outkept's."""


class StateNewer(StateError):  # noqa: N818
    """The database has a schema that this version doesn't know."""


class StateOlder(StateError):  # noqa: N818
    """The database has a schema of earlier days, and is only to be read."""


class StateUnwritable(StateError):  # noqa: N818
    """The state directory can't be created or written."""


class StoreError(Exception):
    """A read or write failed while the state was open, or the store is closed or too busy."""


def damaged(path: Path, why: str) -> StateDamaged:
    """The error for a database that must not be touched."""
    return StateDamaged(
        f"{path} is damaged ({why}): move it away together with its -wal and -shm files to"
        " start afresh, or restore it from a backup"
    )


def of_open(path: Path, error: sqlite3.Error) -> StateError:
    """SQLite's error while opening `path`, in Outkept's words."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return damaged(path, str(error))
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StateInUse(f"{path} is locked by another program: close it there and try again")
    if code == sqlite3.SQLITE_ERROR:
        return damaged(path, str(error))
    return StateUnwritable(
        f"{path} can't be opened for writing ({error}): check its permissions and the space on"
        " its disk"
    )


def of_use(path: Path, error: Exception) -> StoreError:
    """An error while reading or writing `path`, in one line."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    cure = {
        sqlite3.SQLITE_FULL: "; free some space on its disk",
        sqlite3.SQLITE_IOERR: "; check its disk and the space on it",
        sqlite3.SQLITE_BUSY: "; close the other program that has it open",
        sqlite3.SQLITE_CORRUPT: "; stop the daemon and restore the file from a backup",
        sqlite3.SQLITE_INTERRUPT: "; ask for less, or again later",
    }.get(code, "")
    return StoreError(f"{path}: {' '.join(str(error).split())}{cure}")
