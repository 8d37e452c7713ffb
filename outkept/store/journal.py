"""The journal: readings as they arrived, batch by batch, until they are sealed into chunks.

A batch is what one transaction brought, a row for each group of series. Everything up to the
batch `cut` is being sealed, group by group; groups below `next` are done, and their rows up to
the cut don't count any more. Both are in the table `sealing`, changed in the transaction that
seals, so a crash finds every reading in exactly one place.
"""

import sqlite3
import struct
import sys
from array import array
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from outkept.store.bulk import insert
from outkept.store.chunks import GROUP, GROUP_BITS, TICKS
from outkept.store.keys import HOUR_S, MOST_GROUP, SEQ_BITS, walk_journal

RECORD = struct.Struct("<Bqd")
"""Place in the group, tick, value."""
MOST_BATCH = (1 << 38) - 1
TICKS_AN_HOUR = HOUR_S * TICKS
DONE = MOST_GROUP
"""`next` when all groups are sealed up to the cut."""


class Sealing(NamedTuple):
    """How far sealing has come, and the UNIX seconds at which its cut was made."""

    cut: int
    next: int
    at: float

    def first(self, group: int) -> int:
        """The first batch of a group that counts."""
        return self.cut + 1 if group < self.next else 0


def sealing(connection: sqlite3.Connection) -> Sealing:
    """As it stands on disk."""
    return Sealing(*connection.execute("SELECT cut, next, at FROM sealing").fetchone())


def unsealed(connection: sqlite3.Connection, group: int) -> Iterator[tuple[int, int, float]]:
    """Slot, tick and value of a group's readings that are in no chunk yet, as they arrived."""
    first = sealing(connection).first(group)
    for _, data in walk_journal(connection, (group, group), first, MOST_BATCH):
        yield from RECORD.iter_unpack(data)


def columns_of(records: bytes) -> tuple[bytes, "array[int]", "array[float]"]:
    """Slots, ticks and values of records, without a step of the interpreter for each."""
    return records[:: RECORD.size], _column("q", records, 1), _column("d", records, 9)


def _column(type_: str, records: bytes, offset: int) -> "array[Any]":
    numbers: array[Any] = array(type_)
    raw = bytearray(len(records) // RECORD.size * 8)
    for i in range(8):
        raw[i::8] = records[offset + i :: RECORD.size]
    numbers.frombytes(raw)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


class Journal:
    """The writing side, on the writer's thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.collected: list[tuple[int, int, float]] = []
        """Series, tick and value of readings for the next batch, in the order of arrival."""
        self._noted: dict[int, int] = {}
        self._newest: int | None = None
        self._touched: set[int] | None = None

    def forget(self) -> None:
        """The transaction failed: what was collected and remembered is void."""
        self.collected, self._noted = [], {}
        self._newest = self._touched = None

    def flush(self) -> None:
        """Write what was collected, as one batch. Its hours are noted in `pending` with the
        batch, so that they are packed, and kept in the raw tier until then."""
        if not self.collected:
            return
        batch = self.newest() + 1
        records: dict[int, list[bytes]] = {}
        record, place = RECORD.pack, GROUP - 1
        for series, tick, value in self.collected:
            group = series >> GROUP_BITS
            try:
                records[group].append(record(series & place, tick, value))
            except KeyError:
                records[group] = [record(series & place, tick, value)]
        rows = [(batch << SEQ_BITS | group, b"".join(records[group])) for group in sorted(records)]
        insert(self._connection, "INSERT INTO journal", rows)
        notes = [(hour, group, batch) for hour, group in self._notes(records)]
        insert(self._connection, "INSERT OR REPLACE INTO pending", notes)
        if self._touched is not None:
            self._touched.update(records)
        self._newest = batch
        self.collected = []

    def _notes(self, groups: Iterable[int]) -> list[tuple[int, int]]:
        """Hours and groups that were not noted last, of those that were collected."""
        hours = {tick // TICKS_AN_HOUR for tick in {tick for _, tick, _ in self.collected}}
        found: Iterable[tuple[int, int]] = [(hour, group) for hour in hours for group in groups]
        if len(hours) > 1:
            found = {
                (tick // TICKS_AN_HOUR, series >> GROUP_BITS) for series, tick, _ in self.collected
            }
        notes = [(hour, group) for hour, group in found if self._noted.get(group) != hour]
        self._noted.update((group, hour) for hour, group in notes)
        return notes

    def newest(self) -> int:
        """The newest batch, 0 before the first."""
        if self._newest is None:
            row = self._connection.execute("SELECT max(id) FROM journal").fetchone()
            self._newest = max(sealing(self._connection).cut, (row[0] or 0) >> SEQ_BITS)
        return self._newest

    def cut(self) -> list[int]:
        """Begin to note hours anew; the groups that may have readings since the last cut."""
        groups = self.groups() if self._touched is None else sorted(self._touched)
        self._touched, self._noted = set(), {}
        return groups

    def groups(self) -> list[int]:
        """All groups."""
        return [group for (group,) in self._connection.execute("SELECT id FROM groups ORDER BY id")]

    def drop(self, cut: int, rows: int) -> bool:
        """Delete up to so many rows of batches up to `cut`; whether there were any."""
        end = self._connection.execute(
            "SELECT id FROM journal WHERE id < ? ORDER BY id LIMIT 1 OFFSET ?",
            ((cut + 1) << SEQ_BITS, rows),
        ).fetchone()
        before = end[0] if end else (cut + 1) << SEQ_BITS
        return self._connection.execute("DELETE FROM journal WHERE id < ?", (before,)).rowcount > 0
