"""The schema, as the list of steps that lead to it.

A step is never changed once it was released; a new one is added. The position of a step
plus one is the `user_version` of a database that has taken it.
"""

import sqlite3
from collections.abc import Callable

from outkept.store import incidents, tables
from outkept.store.legacy import from_rows

Statement = str | Callable[[sqlite3.Connection], None]
"""SQL, or what takes more than SQL."""

APPLICATION_ID = 0x4F75746B
"""`Outk` in the file's header, so that another program's database is never taken for ours."""

_FIRST: tuple[Statement, ...] = (
    # Servers are always loaded whole, so their fields need no columns.
    "CREATE TABLE servers (id TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE addresses (
        address TEXT NOT NULL, port INTEGER NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL,
        at REAL NOT NULL, refusals INTEGER NOT NULL, retry_at REAL NOT NULL, server TEXT,
        PRIMARY KEY (address, port)) WITHOUT ROWID""",
    "CREATE INDEX addresses_by_time ON addresses (at, address, port)",
    """CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, type TEXT NOT NULL, server TEXT,
        sensor TEXT, value, message TEXT NOT NULL)""",
    "CREATE INDEX events_by_time ON events (at, type)",
    "CREATE INDEX events_by_server ON events (server, id)",
    "CREATE INDEX events_by_type ON events (type, id)",
    """CREATE TABLE actions (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, server TEXT NOT NULL,
        sensor TEXT NOT NULL, instance TEXT, command TEXT NOT NULL, outcome TEXT NOT NULL,
        reason TEXT NOT NULL, finished_at REAL, status INTEGER, output TEXT NOT NULL)""",
    "CREATE INDEX actions_by_time ON actions (at)",
    "CREATE INDEX actions_by_series ON actions (server, sensor, id)",
    "CREATE INDEX actions_unfinished ON actions (id) WHERE outcome = 'intended'",
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    # Ids are never reused: what is left of a removed series can't become another's history.
    """CREATE TABLE series (
        id INTEGER PRIMARY KEY AUTOINCREMENT, server TEXT NOT NULL, sensor TEXT NOT NULL,
        instance TEXT)""",
    """CREATE UNIQUE INDEX series_by_name ON series
        (server, sensor, (instance IS NULL), coalesce(instance, ''))""",
    # Time comes first in the keys of history, in coarse steps: what is written together
    # then lies together, and what expires together is one range at the start of the table.
    """CREATE TABLE raw (
        step INTEGER NOT NULL, series INTEGER NOT NULL, at REAL NOT NULL, value REAL NOT NULL,
        PRIMARY KEY (step, series, at)) WITHOUT ROWID""",
    """CREATE TABLE minutes (
        step INTEGER NOT NULL, series INTEGER NOT NULL, at INTEGER NOT NULL, n INTEGER NOT NULL,
        low REAL NOT NULL, mean REAL NOT NULL, high REAL NOT NULL,
        PRIMARY KEY (step, series, at)) WITHOUT ROWID""",
    """CREATE TABLE hours (
        step INTEGER NOT NULL, series INTEGER NOT NULL, at INTEGER NOT NULL, n INTEGER NOT NULL,
        low REAL NOT NULL, mean REAL NOT NULL, high REAL NOT NULL,
        PRIMARY KEY (step, series, at)) WITHOUT ROWID""",
    """CREATE TABLE texts (
        series INTEGER NOT NULL, at REAL NOT NULL, value TEXT NOT NULL,
        PRIMARY KEY (series, at)) WITHOUT ROWID""",
    "CREATE INDEX texts_by_time ON texts (at)",
    "CREATE TABLE latest (series INTEGER PRIMARY KEY, at REAL NOT NULL, value NOT NULL)",
    """CREATE TABLE failures (
        server TEXT NOT NULL, sensor TEXT NOT NULL, at REAL NOT NULL, reason TEXT NOT NULL,
        PRIMARY KEY (server, sensor)) WITHOUT ROWID""",
    # Hours of a series that have raw readings which are not rolled up yet.
    """CREATE TABLE pending (
        hour INTEGER NOT NULL, series INTEGER NOT NULL,
        PRIMARY KEY (hour, series)) WITHOUT ROWID""",
    # From this time (UNIX seconds) on, a tier is complete.
    "CREATE TABLE floors (tier TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID",
    "INSERT INTO floors VALUES ('raw', 0), ('minutes', 0)",
    """CREATE TABLE doomed (
        series INTEGER NOT NULL, tier TEXT NOT NULL,
        PRIMARY KEY (series, tier)) WITHOUT ROWID""",
)

_OLD = ("raw", "minutes", "hours", "texts", "latest", "series", "pending", "doomed")

_CHUNKS: tuple[Statement, ...] = (
    *(f"ALTER TABLE {table} RENAME TO old_{table}" for table in _OLD),
    "DROP INDEX series_by_name",
    "DROP INDEX texts_by_time",
    # The series of a chunk: a sensor's, on some servers. Ids are never reused, and neither are
    # places: what is left of a removed series can't become another's history.
    """CREATE TABLE groups (
        id INTEGER PRIMARY KEY AUTOINCREMENT, sensor TEXT NOT NULL, used INTEGER NOT NULL)""",
    "CREATE INDEX groups_by_sensor ON groups (sensor, id)",
    # The id is the group and, in its lowest five bits, the place in it.
    """CREATE TABLE series (
        id INTEGER PRIMARY KEY, server TEXT NOT NULL, sensor TEXT NOT NULL, instance TEXT)""",
    """CREATE UNIQUE INDEX series_by_name ON series
        (server, sensor, (instance IS NULL), coalesce(instance, ''))""",
    """CREATE TABLE texts (
        series INTEGER NOT NULL, at REAL NOT NULL, value TEXT NOT NULL,
        PRIMARY KEY (series, at)) WITHOUT ROWID""",
    "CREATE INDEX texts_by_time ON texts (at)",
    "CREATE TABLE latest (series INTEGER PRIMARY KEY, at REAL NOT NULL, value NOT NULL)",
    # Batch and group; see journal.py.
    "CREATE TABLE journal (id INTEGER PRIMARY KEY, data BLOB NOT NULL)",
    "CREATE TABLE sealing (cut INTEGER NOT NULL, next INTEGER NOT NULL, at REAL NOT NULL)",
    # Nothing is being sealed: the next group lies behind the last that can be.
    "INSERT INTO sealing VALUES (0, 16777216, 0)",
    # Hour or day, group, part; see keys.py. What expires is a range at a table's start.
    "CREATE TABLE chunks (id INTEGER PRIMARY KEY, data BLOB NOT NULL)",
    "CREATE TABLE cells (id INTEGER PRIMARY KEY, data BLOB NOT NULL)",
    "CREATE TABLE minutes (id INTEGER PRIMARY KEY, data BLOB NOT NULL)",
    "CREATE TABLE hours (id INTEGER PRIMARY KEY, data BLOB NOT NULL)",
    # Hours of a group with readings that are not rolled up yet, the newest of this batch.
    """CREATE TABLE pending (
        hour INTEGER NOT NULL, grp INTEGER NOT NULL, batch INTEGER NOT NULL,
        PRIMARY KEY (hour, grp)) WITHOUT ROWID""",
    """CREATE TABLE doomed (
        grp INTEGER NOT NULL, tier TEXT NOT NULL, next INTEGER NOT NULL,
        PRIMARY KEY (grp, tier)) WITHOUT ROWID""",
    from_rows,
    *(f"DROP TABLE old_{table}" for table in _OLD),
)

# Nothing changes in the tables. Chunks of version 1 (see columns.py) can't be read by what knows
# only version 0, and the number of this step has it say so.
_PLANES: tuple[Statement, ...] = ()

_JUDGEMENT: tuple[Statement, ...] = (
    *incidents.TABLES,
    *tables.SILENCES,
    *tables.LATCHES,
    *tables.OUTBOX,
)

MIGRATIONS: tuple[tuple[Statement, ...], ...] = (_FIRST, _CHUNKS, _PLANES, _JUDGEMENT, tables.WAITS)
