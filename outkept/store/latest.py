"""The last reading of every series: from the table `latest`, and newer ones in the journal."""

import sqlite3

from outkept.store.chunks import GROUP_BITS, TICKS
from outkept.store.history import LastReading
from outkept.store.journal import MOST_BATCH, RECORD, sealing
from outkept.store.keys import MOST_GROUP, SEQ_BITS, walk_journal

_SERIES = """
    SELECT series.id, series.server, series.sensor, instance, value, latest.at, reason
    FROM series LEFT JOIN latest ON latest.series = series.id
    LEFT JOIN failures USING (server, sensor)"""
_NEVER = """
    SELECT server, sensor, NULL, NULL, at, reason FROM failures
    WHERE NOT EXISTS (SELECT 1 FROM series WHERE series.server = failures.server
    AND series.sensor = failures.sensor)"""


def last_readings(connection: sqlite3.Connection) -> list[LastReading]:
    """See `History.last`. Reads in the caller's transaction."""
    newest = _in_journal(connection)
    found = []
    for id, server, sensor, instance, value, at, reason in connection.execute(_SERIES):
        tick, number = newest.get(id, (None, 0.0))
        # Batches come in the order of arrival, whatever their times. A text is not in them.
        if tick is not None and not (isinstance(value, str) and at * TICKS > tick):
            at, value = tick / TICKS, number
        if at is not None:
            found.append(LastReading(server, sensor, instance, value, at, reason))
    found += [LastReading(*row) for row in connection.execute(_NEVER)]
    return found


def _in_journal(connection: sqlite3.Connection) -> dict[int, tuple[int, float]]:
    """Tick and value of each series' last reading there."""
    state = sealing(connection)
    newest: dict[int, tuple[int, float]] = {}
    everything = (0, MOST_GROUP - 1)
    for id, data in walk_journal(connection, everything, 0, MOST_BATCH):
        batch, group = id >> SEQ_BITS, id & (MOST_GROUP - 1)
        if batch >= state.first(group):
            for slot, tick, value in RECORD.iter_unpack(data):
                newest[group << GROUP_BITS | slot] = (tick, value)
    return newest
