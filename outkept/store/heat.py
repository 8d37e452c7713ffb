"""One sensor over all servers: a heat map."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from math import fsum
from operator import add

from outkept.store.buckets import MOST_AT, floors, raw
from outkept.store.cells import CELL_S, CELLS, by_column
from outkept.store.chunks import GROUP, GROUP_BITS, TICKS, Rows, rows_at, rows_block
from outkept.store.history import HeatRow, HeatWindow
from outkept.store.journal import RECORD, columns_of, sealing
from outkept.store.keys import (
    DAY_S,
    HOUR_S,
    MOST_GROUP,
    PART_BITS,
    SEQ_BITS,
    TIME_BITS,
    steps,
    walk,
)
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
_OF_HOUR = "SELECT id, data FROM cells WHERE id IN (SELECT ? | value FROM json_each(?))"
_OF_BATCH = "SELECT id, data FROM journal WHERE id IN (SELECT ? | value FROM json_each(?))"


class _Map:
    """Means and counts by column, each with a place for every slot of every group."""

    def __init__(self, window: HeatWindow, groups: list[int]) -> None:
        self._window = window
        self._width = (window.to - window.from_) / window.columns
        self.places = {group: number * GROUP for number, group in enumerate(groups)}
        self.size = len(groups) * GROUP
        self.means: list[list[float | None]] = [[None] * self.size for _ in range(window.columns)]
        self._counts: list[dict[int, Sequence[int]]] = [{} for _ in range(window.columns)]

    def column(self, at: float) -> int:
        """Of a time; one before the window, which its first cell may start in, is its first."""
        column = int((at - self._window.from_) / self._width)
        return max(0, min(column, self._window.columns - 1))

    def add_group(
        self, place: int, column: int, counts: Sequence[int], means: Sequence[float]
    ) -> None:
        """So many more readings with these means for each slot of the group at `place`. Quick
        where it is the column's first of this group."""
        known = self._counts[column].get(place)
        part = slice(place, place + GROUP)
        if known is not None:
            before = self.means[column][part]
            self.means[column][part] = map(_joined, before, known, means, counts)
            self._counts[column][place] = list(map(add, known, counts))
            return
        self._counts[column][place] = counts
        found: Sequence[float | None] = means
        if 0 in counts:
            found = [mean if n else None for mean, n in zip(means, counts, strict=True)]
        self.means[column][part] = found

    def add(self, place: int, column: int, n: int, mean: float) -> None:
        """So many more readings with this mean, in one place."""
        start = place // GROUP * GROUP
        counts = self._counts[column].get(start)
        if not isinstance(counts, list):
            counts = self._counts[column][start] = list(counts or [0] * GROUP)
        known = self.means[column][place]
        self.means[column][place] = _joined(known, counts[place - start], mean, n)
        counts[place - start] += n


def _joined(one: float | None, n: int, other: float, m: int) -> float | None:
    """The mean of `n` readings and `m` others."""
    if one is None:
        return other if m else None
    # Weighted before they are added: sums of the largest values don't fit.
    return one * (n / (n + m)) + other * (m / (n + m))


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
    nothing = (None,) * window.columns
    kept = [row for row in rows if row.cells != nothing]
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
    days = int(from_ // DAY_S), int(to // DAY_S)
    for group, _, data in _steps(connection, "hours", made.places, *days):
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
    groups = json.dumps([group << PART_BITS for group in made.places])
    for hour in steps(connection, "cells", int(from_ // HOUR_S), int(to // HOUR_S)):
        starts = [hour * HOUR_S + quarter * CELL_S for quarter in range(CELLS)]
        columns = [made.column(at) if from_ <= at < to else None for at in starts]
        for id, data in connection.execute(_OF_HOUR, (hour << TIME_BITS, groups)):
            place = made.places[(id >> PART_BITS) & (MOST_GROUP - 1)]
            for column, counts, means in by_column(data, columns):
                made.add_group(place, column, counts, means)


def _add_journal(connection: sqlite3.Connection, made: _Map, span: tuple[float, float]) -> None:
    """The newest readings, each by itself: as many as come between two sealings."""
    state = sealing(connection)
    done = json.dumps([group for group in made.places if group < state.next])
    other = json.dumps([group for group in made.places if group >= state.next])
    fresh = _Fresh(made, span)
    for (batch,) in connection.execute(_BATCHES).fetchall():
        for groups in (other, done) if batch > state.cut else (other,):
            places: list[int] = []
            records: list[bytes] = []
            for id, data in connection.execute(_OF_BATCH, (batch << SEQ_BITS, groups)):
                places += [made.places[id & (MOST_GROUP - 1)]] * (len(data) // RECORD.size)
                records.append(data)
            if records:
                fresh.add(places, b"".join(records))
    fresh.finish()


class _Fresh:
    """Sums of single readings by column, for the map in the end."""

    def __init__(self, made: _Map, span: tuple[float, float]) -> None:
        self._made = made
        self._first, self._last = span[0] * TICKS, span[1] * TICKS
        self._sums: dict[int, tuple[list[float], list[int]]] = {}
        # Many readings, few ticks: the column of each is looked up once.
        self._columns: dict[int, int | None] = {}

    def add(self, places: list[int], records: bytes) -> None:
        """Records of the journal, each with the place of its group."""
        slots, ticks, values = columns_of(records)
        spots = map(add, places, slots)
        column, last = self._column(min(ticks)), self._column(max(ticks))
        if column is not None and column == last:
            totals, counts = self._sums_of(column)
            for spot, value in zip(spots, values, strict=True):
                totals[spot] += value
                counts[spot] += 1
            return
        for spot, tick, value in zip(spots, ticks, values, strict=True):
            column = self._column(tick)
            if column is not None:
                totals, counts = self._sums_of(column)
                totals[spot] += value
                counts[spot] += 1

    def finish(self) -> None:
        """Put all of it into the map."""
        for column, (totals, counts) in self._sums.items():
            means = [total / n if n else 0.0 for total, n in zip(totals, counts, strict=True)]
            for place in self._made.places.values():
                part = slice(place, place + GROUP)
                if any(counts[part]):
                    self._made.add_group(place, column, counts[part], means[part])

    def _column(self, tick: int) -> int | None:
        if tick not in self._columns:
            inside = self._first <= tick < self._last
            self._columns[tick] = self._made.column(tick / TICKS) if inside else None
        return self._columns[tick]

    def _sums_of(self, column: int) -> tuple[list[float], list[int]]:
        found = self._sums.get(column)
        if found is None:
            size = self._made.size
            found = self._sums[column] = ([0.0] * size, [0] * size)
        return found


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
