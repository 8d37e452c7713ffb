"""Sealing: readings leave the journal for chunks, some groups of series at a time."""

import sqlite3
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from operator import lt

from outkept.store.cells import add_to_cells
from outkept.store.chunks import GROUP_BITS, TICKS, Readings, pack_readings
from outkept.store.journal import DONE, TICKS_AN_HOUR, Journal, Sealing, columns_of, sealing
from outkept.store.keys import MOST_PART, SEQ_BITS, key, live_slots, walk_journal

SEAL_S = 120.0
"""The journal is sealed this often: a heat map reads the rest of it as it is."""
SLICE_S = 0.012
"""A slice ends after the first piece of work that passes this. The longest piece, an hour of a
group written at once, takes about as long, so an event waits for less than 50 ms."""
GROUPS = 16
"""Groups that are read from the journal at once, in a single pass over its batches."""
DROP_ROWS = 20_000
_LEVEL = 1
"""Of deflate: these chunks are packed again when their hour is over."""


class Sealer:
    """On the writer's thread, a slice in each transaction."""

    def __init__(self, connection: sqlite3.Connection, journal: Journal) -> None:
        self._connection = connection
        self._journal = journal
        self._todo: list[int] | None = None

    def forget(self) -> None:
        """The transaction failed."""
        self._todo = None

    def step(self, now: float, *, hurry: bool) -> bool:
        """Do a slice of the cycle under way, or begin one where it is time or there is a hurry;
        whether there was work."""
        state = sealing(self._connection)
        if state.next < DONE:
            self._seal(state)
            return True
        if self._journal.drop(state.cut, DROP_ROWS):
            return True
        newest = self._journal.newest()
        if newest <= state.cut or (not hurry and 0 <= now - state.at < SEAL_S):
            return False
        self._todo = self._journal.cut()
        self._save(Sealing(newest, 0, now))
        return True

    def _seal(self, state: Sealing) -> None:
        if self._todo is None:
            self._todo = [group for group in self._journal.groups() if group >= state.next]
        end = time.monotonic() + SLICE_S
        while self._todo and time.monotonic() < end:
            done = self._seal_groups(self._todo[:GROUPS], state.cut, end)
            del self._todo[:done]
        self._save(state._replace(next=self._todo[0] if self._todo else DONE))

    def _seal_groups(self, groups: list[int], cut: int, end: float) -> int:
        """Seal some of the groups, at least one, until `end`; how many."""
        data: dict[int, list[bytes]] = defaultdict(list)
        for id, records in walk_journal(self._connection, (groups[0], groups[-1]), 0, cut):
            data[id & ((1 << SEQ_BITS) - 1)].append(records)
        for done, group in enumerate(groups, start=1):
            if group in data:
                self._seal_group(group, b"".join(data[group]), cut)
                if time.monotonic() >= end:
                    return done
        return len(groups)

    def _seal_group(self, group: int, records: bytes, cut: int) -> None:
        live = live_slots(self._connection, group)
        hours: dict[int, list[tuple[int, Readings]]] = defaultdict(list)
        latest: list[tuple[int, float, float]] = []
        for slot, ticks, values in by_slot(records):
            if slot in live:
                latest.append((group << GROUP_BITS | slot, ticks[-1] / TICKS, values[-1]))
                for hour, found in by_hour(ticks, values):
                    hours[hour].append((slot, found))
        for hour, series in hours.items():
            self._write(hour, group, series, cut)
        self._write_latest(latest)

    def _write(self, hour: int, group: int, series: list[tuple[int, Readings]], cut: int) -> None:
        base = key(hour, group)
        newest = self._connection.execute(
            "SELECT max(id) FROM chunks WHERE id BETWEEN ? AND ?", (base, base | MOST_PART)
        ).fetchone()[0]
        chunk = (base if newest is None else newest) + 1, pack_readings(series, _LEVEL)
        self._connection.execute("INSERT INTO chunks VALUES (?, ?)", chunk)
        add_to_cells(self._connection, hour, group, series)
        # A note of a later batch stays: that batch is still in the journal.
        note = (hour, group, cut)
        self._connection.execute("INSERT OR IGNORE INTO pending VALUES (?, ?, ?)", note)

    def _write_latest(self, rows: list[tuple[int, float, float]]) -> None:
        self._connection.executemany(
            "INSERT INTO latest VALUES (?, ?, ?) ON CONFLICT (series) DO UPDATE"
            " SET at = excluded.at, value = excluded.value"
            " WHERE typeof(latest.value) <> 'text' OR latest.at < excluded.at",
            rows,
        )

    def _save(self, state: Sealing) -> None:
        self._connection.execute("UPDATE sealing SET cut = ?, next = ?, at = ?", state)


def by_slot(records: bytes) -> Iterator[tuple[int, list[int], list[float]]]:
    """Slot, ticks and values of the series in a journal's records, by slot; of each series in
    the order of arrival."""
    slots, ticks, values = columns_of(records)
    order = sorted(range(len(slots)), key=slots.__getitem__)
    at = 0
    while at < len(order):
        slot = slots[order[at]]
        own = order[at : at + slots.count(slot)]
        yield slot, [ticks[i] for i in own], [values[i] for i in own]
        at += len(own)


def by_hour(ticks: list[int], values: list[float]) -> Iterator[tuple[int, Readings]]:
    """The readings of a series, which come in the order of arrival, by hour."""
    if all(map(lt, ticks, islice(ticks, 1, None))):
        found = Readings(ticks, values)
    else:
        found = in_order(dict(zip(ticks, values, strict=True)))
    at = 0
    while at < len(found.ticks):
        hour = found.ticks[at] // TICKS_AN_HOUR
        end = bisect_left(found.ticks, (hour + 1) * TICKS_AN_HOUR, at)
        yield hour, Readings(found.ticks[at:end], found.values[at:end])
        at = end


def in_order(found: dict[int, float]) -> Readings:
    """The readings of a series by tick."""
    ticks = sorted(found)
    return Readings(ticks, [found[tick] for tick in ticks])
