"""One sensor over all servers: a heat map."""

import json
import sqlite3
from collections.abc import Iterable
from math import fsum

from outkept.store.buckets import MOST_AT, floors, raw
from outkept.store.cells import CELL_S, CELLS, Cells
from outkept.store.chunks import GROUP, GROUP_BITS, TICKS, Rows, rows_at, rows_block
from outkept.store.history import HeatRow, HeatWindow
from outkept.store.journal import RECORD, sealing
from outkept.store.keys import DAY_S, HOUR_S, SEQ_BITS, TIME_BITS, walk
from outkept.store.records import clean
from outkept.store.series import MOST_NAME

_BATCHES = f"""
    WITH RECURSIVE batches (batch) AS (
        SELECT min(id) >> {SEQ_BITS} FROM journal
        UNION ALL
        SELECT (SELECT min(id) >> {SEQ_BITS} FROM journal WHERE id >= (batch + 1) << {SEQ_BITS})
        FROM batches WHERE batch IS NOT NULL)
    SELECT batch FROM batches WHERE batch IS NOT NULL"""  # noqa: S608 - constants
_SERIES = """
    SELECT series.id, server, instance FROM groups CROSS JOIN series
    ON series.id BETWEEN groups.id << ? AND (groups.id << ?) + ? WHERE groups.sensor = ?"""
_OF_BATCH = "SELECT id, data FROM journal WHERE id IN (SELECT ? | value FROM json_each(?))"


class _Map:
    """Means and counts by column, each with a place for every slot of every group."""

    def __init__(self, window: HeatWindow, groups: list[int]) -> None:
        self._window = window
        self._width = (window.to - window.from_) / window.columns
        self.places = {group: number * GROUP for number, group in enumerate(groups)}
        size = len(groups) * GROUP
        self.means: list[list[float | None]] = [[None] * size for _ in range(window.columns)]
        self._counts: list[dict[int, int]] = [{} for _ in range(window.columns)]
        self._whole: list[dict[int, list[int]]] = [{} for _ in range(window.columns)]

    def column(self, at: float) -> int:
        """Of a time; one before the window, which its first cell may start in, is its first."""
        column = int((at - self._window.from_) / self._width)
        return max(0, min(column, self._window.columns - 1))

    def add_group(self, group: int, at: float, counts: list[int], means: list[float]) -> None:
        """A cell of each slot. Quick where it is the column's first of this group."""
        column, place = self.column(at), self.places[group]
        if self.means[column][place : place + GROUP].count(None) < GROUP:
            for slot, n in enumerate(counts):
                if n:
                    self.add(place + slot, column, n, means[slot])
            return
        self._whole[column][place] = counts
        if all(counts):
            self.means[column][place : place + GROUP] = means
        else:
            for slot, n in enumerate(counts):
                if n:
                    self.means[column][place + slot] = means[slot]

    def add(self, place: int, column: int, n: int, mean: float) -> None:
        """So many more readings with this mean."""
        known = self.means[column][place]
        if known is None:
            self.means[column][place], self._counts[column][place] = mean, n
            return
        before = self._count(column, place)
        total = before + n
        self.means[column][place] = known * (before / total) + mean * (n / total)
        self._counts[column][place] = total

    def _count(self, column: int, place: int) -> int:
        found = self._counts[column].get(place)
        if found is None:
            start = place // GROUP * GROUP
            found = self._whole[column][start][place - start]
        return found


def heatmap(connection: sqlite3.Connection, sensor: str, window: HeatWindow) -> list[HeatRow]:
    """See `History.heatmap`. Reads in the caller's transaction."""
    bound = (GROUP_BITS, GROUP_BITS, GROUP - 1, clean(sensor)[:MOST_NAME])
    series = connection.execute(_SERIES, bound).fetchall()
    window.check(len(series))
    if not series or window.to <= max(window.from_, 0) or window.from_ >= MOST_AT:
        return []
    groups = sorted({id >> GROUP_BITS for id, _, _ in series})
    made = _Map(window, groups)
    raw_floor, _ = floors(connection)
    _add_hours(connection, made, (window.from_, min(window.to, raw_floor)))
    span = max(window.from_, raw_floor), window.to
    if (window.to - window.from_) / window.columns >= CELL_S:
        _add_cells(connection, made, span)
        _add_journal(connection, made, span)
    else:
        _add_readings(connection, made, [id for id, _, _ in series], span)
    lines = list(zip(*made.means, strict=True))
    rows = [
        HeatRow(server, instance, lines[made.places[id >> GROUP_BITS] + (id & (GROUP - 1))])
        for id, server, instance in series
    ]
    kept = [row for row in rows if row.cells.count(None) < window.columns]
    return sorted(kept, key=lambda row: (row.server, row.instance or ""))


def _steps(
    connection: sqlite3.Connection, table: str, groups: Iterable[int], first: int, last: int
) -> Iterable[tuple[int, int, bytes]]:
    """Group, step and data of the rows of all these groups."""
    for group in groups:
        for id, data in walk(connection, table, group, first, last):
            yield group, id >> TIME_BITS, data


def _add_hours(connection: sqlite3.Connection, made: _Map, span: tuple[float, float]) -> None:
    from_, to = max(0.0, span[0] // HOUR_S * HOUR_S), span[1]
    if to <= max(span[0], 0.0):
        return
    steps = int(from_ // DAY_S), int(to // DAY_S)
    for group, _, data in _steps(connection, "hours", made.places, *steps):
        block = rows_block(data)
        for index, slot in enumerate(block.slots):
            _add_rows(made, made.places[group] + slot, rows_at(block, index), (from_, to))


def _add_rows(made: _Map, place: int, rows: Rows, span: tuple[float, float]) -> None:
    for start, n, mean in zip(rows.starts, rows.counts, rows.means, strict=True):
        if span[0] <= start < span[1]:
            made.add(place, made.column(start), n, mean)


def _add_cells(connection: sqlite3.Connection, made: _Map, span: tuple[float, float]) -> None:
    """The quarter of an hour that the window starts in belongs to it."""
    from_, to = max(0.0, span[0] // CELL_S * CELL_S), min(span[1], MOST_AT)
    if to <= from_:
        return
    steps = int(from_ // HOUR_S), int(to // HOUR_S)
    for group, hour, data in _steps(connection, "cells", made.places, *steps):
        cells = Cells(data)
        for quarter in range(CELLS):
            at = hour * HOUR_S + quarter * CELL_S
            part = slice(quarter * GROUP, (quarter + 1) * GROUP)
            counts = cells.counts[part]
            if from_ <= at < to and any(counts):
                made.add_group(group, at, counts, cells.means[part])


def _add_journal(connection: sqlite3.Connection, made: _Map, span: tuple[float, float]) -> None:
    """The newest readings, each by itself: as many as come between two sealings."""
    state = sealing(connection)
    first, last = span[0] * TICKS, span[1] * TICKS
    done = json.dumps([group for group in made.places if group < state.next])
    other = json.dumps([group for group in made.places if group >= state.next])
    sums: dict[tuple[int, int], tuple[int, float]] = {}
    # Many readings, few ticks: the column of each is looked up once.
    columns: dict[int, int] = {}
    for (batch,) in connection.execute(_BATCHES).fetchall():
        for groups in (other, done) if batch > state.cut else (other,):
            bound = (batch << SEQ_BITS, groups)
            for id, data in connection.execute(_OF_BATCH, bound):
                place = made.places[id & ((1 << SEQ_BITS) - 1)]
                for slot, tick, value in RECORD.iter_unpack(data):
                    column = columns.get(tick)
                    if column is None:
                        inside = first <= tick < last
                        column = columns[tick] = made.column(tick / TICKS) if inside else -1
                    if column >= 0:
                        spot = place + slot, column
                        n, mean = sums.get(spot, (0, 0.0))
                        sums[spot] = n + 1, mean + (value - mean) / (n + 1)
    for (place, column), (n, mean) in sums.items():
        made.add(place, column, n, mean)


def _add_readings(
    connection: sqlite3.Connection, made: _Map, series: list[int], span: tuple[float, float]
) -> None:
    """Where columns are shorter than cells: from the readings themselves."""
    from_, to = max(0.0, span[0]), min(span[1], MOST_AT)
    first, last = from_ * TICKS, to * TICKS
    for id in series:
        place = made.places[id >> GROUP_BITS] + (id & (GROUP - 1))
        for found in raw(connection, id, from_, to):
            columns: dict[int, list[float]] = {}
            for tick, value in zip(*found, strict=True):
                if first <= tick < last:
                    columns.setdefault(made.column(tick / TICKS), []).append(value)
            for column, values in columns.items():
                made.add(place, column, len(values), fsum(values) / len(values))
