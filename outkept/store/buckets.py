"""One series' history, in buckets, out of all tiers and the journal."""

import sqlite3
from bisect import bisect_left
from collections.abc import Sequence
from math import fsum

from outkept.store.chunks import (
    GROUP,
    GROUP_BITS,
    TICKS,
    Readings,
    Rows,
    readings_at,
    readings_block,
    rows_at,
    rows_block,
)
from outkept.store.history import Point, Window
from outkept.store.journal import TICKS_AN_HOUR, unsealed
from outkept.store.keys import DAY_S, HOUR_S, TIME_BITS, walk
from outkept.store.packing import join
from outkept.store.sealing import in_order

MOST_AT = 1e11
"""UNIX seconds after which nothing is kept, so that hours fit into the tables' keys."""


class Buckets:
    """Buckets of equal width, filled in any order."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._width = (window.to - window.from_) / window.points
        self._found: dict[int, tuple[float, float, int, float]] = {}

    def add_readings(self, found: Readings) -> None:
        """Take in those of the readings that lie in the window."""
        ticks, values = found
        at = bisect_left(ticks, self._window.from_ * TICKS)
        end = bisect_left(ticks, self._window.to * TICKS)
        while at < end:
            bucket, edge = self._bucket(ticks[at] / TICKS)
            after = bisect_left(ticks, edge * TICKS, at + 1, end)
            some = values[at:after]
            self._add(bucket, (min(some), fsum(some), len(some), max(some)))
            at = after

    def add_rows(self, rows: Rows, from_: float, to: float) -> None:
        """Take in rows that start at or after `from_` and before `to`."""
        starts = rows.starts
        at, end = bisect_left(starts, from_), bisect_left(starts, to)
        while at < end:
            bucket, edge = self._bucket(starts[at])
            after = bisect_left(starts, edge, at + 1, end)
            counts = rows.counts[at:after]
            total = fsum([m * n for m, n in zip(rows.means[at:after], counts, strict=True)])
            low, high = min(rows.lows[at:after]), max(rows.highs[at:after])
            self._add(bucket, (low, total, sum(counts), high))
            at = after

    def points(self) -> list[Point]:
        """The buckets that have readings, sorted."""
        return [
            (self._window.from_ + bucket * self._width, low, min(max(total / n, low), high), high)
            for bucket, (low, total, n, high) in sorted(self._found.items())
        ]

    def _bucket(self, at: float) -> tuple[int, float]:
        """The bucket of a time, and where it ends."""
        bucket = int((at - self._window.from_) / self._width)
        bucket = max(0, min(bucket, self._window.points - 1))
        return bucket, self._window.from_ + (bucket + 1) * self._width

    def _add(self, bucket: int, more: tuple[float, float, int, float]) -> None:
        known = self._found.get(bucket)
        if known is not None:
            low, total, n, high = known
            more = min(low, more[0]), total + more[1], n + more[2], max(high, more[3])
        self._found[bucket] = more


def query(connection: sqlite3.Connection, series: int, window: Window) -> list[Point]:
    """See `History.query`. Reads in the caller's transaction."""
    if window.to <= window.from_ or window.to <= 0 or window.from_ >= MOST_AT:
        return []
    raw_floor, minutes_floor = floors(connection)
    buckets = Buckets(window)
    from_, to = max(window.from_, 0.0), min(window.to, MOST_AT)
    _add_tier(
        connection, series, buckets, ("hours", DAY_S, HOUR_S), (from_, min(to, minutes_floor))
    )
    _add_tier(
        connection,
        series,
        buckets,
        ("minutes", HOUR_S, 60),
        (max(from_, minutes_floor), min(to, raw_floor)),
    )
    for found in raw(connection, series, max(from_, raw_floor), to):
        buckets.add_readings(found)
    return buckets.points()


def floors(connection: sqlite3.Connection) -> tuple[float, float]:
    """From when on the raw tier, and the minutes, are complete."""
    found = dict(connection.execute("SELECT tier, at FROM floors"))
    return found["raw"], min(found["minutes"], found["raw"])


def raw(connection: sqlite3.Connection, series: int, from_: float, to: float) -> Sequence[Readings]:
    """The readings of the hours from one time to another, each hour's in order."""
    if to <= from_:
        return []
    group, slot = series >> GROUP_BITS, series & (GROUP - 1)
    hours: dict[int, Readings] = {}

    def take(hour: int, found: Readings) -> None:
        hours[hour] = join(hours[hour], found) if hour in hours else found

    first, last = int(from_ // HOUR_S), int(to // HOUR_S)
    for id, data in walk(connection, "chunks", group, first, last):
        block = readings_block(data)
        index = block.slots.find(slot)
        if index >= 0:
            take(id >> TIME_BITS, readings_at(block, index))
    fresh: dict[int, dict[int, float]] = {}
    for other, tick, value in unsealed(connection, group):
        if other == slot and first <= tick // TICKS_AN_HOUR <= last:
            fresh.setdefault(tick // TICKS_AN_HOUR, {})[tick] = value
    for hour, found in fresh.items():
        take(hour, in_order(found))
    return list(hours.values())


def _add_tier(
    connection: sqlite3.Connection,
    series: int,
    buckets: Buckets,
    tier: tuple[str, int, int],
    span: tuple[float, float],
) -> None:
    """The rows of a table with steps of so many seconds, and rows of so many, in a span."""
    table, step, unit = tier
    from_, to = span[0] // unit * unit, span[1]
    if to <= span[0]:
        return
    group, slot = series >> GROUP_BITS, series & (GROUP - 1)
    for _, data in walk(connection, table, group, int(from_ // step), int(to // step)):
        block = rows_block(data)
        index = block.slots.find(slot)
        if index >= 0:
            # The minute or hour that the window starts in belongs to it.
            buckets.add_rows(rows_at(block, index), from_, to)
