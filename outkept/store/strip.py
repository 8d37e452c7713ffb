"""Stripping: what is left of removed series is taken out of the chunks that they share with
others, some chunks at a time. Readers don't find it any more from the removal on."""

import sqlite3
import time

from outkept.store.cells import Cells
from outkept.store.chunks import (
    GROUP,
    GROUP_BITS,
    pack_readings,
    pack_rows,
    readings_at,
    readings_block,
    rows_at,
    rows_block,
)
from outkept.store.history import MOST_INSTANCES, Retention
from outkept.store.keys import MOST_PART, STEPS, TIME_BITS, key, live_slots
from outkept.store.records import clean
from outkept.store.sealing import SLICE_S
from outkept.store.series import SeriesCache

SILENT_EVERY_S = 3600.0
_SILENT = 200
_TEXT_ROWS = 5000
_LEVEL = 6


class Strip:
    """On the writer's thread. The table `doomed` says which groups have removed series, and
    from which step of each table on they are still to be taken out."""

    def __init__(
        self, connection: sqlite3.Connection, series: SeriesCache, retention: Retention
    ) -> None:
        self._connection = connection
        self._series = series
        self._retention = retention
        self._silent_at: float | None = None

    def rolled_back(self) -> None:
        """Forget what was read since the transaction began."""
        self._silent_at = None

    def doom(self, server: str) -> None:
        """Take a server's series away; what they wrote follows slice by slice."""
        self._series.forget(server)
        server = clean(server)
        ids = self._connection.execute("SELECT id FROM series WHERE server = ?", (server,))
        self._doom_series([series for (series,) in ids.fetchall()])
        self._connection.execute("DELETE FROM failures WHERE server = ?", (server,))

    def step(self, now: float) -> bool:
        """Do the first slice that has work; whether there was one."""
        return self._strip() or self._doom_silent(now)

    def _strip(self) -> bool:
        doomed = self._connection.execute("SELECT grp, tier, next FROM doomed LIMIT 1").fetchone()
        if doomed is None:
            return False
        group, tier, step = doomed
        is_text = tier == "texts"
        if not (self._strip_texts(group) if is_text else self._strip_table(group, tier, step)):
            done = (group, tier)
            self._connection.execute("DELETE FROM doomed WHERE grp = ? AND tier = ?", done)
        return True

    def _strip_table(self, group: int, table: str, step: int) -> bool:
        """Go on from `step` until the slice is over; whether there is more."""
        live = live_slots(self._connection, group)
        end = time.monotonic() + SLICE_S
        while True:
            # One of a few constants: nothing from outside comes into the statements.
            row = self._connection.execute(
                f"SELECT min(id) >> {TIME_BITS} FROM {table} WHERE id >= ?",  # noqa: S608
                (step << TIME_BITS,),
            ).fetchone()
            if row[0] is None:
                return False
            self._strip_step(table, key(row[0], group), live)
            step = row[0] + 1
            if time.monotonic() >= end:
                self._connection.execute(
                    "UPDATE doomed SET next = ? WHERE grp = ? AND tier = ?", (step, group, table)
                )
                return True

    def _strip_step(self, table: str, base: int, live: set[int]) -> None:
        for id, data in self._connection.execute(
            f"SELECT id, data FROM {table} WHERE id BETWEEN ? AND ?",  # noqa: S608
            (base, base | MOST_PART),
        ).fetchall():
            kept = stripped(table, data, live)
            if kept is None:
                self._connection.execute(f"DELETE FROM {table} WHERE id = ?", (id,))  # noqa: S608
            elif kept is not data:
                self._connection.execute(
                    f"UPDATE {table} SET data = ? WHERE id = ?",  # noqa: S608
                    (kept, id),
                )

    def _strip_texts(self, group: int) -> bool:
        start = group << GROUP_BITS
        gone = self._connection.execute(
            "DELETE FROM texts WHERE (series, at) IN (SELECT series, at FROM texts"
            " WHERE series BETWEEN ? AND ? AND series NOT IN (SELECT id FROM series) LIMIT ?)",
            (start, start + GROUP - 1, _TEXT_ROWS),
        )
        return gone.rowcount > 0

    def _doom_silent(self, now: float) -> bool:
        """Series that said nothing for so long that no tier has them; where a sensor has as many
        instances as it may, those that have left the raw tier make room for new ones."""
        if self._silent_at is not None and 0 <= now - self._silent_at < SILENT_EVERY_S:
            return False
        silent = self._connection.execute(
            "SELECT series.id, server FROM latest JOIN series ON series.id = latest.series"
            " WHERE at < ? AND (at < ? OR (SELECT count(*) FROM series AS other WHERE"
            " other.server = series.server AND other.sensor = series.sensor) >= ?) LIMIT ?",
            (now - self._retention.raw, now - self._retention.hours, MOST_INSTANCES, _SILENT),
        ).fetchall()
        self._doom_series([series for series, _ in silent])
        for _, server in silent:
            self._series.forget(server)
        if not silent:
            self._silent_at = now
        return bool(silent)

    def _doom_series(self, series: list[int]) -> None:
        many = self._connection.executemany
        many("DELETE FROM series WHERE id = ?", [(id,) for id in series])
        many("DELETE FROM latest WHERE series = ?", [(id,) for id in series])
        groups = {id >> GROUP_BITS for id in series}
        tiers = (*STEPS, "texts")
        many(
            "INSERT OR REPLACE INTO doomed VALUES (?, ?, 0)",
            [(group, tier) for group in sorted(groups) for tier in tiers],
        )


def stripped(table: str, data: bytes, live: set[int]) -> bytes | None:
    """A row's data without series that are not live: the same object where there is nothing to
    take out, None where nothing is left."""
    if table == "cells":
        cells = Cells(data)
        return cells.pack() if cells.keep(live) else None
    if table == "chunks":
        block = readings_block(data)
        if live.issuperset(block.slots):
            return data
        readings = [(s, readings_at(block, i)) for i, s in enumerate(block.slots) if s in live]
        return pack_readings(readings, _LEVEL) if readings else None
    block = rows_block(data)
    if live.issuperset(block.slots):
        return data
    rows = [(s, rows_at(block, i)) for i, s in enumerate(block.slots) if s in live]
    return pack_rows(rows, _LEVEL) if rows else None
