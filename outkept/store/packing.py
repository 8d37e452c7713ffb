"""An hour of a group of series: its chunks made one, its minutes and hours written."""

import sqlite3
import time

from outkept.store.chunks import (
    Readings,
    Rows,
    aggregate,
    pack_readings,
    pack_rows,
    readings_at,
    readings_block,
    rows_at,
    rows_block,
    whole,
)
from outkept.store.keys import DAY_S, HOUR_S, MOST_PART, key, live_slots
from outkept.store.sealing import in_order

_LEVEL = 6
"""Of deflate. Nine gives less than 1 % for a third of the time more (measured)."""
_PUT = "INSERT OR REPLACE INTO {} VALUES (?, ?)"


class HourAtHand:
    """An hour of a group, to be packed or folded: series by series, because all of them at once
    would hold up events; then written at once. Done again, it gives the same, so what is in
    memory may be lost at any time.

    An hour that has minutes already gets new ones whenever it is packed.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        hour: int,
        group: int,
        *,
        pack: bool = False,
        fold: bool = False,
    ) -> None:
        self.base = key(hour, group)
        self.written = False
        self._connection = connection
        self._hour, self._group = hour, group
        self._pack = pack
        self._fold = fold or self._is_folded()
        parts = self._parts()
        self._lengths = [(id, len(data)) for id, data in parts]
        self._blocks = [readings_block(data) for _, data in parts]
        self._todo = sorted({slot for block in self._blocks for slot in block.slots}, reverse=True)
        self._readings: list[tuple[int, Readings]] = []
        self._rows: list[tuple[int, Rows]] = []

    def step(self, end: float) -> bool:
        """Go on until `end`; whether that was the last step, which writes it (`written`) or
        finds that its chunks changed meanwhile, so that it has to be begun anew."""
        if not self._todo:
            self._write()
            return True
        while self._todo:
            slot = self._todo.pop()
            found = self._merged(slot)
            if self._pack:
                self._readings.append((slot, found))
            if self._fold:
                self._rows.append((slot, aggregate(found, 60)))
            if time.monotonic() >= end:
                break
        return False

    def _merged(self, slot: int) -> Readings:
        found: Readings | None = None
        for block in self._blocks:
            index = block.slots.find(slot)
            if index >= 0:
                more = readings_at(block, index)
                found = join(found, more) if found else more
        return found or Readings([], [])

    def _parts(self) -> list[tuple[int, bytes]]:
        return self._connection.execute(
            "SELECT id, data FROM chunks WHERE id BETWEEN ? AND ? ORDER BY id",
            (self.base, self.base | MOST_PART),
        ).fetchall()

    def _is_folded(self) -> bool:
        found = self._connection.execute("SELECT 1 FROM minutes WHERE id = ?", (self.base,))
        return found.fetchone() is not None

    def _write(self) -> None:
        # Sealed meanwhile, stripped, or folded: a note of it stays where there is one.
        if [(id, len(data)) for id, data in self._parts()] != self._lengths:
            return
        if self._is_folded() and not self._fold:
            return
        self.written = True
        live = live_slots(self._connection, self._group)
        if self._pack:
            self._write_chunk([each for each in self._readings if each[0] in live])
        rows = [each for each in self._rows if each[0] in live]
        if rows:
            write_rows(self._connection, self._hour, self._group, rows)

    def _write_chunk(self, series: list[tuple[int, Readings]]) -> None:
        one = self._connection.execute
        one("DELETE FROM chunks WHERE id BETWEEN ? AND ?", (self.base, self.base | MOST_PART))
        if series:
            one(_PUT.format("chunks"), (self.base, pack_readings(series, _LEVEL)))
        one("DELETE FROM pending WHERE hour = ? AND grp = ?", (self._hour, self._group))


def write_hour(
    connection: sqlite3.Connection, hour: int, group: int, series: list[tuple[int, Readings, Rows]]
) -> None:
    """Write slots with their readings and minutes of an hour into the three tiers, where they
    replace what is there."""
    chunk = pack_readings([(slot, found) for slot, found, _ in series], _LEVEL)
    connection.execute(_PUT.format("chunks"), (key(hour, group), chunk))
    write_rows(connection, hour, group, [(slot, rows) for slot, _, rows in series])


def write_rows(
    connection: sqlite3.Connection, hour: int, group: int, series: list[tuple[int, Rows]]
) -> None:
    """Write slots with their minutes of an hour into the tiers of minutes and hours."""
    minutes = pack_rows(series, _LEVEL)
    connection.execute(_PUT.format("minutes"), (key(hour, group), minutes))
    put_hours(connection, group, [(slot, whole(rows, hour * HOUR_S)) for slot, rows in series])


def put_hours(connection: sqlite3.Connection, group: int, rows: list[tuple[int, Rows]]) -> None:
    """Add rows of hours, all of one day, to the day's chunk; the same hour is replaced."""
    id = key(rows[0][1].starts[0] // DAY_S, group)
    kept = connection.execute("SELECT data FROM hours WHERE id = ?", (id,)).fetchone()
    day: dict[int, Rows] = {}
    if kept:
        block = rows_block(kept[0])
        day = {slot: rows_at(block, index) for index, slot in enumerate(block.slots)}
    for slot, more in rows:
        day[slot] = _with(day[slot], more) if slot in day else more
    live = live_slots(connection, group)
    data = pack_rows([(slot, day[slot]) for slot in sorted(day) if slot in live], _LEVEL)
    connection.execute("INSERT OR REPLACE INTO hours VALUES (?, ?)", (id, data))


def _with(old: Rows, new: Rows) -> Rows:
    by_start = {row[0]: row for rows in (old, new) for row in zip(*rows, strict=True)}
    return Rows(*map(list, zip(*(by_start[start] for start in sorted(by_start)), strict=True)))


def join(old: Readings, new: Readings) -> Readings:
    """Both, the newer one's where they have a tick in common. May change `old`."""
    if new.ticks[0] > old.ticks[-1]:
        old.ticks.extend(new.ticks)
        old.values.extend(new.values)
        return old
    return in_order({**dict(zip(*old, strict=True)), **dict(zip(*new, strict=True))})
