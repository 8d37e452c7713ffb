"""Rollup and retention, in slices short enough not to hold up an event.

Each slice runs in a transaction of the writer's, together with the note of what is left to
do: a crash between two slices loses nothing, and a slice done twice gives the same rows.
"""

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
from outkept.store.history import Retention
from outkept.store.journal import sealing
from outkept.store.keys import DAY_S, HOUR_S, MOST_PART, STEPS, TIME_BITS, key, live_slots
from outkept.store.sealing import SLICE_S, in_order

SETTLE_S = 60.0
"""An hour is rolled up this long after it ended, when the queues hold none of it any more.
A reading that is later still makes its hour pending again."""
ROWS = 200
"""Chunks of some kilobytes each that expire in a slice."""
TEXT_ROWS = 5000
_LEVEL = 6
"""Of deflate. Nine gives less than 1 % for a third of the time more (measured)."""


class Rollup:
    """The slices of `History.maintain` that follow sealing, on the writer's thread."""

    def __init__(self, connection: sqlite3.Connection, retention: Retention) -> None:
        self._connection = connection
        self._retention = retention
        self._raw_floor: float | None = None
        self._hour: HourAtHand | None = None

    def raw_floor(self) -> float:
        """Readings before this time (UNIX seconds) are in no raw tier any more."""
        if self._raw_floor is None:
            self._raw_floor = self._one("SELECT at FROM floors WHERE tier = 'raw'", ()) or 0.0
        return self._raw_floor

    def rolled_back(self) -> None:
        """Forget what was read since the transaction began."""
        self._raw_floor = self._hour = None

    def unsealed_hours_are_over(self, now: float) -> bool:
        """Whether an hour that is over has readings in the journal."""
        cut = sealing(self._connection).cut
        bound = ((now - SETTLE_S) // HOUR_S, cut)
        return self._one("SELECT 1 FROM pending WHERE hour < ? AND batch > ? LIMIT 1", bound) == 1

    def step(self, now: float) -> bool:
        """Do the first slice that has work; whether there was one."""
        return (
            self._roll_up(now)
            or self._expire(("chunks", "cells"), self._lift_raw_floor(now))
            or self._expire(("minutes",), self._lift_minutes_floor(now))
            or self._expire(("hours",), (now - self._retention.hours) // DAY_S * DAY_S)
            or self._expire_texts(now - self._retention.minutes)
        )

    def _roll_up(self, now: float) -> bool:
        """Go on with the hour of a group at hand, or take the next, until the slice is over."""
        cut = sealing(self._connection).cut
        over = (now - SETTLE_S) // HOUR_S
        end = time.monotonic() + SLICE_S
        worked = False
        while not worked or time.monotonic() < end:
            if self._hour is None:
                note = self._connection.execute(
                    "SELECT hour, grp FROM pending WHERE hour < ? AND batch <= ? LIMIT 1",
                    (over, cut),
                ).fetchone()
                if note is None:
                    return worked
                self._hour = HourAtHand(self._connection, *note)
            if self._hour.step(end):
                self._hour = None
            worked = True
        return True

    def _lift_raw_floor(self, now: float) -> float:
        """Never over an hour that is still to be rolled up."""
        pending = self._one("SELECT min(hour) FROM pending", ())
        hour = (now - self._retention.raw) // HOUR_S
        # An hour only half over has no row in `pending` until its first reading.
        hour = min(hour, (now - SETTLE_S) // HOUR_S, hour if pending is None else pending)
        floor = max(self.raw_floor(), float(hour * HOUR_S))
        if floor > self.raw_floor():
            self._set_floor("raw", floor)
            self._raw_floor = floor
        return floor

    def _lift_minutes_floor(self, now: float) -> float:
        floor = min((now - self._retention.minutes) // DAY_S * DAY_S, self.raw_floor())
        floor = floor // HOUR_S * HOUR_S
        known = self._one("SELECT at FROM floors WHERE tier = 'minutes'", ()) or 0.0
        if floor > known:
            self._set_floor("minutes", floor)
        return max(floor, known)

    def _set_floor(self, tier: str, at: float) -> None:
        self._connection.execute("UPDATE floors SET at = ? WHERE tier = ?", (at, tier))

    def _expire(self, tables: tuple[str, ...], before: float) -> bool:
        """Delete up to ROWS rows of steps that ended before a time, from the tables' start."""
        gone = 0
        for table in tables:
            # One of a few constants: nothing from outside comes into the statement.
            gone += self._connection.execute(
                f"DELETE FROM {table} WHERE id IN"  # noqa: S608
                f" (SELECT id FROM {table} WHERE id < ? ORDER BY id LIMIT {ROWS})",
                (max(0, int(before // STEPS[table])) << TIME_BITS,),
            ).rowcount
        return gone > 0

    def _expire_texts(self, before: float) -> bool:
        """The newest text of a series stays, however old it is."""
        gone = self._connection.execute(
            "DELETE FROM texts WHERE (series, at) IN (SELECT series, at FROM texts AS old"
            " WHERE at < ? AND EXISTS (SELECT 1 FROM texts AS newer"
            " WHERE newer.series = old.series AND newer.at > old.at) ORDER BY at LIMIT ?)",
            (before, TEXT_ROWS),
        )
        return gone.rowcount > 0

    def _one(self, statement: str, bound: tuple[float, ...]) -> float | None:
        row = self._connection.execute(statement, bound).fetchone()
        return None if row is None else row[0]


class HourAtHand:
    """An hour of a group, packed into one chunk and its rows of minutes and hours: series by
    series, because all of them at once would hold up events; then written at once. Done
    again, it gives the same, so what is in memory may be lost at any time."""

    def __init__(self, connection: sqlite3.Connection, hour: int, group: int) -> None:
        self._connection = connection
        self._hour, self._group = hour, group
        parts = self._parts()
        self._lengths = [(id, len(data)) for id, data in parts]
        self._blocks = [readings_block(data) for _, data in parts]
        self._todo = sorted({slot for block in self._blocks for slot in block.slots}, reverse=True)
        self._done: list[tuple[int, Readings, Rows]] = []

    def step(self, end: float) -> bool:
        """Go on until `end`; whether it is written, which is a piece of work of its own."""
        if not self._todo:
            self._write()
            return True
        while self._todo:
            slot = self._todo.pop()
            found = self._merged(slot)
            self._done.append((slot, found, aggregate(found, 60)))
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
        base = key(self._hour, self._group)
        return self._connection.execute(
            "SELECT id, data FROM chunks WHERE id BETWEEN ? AND ? ORDER BY id",
            (base, base | MOST_PART),
        ).fetchall()

    def _write(self) -> None:
        note = (self._hour, self._group)
        # Sealed meanwhile, or stripped: the note stays, and the hour is begun anew.
        if [(id, len(data)) for id, data in self._parts()] != self._lengths:
            return
        live = live_slots(self._connection, self._group)
        kept = [each for each in self._done if each[0] in live]
        base = key(*note)
        self._connection.execute(
            "DELETE FROM chunks WHERE id BETWEEN ? AND ?", (base, base | MOST_PART)
        )
        if kept:
            write_hour(self._connection, *note, kept)
        self._connection.execute("DELETE FROM pending WHERE hour = ? AND grp = ?", note)


def write_hour(
    connection: sqlite3.Connection, hour: int, group: int, series: list[tuple[int, Readings, Rows]]
) -> None:
    """Write slots with their readings and minutes of an hour into the three tiers, where they
    replace what is there."""
    put = "INSERT OR REPLACE INTO {} VALUES (?, ?)"
    id = key(hour, group)
    chunk = pack_readings([(slot, found) for slot, found, _ in series], _LEVEL)
    connection.execute(put.format("chunks"), (id, chunk))
    minutes = pack_rows([(slot, rows) for slot, _, rows in series], _LEVEL)
    connection.execute(put.format("minutes"), (id, minutes))
    put_hours(connection, group, [(slot, whole(rows, hour * HOUR_S)) for slot, _, rows in series])


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
