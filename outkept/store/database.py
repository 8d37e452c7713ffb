"""Opening the database file: soundness first, on a connection that can't write."""

import os
import sqlite3
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from outkept.store.errors import (
    StateDamaged,
    StateError,
    StateNewer,
    StateOlder,
    StateUnwritable,
    damaged,
    of_open,
)
from outkept.store.schema import APPLICATION_ID, MIGRATIONS, Statement

DATABASE_NAME = "outkept.db"
BUSY_S = 5.0
CHECK_CLEAN_S = 0.25
"""How long a database that was closed in order is looked through. A small one is read whole
in this time; of a large one only the beginning, so that a start stays fast."""
CHECK_UNCLEAN_S = 3.0
"""The same after a crash, when there is more reason to look."""

_MAGIC = b"SQLite format 3\x00"
_HEADER_BYTES = 100


def open_database(
    directory: Path, migrations: Sequence[Sequence[Statement]] = MIGRATIONS
) -> tuple[Path, sqlite3.Connection]:
    """Open, or create, the database in `directory` and bring its schema up to date.

    The caller holds the directory's lock. Raises StateDamaged, StateNewer or
    StateUnwritable; the file's bytes are then as they were.
    """
    path = directory / DATABASE_NAME
    try:
        if not path.exists():
            _create(path, migrations)
        _examine(path, len(migrations))
        connection = _connect(path)
        try:
            _prepare(connection)
            _migrate(connection, migrations)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise of_open(path, error) from None
    except OSError as error:
        raise StateUnwritable(
            f"{path} can't be opened ({error.strerror}): check its permissions"
        ) from None
    return path, connection


def open_for_reading(directory: Path) -> tuple[Path, sqlite3.Connection]:
    """The database in `directory` as it is, also while a daemon writes it: nothing is locked,
    made or brought up to date.

    Raises StateDamaged, StateNewer, StateOlder, or StateError where there is none.
    """
    path = directory / DATABASE_NAME
    try:
        if not path.exists():
            raise StateError(
                f"{directory} holds no {DATABASE_NAME}: name the daemon's state directory with"
                " --state or -c"
            )
        _examine(path, len(MIGRATIONS))
        connection = connect_for_reading(path)
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.Error as error:
        raise of_open(path, error) from None
    except OSError as error:
        raise StateError(
            f"{path} can't be read ({error.strerror}): check its permissions"
        ) from None
    if version < len(MIGRATIONS):
        connection.close()
        raise StateOlder(
            f"{path} was written by an older Outkept (schema {version}, this one reads"
            f" {len(MIGRATIONS)}): start the daemon on it once, which brings it up to date"
        )
    return path, connection


def connect_for_reading(path: Path) -> sqlite3.Connection:
    """A connection that can't write, usable from any one thread at a time."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=BUSY_S,
    )
    connection.execute("PRAGMA cache_size = -4000")
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of the block's writes, on disk when it ends, or none of them."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk has SQLite roll back by itself, at times.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _create(path: Path, migrations: Sequence[Sequence[Statement]]) -> None:
    """Built under another name first: a file of the real name was whole once, so an empty one
    is damage and not a start that was interrupted."""
    new = path.with_name(f"{path.name}.new")
    for suffix in ("", "-journal", "-wal", "-shm"):
        new.with_name(new.name + suffix).unlink(missing_ok=True)
    os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with closing(_connect(new)) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        _prepare(connection)
        _migrate(connection, migrations)
    new.rename(path)


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_S)


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    # FULL: what is committed survives a power cut. There is about one commit a second.
    connection.execute("PRAGMA synchronous = FULL")
    # A commit that writes the log back holds up the next: four megabytes at a time.
    connection.execute("PRAGMA wal_autocheckpoint = 1000")
    connection.execute("PRAGMA journal_size_limit = 67108864")
    connection.execute("PRAGMA cache_size = -16000")


def _migrate(connection: sqlite3.Connection, migrations: Sequence[Sequence[Statement]]) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    for number, statements in enumerate(migrations[version:], start=version + 1):
        with transaction(connection):
            for statement in statements:
                if isinstance(statement, str):
                    connection.execute(statement)
                else:
                    statement(connection)
            connection.execute(f"PRAGMA user_version = {number}")


def _examine(path: Path, newest: int) -> None:
    wal = path.with_name(f"{path.name}-wal")
    # SQLite removes the log when the last connection closes in order.
    unclean = wal.exists() and wal.stat().st_size > 0
    _examine_header(path, unclean=unclean)
    with closing(connect_for_reading(path)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise StateDamaged(
                f"{path} is a database of another program: move it away, or name another state"
                " directory with --state"
            )
        if version > newest:
            raise StateNewer(
                f"{path} was written by a newer Outkept (schema {version}, this one knows"
                f" {newest}): update Outkept, or name another directory with --state"
            )
        problem = _quick_check(connection, CHECK_UNCLEAN_S if unclean else CHECK_CLEAN_S)
    if problem:
        raise damaged(path, problem)


def _examine_header(path: Path, *, unclean: bool) -> None:
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    size = path.stat().st_size
    if len(header) < _HEADER_BYTES:
        raise damaged(path, f"it is cut short to {size} bytes")
    if not header.startswith(_MAGIC):
        raise damaged(path, "it is not a database")
    page_bytes, pages = (
        struct.unpack_from(">H", header, 16)[0],
        struct.unpack_from(">I", header, 28)[0],
    )
    expected = (65536 if page_bytes == 1 else page_bytes) * pages
    # After a crash in the middle of a checkpoint the rest of the pages is in the log.
    if size < expected and not unclean:
        raise damaged(path, f"it is cut short to {size:,} of {expected:,} bytes")


def _quick_check(connection: sqlite3.Connection, seconds: float) -> str:
    """What `PRAGMA quick_check` finds within `seconds`; empty if it finds nothing."""
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        connection.interrupt()

    timer = threading.Timer(seconds, expire)
    timer.start()
    try:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError:
        if not expired.is_set():
            raise
        return ""
    finally:
        timer.cancel()
        timer.join()
    # A check that was stopped half-way may report pages that it had not come to.
    if expired.is_set() or found == "ok":
        return ""
    return " ".join(str(found).split())
