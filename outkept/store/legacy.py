"""From schema 1, a row for each reading, minute and hour, to chunks: done once, at the start.

One transaction, so a crash in it leaves the old schema. It takes some microseconds a row.
"""

import sqlite3
from collections import defaultdict
from itertools import groupby

from outkept.store.cells import add_to_cells
from outkept.store.chunks import GROUP, GROUP_BITS, NUDGE, TICKS, Rows, aggregate, pack_rows
from outkept.store.keys import key
from outkept.store.packing import put_hours, write_hour
from outkept.store.sealing import in_order

_LEVEL = 6


def from_rows(connection: sqlite3.Connection) -> None:
    """Fill the tables of schema 2 from those of schema 1, which are called `old_…` by then."""
    ids = _renumber(connection)
    for table in ("texts", "latest"):
        rows = connection.execute(f"SELECT * FROM old_{table}").fetchall()  # noqa: S608 - constants
        kept = [(ids[series], *rest) for series, *rest in rows if series in ids]
        connection.executemany(f"INSERT INTO {table} VALUES (?, ?, ?)", kept)  # noqa: S608
    for (hour,) in connection.execute("SELECT DISTINCT step / 60 FROM old_raw").fetchall():
        _raw_hour(connection, ids, hour)
    _minutes(connection, ids)
    _hours(connection, ids)


def _renumber(connection: sqlite3.Connection) -> dict[int, int]:
    """Give the series ids in groups of their sensors; the new one of each old one."""
    ids: dict[int, int] = {}
    rows = connection.execute("SELECT sensor, id, server, instance FROM old_series ORDER BY sensor")
    for sensor, found in groupby(rows.fetchall(), key=lambda row: str(row[0])):
        series = list(found)
        for start in range(0, len(series), GROUP):
            some = series[start : start + GROUP]
            group = connection.execute(
                "INSERT INTO groups (sensor, used) VALUES (?, ?)", (sensor, len(some))
            ).lastrowid
            for slot, (_, old, server, instance) in enumerate(some):
                ids[old] = int(group or 0) << GROUP_BITS | slot
                row = (ids[old], server, sensor, instance)
                connection.execute("INSERT INTO series VALUES (?, ?, ?, ?)", row)
    return ids


def _raw_hour(connection: sqlite3.Connection, ids: dict[int, int], hour: int) -> None:
    """All readings of an hour. It is noted as pending, so the minutes written here are
    written again once it is over."""
    groups: dict[int, dict[int, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    for series, at, value in connection.execute(
        "SELECT series, at, value FROM old_raw WHERE step BETWEEN ? AND ?",
        (hour * 60, hour * 60 + 59),
    ):
        if series in ids:
            group, slot = divmod(ids[series], GROUP)
            groups[group][slot][int(at * TICKS + NUDGE)] = value
    for group, found in groups.items():
        series_of = [(slot, in_order(found[slot])) for slot in sorted(found)]
        minutes = [(slot, some, aggregate(some, 60)) for slot, some in series_of]
        write_hour(connection, hour, group, minutes)
        add_to_cells(connection, hour, group, series_of)
        connection.execute("INSERT OR REPLACE INTO pending VALUES (?, ?, 0)", (hour, group))


def _minutes(connection: sqlite3.Connection, ids: dict[int, int]) -> None:
    """Hours that have no readings any more; those of the others were just computed."""
    for (hour,) in connection.execute("SELECT DISTINCT step FROM old_minutes").fetchall():
        rows = connection.execute(
            "SELECT series, at, n, low, mean, high FROM old_minutes WHERE step = ?", (hour,)
        )
        for group, found in _by_group(rows.fetchall(), ids).items():
            connection.execute(
                "INSERT OR IGNORE INTO minutes VALUES (?, ?)",
                (key(hour, group), pack_rows(sorted(found.items()), _LEVEL)),
            )


def _hours(connection: sqlite3.Connection, ids: dict[int, int]) -> None:
    for (day,) in connection.execute("SELECT DISTINCT step FROM old_hours").fetchall():
        rows = connection.execute(
            "SELECT series, at, n, low, mean, high FROM old_hours WHERE step = ?", (day,)
        )
        for group, found in _by_group(rows.fetchall(), ids).items():
            put_hours(connection, group, sorted(found.items()))


def _by_group(
    rows: list[tuple[int, int, int, float, float, float]], ids: dict[int, int]
) -> dict[int, dict[int, Rows]]:
    """Rows of minutes or hours, which come in order, by group and slot."""
    groups: dict[int, dict[int, Rows]] = defaultdict(lambda: defaultdict(_no_rows))
    for series, start, n, low, mean, high in rows:
        if series in ids:
            group, slot = divmod(ids[series], GROUP)
            found = groups[group][slot]
            found.starts.append(start)
            found.counts.append(n)
            found.lows.append(low)
            found.means.append(mean)
            found.highs.append(high)
    return groups


def _no_rows() -> Rows:
    return Rows([], [], [], [], [])
