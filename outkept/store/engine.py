"""History in SQLite: a journal of the newest readings, and compressed chunks of the others and
of their minutes and hours. Texts are kept where they change."""

import math
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from outkept.model.reading import Reading, Sample
from outkept.store.buckets import MOST_AT, query
from outkept.store.chunks import NUDGE, TICKS
from outkept.store.heat import heatmap
from outkept.store.history import (
    MOST_INSTANCES,
    HeatRow,
    HeatWindow,
    LastReading,
    Point,
    Retention,
    SeriesKey,
    Window,
)
from outkept.store.journal import Journal
from outkept.store.latest import last_readings
from outkept.store.records import clean
from outkept.store.rollup import Rollup
from outkept.store.sealing import Sealer
from outkept.store.series import MOST_NAME, Known, SeriesCache
from outkept.store.strip import Strip

MOST_VALUE = 1e300
"""Larger magnitudes are refused: sums over a year of them still have to be finite."""
MOST_TEXT = 1000
"""Characters of a text that are kept."""
_LATEST = "INSERT OR REPLACE INTO latest VALUES (?, ?, ?)"


class ChunkHistory:
    """`History` on the writer's connection; `reader` gives the calling thread one to read by."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        reader: Callable[[], sqlite3.Connection],
        retention: Retention,
    ) -> None:
        self._connection = connection
        self._reader = reader
        self._series = SeriesCache(connection)
        self._journal = Journal(connection)
        self._sealer = Sealer(connection, self._journal)
        self._rollup = Rollup(connection, retention)
        self._strip = Strip(connection, self._series, retention)

    def add(self, readings: Sequence[Reading]) -> int:
        """See `History.add`. The last of the readings to arrive is the last one, whatever its
        time: after a clock was set back, the time of the old ones lies ahead."""
        refused = 0
        floor = max(self._rollup.raw_floor(), 0.0)
        take = self._journal.collected.append
        for reading in readings:
            known = self._series.known(reading.server)
            if reading.failure is not None:
                self._fail(known, reading)
                continue
            at, sensor, samples = reading.at, reading.sensor, reading.samples
            if sensor in known.failing:
                self._mend(known, reading)
            if len(samples) > MOST_INSTANCES:
                refused += len(samples) - MOST_INSTANCES
                samples = samples[:MOST_INSTANCES]
            # NaN is in no interval.
            if not floor <= at < MOST_AT:
                refused += len(samples)
                continue
            tick = int(at * TICKS + NUDGE)
            for sample in samples:
                value = sample.value
                series = known.ids.get((sensor, sample.instance))
                # As nearly all are.
                if series is not None and type(value) is float and abs(value) < MOST_VALUE:
                    take((series, tick, value))
                else:
                    refused += not self._take(known, reading, sample)
        return refused

    def before_commit(self) -> None:
        """See `History.before_commit`."""
        self._journal.flush()

    def remove(self, server: str) -> None:
        """See `History.remove`."""
        self._strip.doom(server)

    def maintain(self, now: float) -> bool:
        """See `History.maintain`."""
        hurry = self._rollup.unsealed_hours_are_over(now)
        return (
            self._sealer.step(now, hurry=hurry) or self._rollup.step(now) or self._strip.step(now)
        )

    def backlog(self, now: float) -> int:
        """See `History.backlog`."""
        return self._rollup.backlog(now)

    def rolled_back(self) -> None:
        """See `History.rolled_back`."""
        self._series.clear()
        self._journal.forget()
        self._sealer.forget()
        self._rollup.rolled_back()
        self._strip.rolled_back()

    def query(self, key: SeriesKey, window: Window) -> list[Point]:
        """See `History.query`."""
        with self._snapshot() as connection:
            series = _series_id(connection, key)
            return [] if series is None else query(connection, series, window)

    def heatmap(self, sensor: str, window: HeatWindow) -> list[HeatRow]:
        """See `History.heatmap`."""
        with self._snapshot() as connection:
            return heatmap(connection, sensor, window)

    def texts(self, key: SeriesKey, from_: float, to: float, limit: int) -> list[tuple[float, str]]:
        """See `History.texts`."""
        connection = self._reader()
        rows = connection.execute(
            "SELECT at, value FROM texts WHERE series = ? AND at >= ? AND at < ?"
            " ORDER BY at DESC LIMIT ?",
            (_series_id(connection, key), from_, to, limit),
        ).fetchall()
        return rows[::-1]

    def last(self) -> list[LastReading]:
        """See `History.last`."""
        with self._snapshot() as connection:
            return last_readings(connection)

    @contextmanager
    def _snapshot(self) -> Iterator[sqlite3.Connection]:
        """One transaction: a rollup between the parts must not be seen by some of them only."""
        connection = self._reader()
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")

    def _take(self, known: Known, reading: Reading, sample: Sample) -> bool:
        at, value = reading.at, sample.value
        series = known.ids.get((reading.sensor, sample.instance))
        if not isinstance(value, str) and not -MOST_VALUE <= value <= MOST_VALUE:
            return False
        if series is None:
            key = SeriesKey(reading.server, reading.sensor, sample.instance)
            series = self._series.id_of(known, key)
            if series is None:
                return False
        if not isinstance(value, str):
            self._journal.collected.append((series, int(at * TICKS + NUDGE), value))
            return True
        text = clean(value)[:MOST_TEXT]
        if known.texts.get(series) != text:
            known.texts[series] = text
            row = (series, at, text)
            self._connection.execute("INSERT OR REPLACE INTO texts VALUES (?, ?, ?)", row)
        self._connection.execute(_LATEST, (series, at, text))
        return True

    def _fail(self, known: Known, reading: Reading) -> None:
        reason = clean(reading.failure or "")[:MOST_TEXT]
        if known.failing.get(reading.sensor) != reason and math.isfinite(reading.at):
            known.failing[reading.sensor] = reason
            self._connection.execute(
                "INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?)",
                (clean(reading.server), clean(reading.sensor), reading.at, reason),
            )

    def _mend(self, known: Known, reading: Reading) -> None:
        del known.failing[reading.sensor]
        self._connection.execute(
            "DELETE FROM failures WHERE server = ? AND sensor = ?",
            (clean(reading.server), clean(reading.sensor)),
        )


def _series_id(connection: sqlite3.Connection, key: SeriesKey) -> int | None:
    instance = None if key.instance is None else clean(key.instance)[:MOST_NAME]
    row = connection.execute(
        "SELECT id FROM series WHERE server = ? AND sensor = ? AND instance IS ?",
        (clean(key.server), clean(key.sensor)[:MOST_NAME], instance),
    ).fetchone()
    return row[0] if row else None
