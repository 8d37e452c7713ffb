"""Rollup and retention, in slices short enough not to hold up an event.

Each slice runs in a transaction of the writer's, together with the note of what is left to
do: a crash between two slices loses nothing, and a slice done twice gives the same rows.

An hour is packed when it is over: each group's chunks become one. It is folded when its
readings are about to expire: only then are its minutes and hours written, because as long as
there are readings, nobody reads those, and they would take half as much room again.
"""

import sqlite3
import time

from outkept.store.history import MOST_BACKLOG, Retention
from outkept.store.journal import sealing
from outkept.store.keys import DAY_S, HOUR_S, PART_BITS, STEPS, TIME_BITS
from outkept.store.packing import HourAtHand
from outkept.store.sealing import SLICE_S

SETTLE_S = 60.0
"""An hour is rolled up this long after it ended, when the queues hold none of it any more.
A reading that is later still makes its hour pending again."""
ROWS = 200
"""Chunks of some kilobytes each that expire in a slice."""
TEXT_ROWS = 5000
_TO_PACK = """
    WITH RECURSIVE hours (hour) AS (
        SELECT min(hour) FROM pending
        UNION ALL
        SELECT (SELECT min(hour) FROM pending WHERE hour > hours.hour) FROM hours
        WHERE hours.hour IS NOT NULL LIMIT ?)
    SELECT count(*) FROM hours WHERE hour < ?"""
_TO_FOLD = f"""
    SELECT id FROM chunks WHERE id >= ? AND id < ? AND NOT EXISTS (
        SELECT 1 FROM minutes WHERE minutes.id = chunks.id >> {PART_BITS} << {PART_BITS})
    ORDER BY id LIMIT 1"""  # noqa: S608 - constants


class Rollup:
    """The slices of `History.maintain` that follow sealing, on the writer's thread."""

    def __init__(self, connection: sqlite3.Connection, retention: Retention) -> None:
        self._connection = connection
        self._retention = retention
        self._raw_floor: float | None = None
        self._hour: HourAtHand | None = None
        self._fold: HourAtHand | None = None
        # Chunks with lower ids are folded, or are empty but for removed series.
        self._folded_to = 0

    def raw_floor(self) -> float:
        """Readings before this time (UNIX seconds) are in no raw tier any more."""
        if self._raw_floor is None:
            self._raw_floor = self._one("SELECT at FROM floors WHERE tier = 'raw'", ()) or 0.0
        return self._raw_floor

    def rolled_back(self) -> None:
        """Forget what was read since the transaction began."""
        self._raw_floor = self._hour = self._fold = None
        self._folded_to = 0

    def unsealed_hours_are_over(self, now: float) -> bool:
        """Whether an hour that is over has readings in the journal."""
        cut = sealing(self._connection).cut
        bound = ((now - SETTLE_S) // HOUR_S, cut)
        return self._one("SELECT 1 FROM pending WHERE hour < ? AND batch > ? LIMIT 1", bound) == 1

    def backlog(self, now: float) -> int:
        """See `History.backlog`."""
        over = (now - SETTLE_S) // HOUR_S
        to_pack = int(self._one(_TO_PACK, (MOST_BACKLOG, over)) or 0)
        oldest = self._one("SELECT min(id) FROM chunks", ())
        if oldest is None:
            return to_pack
        late = (now - self._retention.raw) // HOUR_S - (int(oldest) >> TIME_BITS)
        return min(MOST_BACKLOG, to_pack + max(0, int(late) // 24))

    def step(self, now: float) -> bool:
        """Do the first slice that has work; whether there was one."""
        return (
            self._pack(now)
            or self._expire(("chunks", "cells"), self._lift_raw_floor(now))
            or self._fold_next(now)
            or self._expire(("minutes",), self._lift_minutes_floor(now))
            or self._expire(("hours",), (now - self._retention.hours) // DAY_S * DAY_S)
            or self._expire_texts(now - self._retention.minutes)
        )

    def _pack(self, now: float) -> bool:
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
                self._hour = HourAtHand(self._connection, *note, pack=True)
            if self._hour.step(end):
                # It may be of a group that had nothing in this hour when the others were folded.
                self._folded_to = min(self._folded_to, self._hour.base)
                self._hour = None
            worked = True
        return True

    def _fold_next(self, now: float) -> bool:
        """Go on with the group at hand whose readings expire, or take the next, until the slice
        is over."""
        end = time.monotonic() + SLICE_S
        worked = False
        while not worked or time.monotonic() < end:
            if self._fold is None:
                id = self._next_to_fold(self._expired_hour(now))
                if id is None:
                    return worked
                hour, group = id >> TIME_BITS, (id & ((1 << TIME_BITS) - 1)) >> PART_BITS
                self._fold = HourAtHand(self._connection, hour, group, fold=True)
            if self._fold.step(end):
                if self._fold.written:
                    self._folded_to = self._fold.base + 1
                self._fold = None
            worked = True
        return True

    def _next_to_fold(self, before: int) -> int | None:
        """The id of the first chunk of hours before one that has no minutes yet."""
        first = int(self.raw_floor() // HOUR_S) << TIME_BITS
        row = self._connection.execute(
            _TO_FOLD, (max(first, self._folded_to), before << TIME_BITS)
        ).fetchone()
        if row is None:
            self._folded_to = max(self._folded_to, before << TIME_BITS)
            return None
        return int(row[0])

    def _expired_hour(self, now: float) -> int:
        """The first whose readings are kept. Never beyond one that is still to be packed."""
        pending = self._one("SELECT min(hour) FROM pending", ())
        hour = (now - self._retention.raw) // HOUR_S
        # An hour only half over has no row in `pending` until its first reading.
        hour = min(hour, (now - SETTLE_S) // HOUR_S, hour if pending is None else pending)
        return max(0, int(hour))

    def _lift_raw_floor(self, now: float) -> float:
        """Never over an hour that is still to be folded."""
        expired = self._expired_hour(now)
        id = self._next_to_fold(expired)
        hour = expired if id is None else id >> TIME_BITS
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
