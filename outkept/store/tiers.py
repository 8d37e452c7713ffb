"""History in SQLite, in three tiers: every reading, and the least, mean and greatest value of
each minute and each hour. Texts are kept where they change."""

import math
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from outkept.model.reading import Reading, Sample
from outkept.store.history import (
    MOST_INSTANCES,
    LastReading,
    Point,
    Retention,
    SeriesKey,
    Window,
)
from outkept.store.records import clean
from outkept.store.rollup import Rollup
from outkept.store.series import MOST_NAME, Known, SeriesCache

MOST_VALUE = 1e300
"""Larger magnitudes are refused: sums over a year of them still have to be finite."""
MOST_AT = 1e11
MOST_TEXT = 1000
"""Characters of a text that are kept."""


@dataclass(slots=True)
class _Batch:
    """The rows that a batch of readings comes to."""

    raw: list[tuple[int, int, float, float]] = field(default_factory=list)
    pending: list[tuple[int, int]] = field(default_factory=list)
    texts: list[tuple[int, float, str]] = field(default_factory=list)
    latest: dict[int, tuple[float, float | str]] = field(default_factory=dict)
    refused: int = 0


class SqliteHistory:
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
        self._rollup = Rollup(connection, self._series, retention)

    def add(self, readings: Sequence[Reading]) -> int:
        """See `History.add`. The last of the readings to arrive is the last one, whatever its
        time: after a clock was set back, the time of the old ones lies ahead."""
        batch = _Batch()
        floor = self._rollup.raw_floor()
        for reading in readings:
            known = self._series.known(reading.server)
            if reading.failure is not None:
                self._fail(known, reading)
                continue
            if reading.sensor in known.failing:
                self._mend(known, reading)
            batch.refused += max(0, len(reading.samples) - MOST_INSTANCES)
            for sample in reading.samples[:MOST_INSTANCES]:
                if not self._take(batch, known, reading, sample, floor):
                    batch.refused += 1
        self._write(batch)
        return batch.refused

    def remove(self, server: str) -> None:
        """See `History.remove`."""
        self._rollup.doom(server)

    def maintain(self, now: float) -> bool:
        """See `History.maintain`."""
        return self._rollup.step(now)

    def rolled_back(self) -> None:
        """See `History.rolled_back`."""
        self._series.clear()
        self._rollup.rolled_back()

    def query(self, key: SeriesKey, window: Window) -> list[Point]:
        """See `History.query`."""
        connection = self._reader()
        # One transaction: a rollup between the parts must not be seen by some of them only.
        connection.execute("BEGIN")
        try:
            series = _series_id(connection, key)
            return [] if series is None else _buckets(connection, series, window)
        finally:
            connection.execute("ROLLBACK")

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
        rows = self._reader().execute(
            "SELECT series.server, series.sensor, instance, value, latest.at, reason"
            " FROM series JOIN latest ON latest.series = series.id"
            " LEFT JOIN failures USING (server, sensor)"
            " UNION ALL SELECT server, sensor, NULL, NULL, at, reason FROM failures"
            " WHERE NOT EXISTS (SELECT 1 FROM series WHERE series.server = failures.server"
            " AND series.sensor = failures.sensor)"
        )
        return [LastReading(*row) for row in rows]

    def _take(
        self, batch: _Batch, known: Known, reading: Reading, sample: Sample, floor: float
    ) -> bool:
        at, value = reading.at, sample.value
        if not (math.isfinite(at) and max(floor, 0.0) <= at < MOST_AT):
            return False
        if not isinstance(value, str) and not -MOST_VALUE <= value <= MOST_VALUE:
            return False
        key = SeriesKey(reading.server, reading.sensor, sample.instance)
        series = self._series.id_of(known, key)
        if series is None:
            return False
        if isinstance(value, str):
            text = clean(value)[:MOST_TEXT]
            if known.texts.get(series) != text:
                known.texts[series] = text
                batch.texts.append((series, at, text))
            batch.latest[series] = (at, text)
            return True
        hour = int(at // 3600)
        if known.hours.get(series) != hour:
            known.hours[series] = hour
            batch.pending.append((hour, series))
        batch.raw.append((int(at // 60), series, at, float(value)))
        batch.latest[series] = (at, float(value))
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

    def _write(self, batch: _Batch) -> None:
        many = self._connection.executemany
        many("INSERT OR REPLACE INTO raw VALUES (?, ?, ?, ?)", batch.raw)
        many("INSERT OR IGNORE INTO pending VALUES (?, ?)", batch.pending)
        many("INSERT OR REPLACE INTO texts VALUES (?, ?, ?)", batch.texts)
        many(
            "INSERT OR REPLACE INTO latest VALUES (?, ?, ?)",
            [(series, at, value) for series, (at, value) in batch.latest.items()],
        )


def _series_id(connection: sqlite3.Connection, key: SeriesKey) -> int | None:
    instance = None if key.instance is None else clean(key.instance)[:MOST_NAME]
    row = connection.execute(
        "SELECT id FROM series WHERE server = ? AND sensor = ? AND instance IS ?",
        (clean(key.server), clean(key.sensor)[:MOST_NAME], instance),
    ).fetchone()
    return row[0] if row else None


_PART = """
    SELECT max(0, min(:last, CAST((at - :from) / :width AS INTEGER))) AS bucket,
        {low} AS low, {n} AS n, {mean} AS mean, {high} AS high
    FROM {tier} WHERE series = :series AND at >= :{tier}_from AND at < :{tier}_to AND step IN (
        WITH RECURSIVE steps (step) AS (
            SELECT min(step) FROM {tier} WHERE step >= :{tier}_step
            UNION ALL
            SELECT (SELECT min(step) FROM {tier} WHERE step > steps.step) FROM steps
            WHERE step * {seconds} < :{tier}_to)
        SELECT step FROM steps)"""
"""Rows of one series out of one tier. The inner part walks from one step that exists to the
next, one look-up each, instead of over all the series in between."""

_QUERY = (
    "SELECT bucket, min(low), sum(mean * n) / sum(n), max(high) FROM ("  # noqa: S608 - constants
    + " UNION ALL ".join(
        (
            _PART.format(tier="raw", seconds=60, low="value", n="1", mean="value", high="value"),
            _PART.format(tier="minutes", seconds=3600, low="low", n="n", mean="mean", high="high"),
            _PART.format(tier="hours", seconds=86400, low="low", n="n", mean="mean", high="high"),
        )
    )
    + ") GROUP BY bucket ORDER BY bucket"
)


def _buckets(connection: sqlite3.Connection, series: int, window: Window) -> list[Point]:
    floors = dict(connection.execute("SELECT tier, at FROM floors"))
    raw_floor, minutes_floor = floors["raw"], min(floors["minutes"], floors["raw"])
    width = (window.to - window.from_) / window.points
    if width <= 0:
        return []
    spans = {
        "raw": (max(window.from_, raw_floor), window.to, 60, 0),
        # The minute or hour that the window starts in belongs to it.
        "minutes": (max(window.from_, minutes_floor), min(window.to, raw_floor), 3600, 60),
        "hours": (window.from_, min(window.to, minutes_floor), 86400, 3600),
    }
    bound: dict[str, float] = {
        "series": series,
        "from": window.from_,
        "width": width,
        "last": window.points - 1,
    }
    for tier, (from_, to, step, unit) in spans.items():
        first = from_ // unit * unit if unit else from_
        bound[f"{tier}_from"] = first
        bound[f"{tier}_to"] = to
        bound[f"{tier}_step"] = int(first // step)
    return [
        (window.from_ + bucket * width, low, min(max(mean, low), high), high)
        for bucket, low, mean, high in connection.execute(_QUERY, bound)
    ]
