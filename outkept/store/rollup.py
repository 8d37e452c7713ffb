"""Rollup and retention of the tiers, in slices short enough not to hold up an event.

Each slice runs in a transaction of the writer's, together with the note of what is left to
do: a crash between two slices loses nothing, and a slice done twice gives the same rows.
"""

import sqlite3

from outkept.store.history import MOST_INSTANCES, Retention
from outkept.store.records import clean
from outkept.store.series import SeriesCache

SETTLE_S = 60.0
"""An hour is rolled up this long after it ended, when the queues hold none of it any more.
A reading that is later still makes its hour pending again."""
PAIRS = 200
ROWS = 5000
SILENT_EVERY_S = 3600.0

_TIERS = ("raw", "minutes", "hours", "texts")


class Rollup:
    """The slices of `History.maintain`, on the writer's thread."""

    def __init__(
        self, connection: sqlite3.Connection, series: SeriesCache, retention: Retention
    ) -> None:
        self._connection = connection
        self._series = series
        self._retention = retention
        self._raw_floor: float | None = None
        self._silent_at: float | None = None

    def raw_floor(self) -> float:
        """Readings before this time (UNIX seconds) are in no raw tier any more."""
        if self._raw_floor is None:
            self._raw_floor = float(
                self._one("SELECT at FROM floors WHERE tier = 'raw'", ()) or 0.0
            )
        return self._raw_floor

    def rolled_back(self) -> None:
        """Forget what was read since the transaction began."""
        self._raw_floor = None
        self._silent_at = None

    def step(self, now: float) -> bool:
        """Do the first slice that has work; whether there was one."""
        return (
            self._roll_up(now)
            or self._expire("raw", 60, self._lift_raw_floor(now))
            or self._expire("minutes", 3600, self._lift_minutes_floor(now))
            or self._expire("hours", 86400, (now - self._retention.hours) // 86400 * 86400)
            or self._expire_texts(now - self._retention.minutes)
            or self._clear_doomed()
            or self._doom_silent(now)
        )

    def doom(self, server: str) -> None:
        """Take a server's series away; their rows follow slice by slice."""
        self._series.forget(server)
        server = clean(server)
        ids = self._connection.execute("SELECT id FROM series WHERE server = ?", (server,))
        for (series,) in ids.fetchall():
            self._doom_series(series)
        self._connection.execute("DELETE FROM failures WHERE server = ?", (server,))

    def _roll_up(self, now: float) -> bool:
        hours = self._connection.execute(
            "SELECT hour, pending.series, server FROM pending"
            " LEFT JOIN series ON series.id = pending.series WHERE hour < ?"
            " ORDER BY hour, pending.series LIMIT ?",
            ((now - SETTLE_S) // 3600, PAIRS),
        ).fetchall()
        for hour, series, server in hours:
            if server is not None:
                self._roll_up_hour(hour, series)
                self._series.forget_hour(server, series, hour)
        self._connection.executemany(
            "DELETE FROM pending WHERE hour = ? AND series = ?", [row[:2] for row in hours]
        )
        return bool(hours)

    def _roll_up_hour(self, hour: int, series: int) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO minutes"
            " SELECT ?, series, step * 60, count(*), min(value), avg(value), max(value) FROM raw"
            " WHERE series = ? AND step IN (WITH RECURSIVE steps (step) AS (SELECT ? UNION ALL"
            " SELECT step + 1 FROM steps WHERE step < ?) SELECT step FROM steps) GROUP BY step",
            (hour, series, hour * 60, hour * 60 + 59),
        )
        self._connection.execute(
            "INSERT OR REPLACE INTO hours"
            " SELECT ?, series, ?, sum(n), min(low), sum(mean * n) / sum(n), max(high)"
            " FROM minutes WHERE step = ? AND series = ? GROUP BY series",
            (hour // 24, hour * 3600, hour, series),
        )

    def _lift_raw_floor(self, now: float) -> float:
        """Never over an hour that is still to be rolled up."""
        pending = self._one("SELECT min(hour) FROM pending", ())
        hour = (now - self._retention.raw) // 3600
        # An hour only half over has no row in `pending` until its first reading.
        hour = min(hour, (now - SETTLE_S) // 3600, hour if pending is None else pending)
        floor = max(self.raw_floor(), hour * 3600.0)
        if floor > self.raw_floor():
            self._set_floor("raw", floor)
            self._raw_floor = floor
        return floor

    def _lift_minutes_floor(self, now: float) -> float:
        floor = min((now - self._retention.minutes) // 86400 * 86400.0, self.raw_floor())
        floor = floor // 3600 * 3600.0
        known = float(self._one("SELECT at FROM floors WHERE tier = 'minutes'", ()) or 0.0)
        if floor > known:
            self._set_floor("minutes", floor)
        return max(floor, known)

    def _set_floor(self, tier: str, at: float) -> None:
        self._connection.execute("UPDATE floors SET at = ? WHERE tier = ?", (at, tier))

    def _expire(self, tier: str, seconds: int, before: float) -> bool:
        """Delete up to ROWS rows of steps that ended before a time, from the table's start."""
        step = int(before // seconds)
        # `tier` is one of three constants: nothing from outside comes into the statement.
        end = self._connection.execute(
            f"SELECT step, series FROM {tier} WHERE step < ?"  # noqa: S608
            " ORDER BY step, series LIMIT 1 OFFSET ?",
            (step, ROWS),
        ).fetchone()
        gone = self._connection.execute(
            f"DELETE FROM {tier} WHERE (step, series) < (?, ?)",  # noqa: S608
            _past(end) if end else (step, 0),
        )
        return gone.rowcount > 0

    def _expire_texts(self, before: float) -> bool:
        """The newest text of a series stays, however old it is."""
        gone = self._connection.execute(
            "DELETE FROM texts WHERE (series, at) IN (SELECT series, at FROM texts AS old"
            " WHERE at < ? AND EXISTS (SELECT 1 FROM texts AS newer"
            " WHERE newer.series = old.series AND newer.at > old.at) ORDER BY at LIMIT ?)",
            (before, ROWS),
        )
        return gone.rowcount > 0

    def _clear_doomed(self) -> bool:
        doomed = self._connection.execute("SELECT series, tier FROM doomed LIMIT 1").fetchone()
        if doomed is None:
            return False
        series, tier = doomed
        rows = (
            "series = :series"
            if tier == "texts"
            else f"series = :series AND step IN (WITH RECURSIVE steps (step) AS ("  # noqa: S608
            f"SELECT min(step) FROM {tier} UNION ALL"
            f" SELECT (SELECT min(step) FROM {tier} WHERE step > steps.step) FROM steps"
            " WHERE step IS NOT NULL) SELECT step FROM steps)"
        )
        self._connection.execute(f"DELETE FROM {tier} WHERE {rows}", {"series": series})  # noqa: S608
        self._connection.execute("DELETE FROM doomed WHERE series = ? AND tier = ?", doomed)
        return True

    def _doom_silent(self, now: float) -> bool:
        """Series that said nothing for so long that no tier has them; where a sensor has as many
        instances as it may, those that have left the raw tier make room for new ones."""
        if self._silent_at is not None and 0 <= now - self._silent_at < SILENT_EVERY_S:
            return False
        silent = self._connection.execute(
            "SELECT series.id, server FROM latest JOIN series ON series.id = latest.series"
            " WHERE at < ? AND (at < ? OR (SELECT count(*) FROM series AS other WHERE"
            " other.server = series.server AND other.sensor = series.sensor) >= ?) LIMIT ?",
            (now - self._retention.raw, now - self._retention.hours, MOST_INSTANCES, PAIRS),
        ).fetchall()
        for series, server in silent:
            self._doom_series(series)
            self._series.forget(server)
        if not silent:
            self._silent_at = now
        return bool(silent)

    def _doom_series(self, series: int) -> None:
        self._connection.execute("DELETE FROM series WHERE id = ?", (series,))
        self._connection.execute("DELETE FROM latest WHERE series = ?", (series,))
        self._connection.executemany(
            "INSERT OR IGNORE INTO doomed VALUES (?, ?)", [(series, tier) for tier in _TIERS]
        )

    def _one(self, statement: str, bound: tuple[object, ...]) -> float | None:
        row = self._connection.execute(statement, bound).fetchone()
        return None if row is None else row[0]


def _past(end: tuple[int, int]) -> tuple[int, int]:
    """A bound that takes at least the row's own series, so that a slice always gets on."""
    return end[0], end[1] + 1
