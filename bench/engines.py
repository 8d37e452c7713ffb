"""Engines that the bench of history compares: ours, rows in SQLite, and where they are
installed DuckDB and Parquet."""

import importlib
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from outkept.model.reading import Reading
from outkept.store.database import connect_for_reading, open_database, transaction
from outkept.store.engine import ChunkHistory
from outkept.store.history import Retention

KEEP = Retention(2 * 86400.0, 40 * 86400.0, 800 * 86400.0)


class Chunks:
    """Ours, without the store's threads around it."""

    def __init__(self, directory: Path, retention: Retention = KEEP) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._path, self._connection = open_database(directory)
        self._reader = connect_for_reading(self._path)
        self.history = ChunkHistory(self._connection, lambda: self._reader, retention)
        self.slices: list[float] = []
        self._empty = self.size()

    def add(self, readings: Sequence[Reading]) -> None:
        """One commit."""
        with transaction(self._connection):
            assert self.history.add(readings) == 0
            self.history.before_commit()

    def maintain(self, now: float) -> None:
        """All slices; the processor time of each goes into `slices`, commit included."""
        more = True
        while more:
            begun = time.thread_time()
            with transaction(self._connection):
                more = self.history.maintain(now)
            self.slices.append(time.thread_time() - begun)

    def size(self) -> int:
        """Bytes of the pages in use, the log written back."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        one = self._connection.execute
        pages = one("PRAGMA page_count").fetchone()[0] - one("PRAGMA freelist_count").fetchone()[0]
        return int(pages * one("PRAGMA page_size").fetchone()[0])

    def grown(self) -> int:
        """Bytes more than when it was empty."""
        return self.size() - self._empty

    def lengths(self) -> dict[str, int]:
        """Bytes of data in each table."""
        found = {}
        for table in ("chunks", "cells", "minutes", "hours"):
            statement = f"SELECT coalesce(sum(length(data)), 0) FROM {table}"
            found[table] = int(self._connection.execute(statement).fetchone()[0])
        return found

    def close(self) -> None:
        """Close the connections."""
        self._reader.close()
        self._connection.close()


Row = tuple[int, float, float]
"""Series, UNIX seconds, value."""


class Plain(Protocol):
    """An engine that takes raw readings only."""

    def add(self, rows: Sequence[Row]) -> None: ...
    def month(self, series: int, from_: float, to: float, points: int) -> int: ...
    def size(self) -> int: ...


_BUCKETS = (
    'SELECT CAST(("at" - ?) / ? AS INTEGER) AS bucket, min(value), avg(value), max(value)'
    ' FROM raw WHERE series = ? AND "at" >= ? AND "at" < ? GROUP BY bucket'
)


class SqliteRows:
    """A row for each reading, as schema 1 had it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute(
            "CREATE TABLE raw (step INTEGER, series INTEGER, at REAL, value REAL,"
            " PRIMARY KEY (step, series, at)) WITHOUT ROWID"
        )

    def add(self, rows: Sequence[Row]) -> None:
        """One commit."""
        with transaction(self._connection):
            self._connection.executemany(
                "INSERT OR REPLACE INTO raw VALUES (?, ?, ?, ?)",
                [(int(at // 60), series, at, value) for series, at, value in rows],
            )

    def month(self, series: int, from_: float, to: float, points: int) -> int:
        """Buckets found."""
        steps = f"step IN (SELECT value FROM generate_series({from_ // 60:.0f}, {to // 60:.0f}))"
        width = (to - from_) / points
        try:
            rows = self._connection.execute(
                f"{_BUCKETS.replace('GROUP', f'AND {steps} GROUP')}",
                (from_, width, series, from_, to),
            )
            return len(rows.fetchall())
        except sqlite3.OperationalError:
            numbers = "WITH RECURSIVE n (v) AS (SELECT ? UNION ALL SELECT v + 1 FROM n WHERE v < ?)"
            rows = self._connection.execute(
                f"{numbers} {_BUCKETS.replace('GROUP', 'AND step IN (SELECT v FROM n) GROUP')}",
                (int(from_ // 60), int(to // 60), from_, width, series, from_, to),
            )
            return len(rows.fetchall())

    def size(self) -> int:
        """Bytes of the file."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return self._path.stat().st_size


class DuckRows:
    """DuckDB: a table sorted by series and time, as it compresses it by itself."""

    def __init__(self, path: Path, duckdb: Any, pyarrow: Any) -> None:
        self._path, self._arrow = path, pyarrow
        self._connection = duckdb.connect(str(path))
        self._connection.execute('CREATE TABLE raw (series INTEGER, "at" DOUBLE, value DOUBLE)')

    def add(self, rows: Sequence[Row]) -> None:
        """One insert from an Arrow table."""
        table = arrow_table(self._arrow, rows)
        self._connection.register("batch", table)
        self._connection.execute("INSERT INTO raw SELECT * FROM batch ORDER BY ALL")

    def month(self, series: int, from_: float, to: float, points: int) -> int:
        """Buckets found."""
        bound = (from_, (to - from_) / points, series, from_, to)
        return len(self._connection.execute(_BUCKETS, bound).fetchall())

    def size(self) -> int:
        """Bytes of the file."""
        self._connection.execute("CHECKPOINT")
        return self._path.stat().st_size


class Parquet:
    """A Parquet file for each batch, zstd, sorted by series and time; ticks and values."""

    def __init__(self, path: Path, pyarrow: Any, parquet: Any) -> None:
        path.mkdir()
        self._path, self._arrow, self._parquet = path, pyarrow, parquet

    def add(self, rows: Sequence[Row]) -> None:
        """One file."""
        file = self._path / f"{len(list(self._path.iterdir()))}.parquet"
        ticks = [(series, round(at * 10), value) for series, at, value in sorted(rows)]
        self._parquet.write_table(
            arrow_table(self._arrow, ticks),
            file,
            compression="zstd",
            use_dictionary=["series"],
            column_encoding={"at": "DELTA_BINARY_PACKED", "value": "BYTE_STREAM_SPLIT"},
        )

    def month(self, series: int, from_: float, to: float, points: int) -> int:
        """Rows found; making buckets of them would come on top."""
        found = self._parquet.read_table(
            self._path,
            filters=[
                ("series", "=", series),
                ("at", ">=", int(from_ * 10)),
                ("at", "<", int(to * 10)),
            ],
        )
        return int(found.num_rows)

    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.stat().st_size for file in self._path.iterdir())


def arrow_table(pyarrow: Any, rows: Sequence[tuple[int, float, float]]) -> Any:
    """Columns of the rows."""
    series, at, value = zip(*rows, strict=True)
    return pyarrow.table({"series": pyarrow.array(series, "int32"), "at": at, "value": value})


def alternatives(directory: Path) -> dict[str, Plain]:
    """Those that can be had here, by name."""
    made: dict[str, Plain] = {"SQLite, a row a reading": SqliteRows(directory / "rows.db")}
    try:
        pyarrow = importlib.import_module("pyarrow")
        parquet = importlib.import_module("pyarrow.parquet")
        made["DuckDB"] = DuckRows(directory / "duck.db", importlib.import_module("duckdb"), pyarrow)
        made["Parquet, zstd"] = Parquet(directory / "parquet", pyarrow, parquet)
    except ImportError:
        pass
    return made
