"""Cells: count and mean of each quarter of an hour of each series of a group, for heat maps.

Less exact than the tiers (32-bit means; a reading that came twice counts twice), and quick to
read for thousands of series at once. Kept as long as the raw tier.
"""

import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from math import fsum
from operator import mul

from outkept.store.chunks import GROUP, TICKS, Readings
from outkept.store.columns import deflate, gather, inflate, planes
from outkept.store.keys import HOUR_S, key

CELL_S = 900
CELLS = HOUR_S // CELL_S
_ALL = GROUP * CELLS
_MOST_COUNT = 65535
_MOST_MEAN = 3e38
_LEVEL = 1


class Cells:
    """Of one hour; the cell of a slot in a quarter is at quarter × GROUP + slot."""

    def __init__(self, data: bytes | None = None) -> None:
        raw = inflate(data) if data else bytes(_ALL * 6)
        self.counts: list[int] = list(gather("H", raw[: _ALL * 2], _ALL))
        self.means: list[float] = list(gather("f", raw[_ALL * 2 :], _ALL))

    def pack(self) -> bytes:
        """As it is kept on disk."""
        raw = planes(array("H", self.counts)) + planes(array("f", self.means))
        return deflate(raw, _LEVEL)

    def add(self, slot: int, found: Readings) -> None:
        """Take a series' readings of this hour in."""
        width = CELL_S * TICKS
        first, last = found.ticks[0] // width, found.ticks[-1] // width
        if first == last:
            self._add(first % CELLS * GROUP + slot, found.values)
            return
        for quarter in range(first, last + 1):
            values = [v for t, v in zip(*found, strict=True) if t // width == quarter]
            if values:
                self._add(quarter % CELLS * GROUP + slot, values)

    def keep(self, live: set[int]) -> bool:
        """Forget series that are not live; whether any is left."""
        for slot in set(range(GROUP)) - live:
            for at in range(slot, _ALL, GROUP):
                self.counts[at], self.means[at] = 0, 0.0
        return any(self.counts)

    def _add(self, at: int, values: list[float]) -> None:
        n = self.counts[at]
        total = n + len(values)
        # Means are weighted before they are added: sums of the largest values don't fit.
        mean = self.means[at] * (n / total) + fsum(values) / len(values) * (len(values) / total)
        self.counts[at] = min(total, _MOST_COUNT)
        self.means[at] = max(-_MOST_MEAN, min(mean, _MOST_MEAN))


def by_column(
    data: bytes, columns: Sequence[int | None]
) -> Iterator[tuple[int, Sequence[int], Sequence[float]]]:
    """For each of the columns that the quarters of an hour belong to: its number, and count
    and mean of each slot. Quarters without readings or without a column are left out."""
    raw = inflate(data)
    counts: Sequence[int] = gather("H", raw[: _ALL * 2], _ALL)
    means: Sequence[float] = gather("f", raw[_ALL * 2 :], _ALL)
    parts: dict[int, list[slice]] = {}
    for quarter, column in enumerate(columns):
        part = slice(quarter * GROUP, (quarter + 1) * GROUP)
        if column is not None and any(counts[part]):
            parts.setdefault(column, []).append(part)
    for column, found in parts.items():
        if len(found) == 1:
            yield column, counts[found[0]], means[found[0]]
            continue
        rows = [counts[part] for part in found]
        several = [means[part] for part in found]
        if 0 not in rows[0] and all(row == rows[0] for row in rows):
            number = len(found)
            joined = [sum(each) / number for each in zip(*several, strict=True)]
            yield column, [n * number for n in rows[0]], joined
            continue
        totals = list(map(sum, zip(*rows, strict=True)))
        weighted = [list(map(mul, *pair)) for pair in zip(several, rows, strict=True)]
        sums = map(sum, zip(*weighted, strict=True))
        yield column, totals, [all_ / (n or 1) for all_, n in zip(sums, totals, strict=True)]


def add_to_cells(
    connection: sqlite3.Connection, hour: int, group: int, series: Iterable[tuple[int, Readings]]
) -> None:
    """Take newly sealed readings of an hour in."""
    id = key(hour, group)
    row = connection.execute("SELECT data FROM cells WHERE id = ?", (id,)).fetchone()
    cells = Cells(row[0] if row else None)
    for slot, found in series:
        cells.add(slot, found)
    connection.execute("INSERT OR REPLACE INTO cells VALUES (?, ?)", (id, cells.pack()))
