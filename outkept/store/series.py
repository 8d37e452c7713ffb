"""Names of series to their ids, with what the last reading of each was: loaded for a server
when its first reading arrives, and dropped with the server."""

import sqlite3
from dataclasses import dataclass, field

from outkept.store.chunks import GROUP, GROUP_BITS
from outkept.store.history import MOST_INSTANCES, SeriesKey
from outkept.store.records import clean

MOST_NAME = 255
"""Characters of a sensor's or instance's name that are kept, as many as a file name has."""


@dataclass(slots=True)
class Known:
    """What is remembered of one server: `ids` by sensor and instance, how many instances each
    sensor has, which sensors fail, and the last text by series id."""

    ids: dict[tuple[str, str | None], int] = field(default_factory=dict)
    instances: dict[str, int] = field(default_factory=dict)
    failing: dict[str, str] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)


class SeriesCache:
    """Bounded by the live servers and MOST_INSTANCES series of each of their sensors."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._servers: dict[str, Known] = {}

    def known(self, server: str) -> Known:
        """What is known of a server, from memory or the database."""
        known = self._servers.get(server)
        if known is None:
            known = self._servers[server] = self._load(server)
        return known

    def id_of(self, known: Known, key: SeriesKey) -> int | None:
        """The id of a series, made if it is new; None where its sensor has too many."""
        found = known.ids.get((key.sensor, key.instance))
        if found is not None:
            return found
        sensor = clean(key.sensor)[:MOST_NAME]
        instance = None if key.instance is None else clean(key.instance)[:MOST_NAME]
        found = known.ids.get((sensor, instance))
        if found is not None:
            return found
        if known.instances.get(sensor, 0) >= MOST_INSTANCES:
            return None
        made = self._next_id(sensor)
        self._connection.execute(
            "INSERT INTO series VALUES (?, ?, ?, ?)", (made, clean(key.server), sensor, instance)
        )
        known.ids[(sensor, instance)] = made
        known.instances[sensor] = known.instances.get(sensor, 0) + 1
        return made

    def _next_id(self, sensor: str) -> int:
        """In the newest group of the sensor's series that has room, or in a new one. Ids are
        never used again: what is left of a removed series can't become another's history."""
        row = self._connection.execute(
            "SELECT id, used FROM groups WHERE sensor = ? ORDER BY id DESC LIMIT 1", (sensor,)
        ).fetchone()
        if row is None or row[1] >= GROUP:
            cursor = self._connection.execute(
                "INSERT INTO groups (sensor, used) VALUES (?, 1)", (sensor,)
            )
            return int(cursor.lastrowid or 0) << GROUP_BITS
        self._connection.execute("UPDATE groups SET used = used + 1 WHERE id = ?", row[:1])
        return int(row[0] << GROUP_BITS | row[1])

    def forget(self, server: str) -> None:
        """Load the server anew at its next reading."""
        self._servers.pop(server, None)

    def clear(self) -> None:
        """Forget everything: a transaction failed."""
        self._servers.clear()

    def _load(self, server: str) -> Known:
        known = Known()
        rows = self._connection.execute(
            "SELECT id, sensor, instance, latest.value FROM series"
            " LEFT JOIN latest ON latest.series = series.id WHERE server = ?",
            (clean(server),),
        )
        for series, sensor, instance, value in rows:
            known.ids[(sensor, instance)] = series
            known.instances[sensor] = known.instances.get(sensor, 0) + 1
            if isinstance(value, str):
                known.texts[series] = value
        known.failing.update(
            self._connection.execute(
                "SELECT sensor, reason FROM failures WHERE server = ?", (clean(server),)
            ).fetchall()
        )
        return known
