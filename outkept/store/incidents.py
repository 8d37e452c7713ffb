"""Incidents on disk: written with the event that changes them, in one transaction."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from outkept.model.action import Action
from outkept.model.event import Condition, Event, EventType
from outkept.model.incident import Incident, IncidentState, following, key_of
from outkept.model.level import Level
from outkept.store.pages import Page, check_limit, decode_cursor, encode_cursor
from outkept.store.records import ACTION, EVENT, action_of, clean, event_of, insert_event

MOST_EVENTS = 200
"""Events of one incident that are given: one that flaps for days has more, and the first of
them tell as much as all."""
MOST_SAID = 50
MOST_ACTIONS = 50
MOST_INCIDENTS = 500_000
"""That ended: each has two events at least, of which a million are kept."""
TRIM_ROWS = 2000
SLICE_ROWS = 10_000

_COLUMNS = (
    "id, condition, server, sensor, level, worst, opened, value, message, ended, flapping,"
    " acknowledged_at, acknowledged_by"
)
_CHANGED = "level = ?, worst = ?, ended = ?, flapping = ?, acknowledged_at = ?, acknowledged_by = ?"


@dataclass(frozen=True, slots=True)
class Found:
    """An incident with its events, the opening one first: the oldest MOST_EVENTS of them, and of
    the later ones what people said, at most MOST_SAID, and the last of all; and with the oldest
    MOST_ACTIONS of its actions. Both are empty where they are so old that they are no longer
    kept."""

    incident: Incident
    events: tuple[Event, ...]
    actions: tuple[Action, ...]


def take(connection: sqlite3.Connection, event: Event) -> Event:
    """Insert an event and have its incident follow; the event with its id and its incident's.

    One that removes a server, or ends its being gone, ends what it ends; nothing else is asked of
    the caller than that it has a transaction.
    """
    if event.type is EventType.REMOVED and event.server is not None:
        written = insert_event(connection, event)
        connection.execute("DELETE FROM latches WHERE server = ?", (event.server,))
        for incident in open_incidents(connection, event.server):
            _save(connection, following(incident, written))
        return written
    key = key_of(event)
    before = None if key is None else _open(connection, key)
    if event.incident is None:
        event = replace(event, incident=before.id if before is not None else None)
    written = insert_event(connection, event)
    after = following(before, written) if key is not None else None
    if before is None and after is not None:
        connection.execute("UPDATE events SET incident = id WHERE id = ?", (after.id,))
        connection.execute(
            f"INSERT INTO incidents ({_COLUMNS}) VALUES ({', '.join('?' * 13)})",  # noqa: S608
            _row(after),
        )
        return replace(written, incident=after.id)
    if after != before:
        _save(connection, after)
    return written


def open_incidents(connection: sqlite3.Connection, server: str | None = None) -> list[Incident]:
    """All that are open, or those about one server; the oldest first."""
    where, bound = ("", ()) if server is None else (" AND server = ?", (server,))
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM incidents WHERE ended IS NULL{where} ORDER BY id",  # noqa: S608
        bound,
    )
    return [_incident(row) for row in rows]


def orphans(connection: sqlite3.Connection) -> list[str]:
    """Servers that are not known any more and have an open incident, or a latch."""
    rows = connection.execute(
        "SELECT server FROM (SELECT server FROM incidents WHERE ended IS NULL UNION SELECT server"
        " FROM latches) WHERE server NOT IN (SELECT id FROM servers) ORDER BY server"
    )
    return [server for (server,) in rows]


def incidents_page(
    connection: sqlite3.Connection,
    limit: int,
    cursor: str | None,
    server: str | None = None,
    state: str | None = None,
    *,
    acknowledged: bool | None = None,
) -> Page[Found]:
    """Those that are open, the newest first, then those that ended, the last to end first."""
    wanted = _Wanted(server, acknowledged)
    kind, ended, id_ = IncidentState.OPEN.value, 1e300, 1 << 62
    if cursor is not None:
        kind, ended, id_ = _place(cursor)
    most = check_limit(limit) + 1
    rows: list[Incident] = []
    if state != IncidentState.ENDED and kind == IncidentState.OPEN:
        rows += _open_after(connection, id_, wanted, most)
        id_ = 1 << 62
    if state != IncidentState.OPEN and len(rows) < most:
        rows += _ended_after(connection, (ended, id_), wanted, most - len(rows))
    taken = rows[:limit]
    following_ = None
    if len(rows) > limit:
        last = taken[-1]
        following_ = encode_cursor(last.state.value, last.ended or 1e300, last.id)
    return Page(tuple(_found(connection, one) for one in taken), following_)


def _place(cursor: str) -> tuple[str, float, int]:
    kind, ended, id_ = decode_cursor(cursor, str, float, int)
    if kind not in tuple(IncidentState):
        raise ValueError("cursor is not one that this list gave")
    return str(kind), float(ended), int(id_)


def incident(connection: sqlite3.Connection, event: int) -> Found | None:
    """The incident that an event is part of, the one that opened it or any other."""
    if not 0 < event < 1 << 62:
        return None
    row = connection.execute("SELECT incident FROM events WHERE id = ?", (event,)).fetchone()
    return _by_id(connection, event if row is None else row[0])


def last_told(
    connection: sqlite3.Connection, incident: int, types: Sequence[EventType]
) -> float | None:
    """When the last event of these types of an incident was; None where there is none."""
    marks = ", ".join("?" * len(types))
    (at,) = connection.execute(
        f"SELECT max(at) FROM events WHERE incident = ? AND type IN ({marks})",  # noqa: S608
        (incident, *(type_.value for type_ in types)),
    ).fetchone()
    return None if at is None else float(at)


def trim_incidents(
    connection: sqlite3.Connection, now: float, age: float, most: int = MOST_INCIDENTS
) -> bool:
    """Delete a slice of those that ended more than `age` seconds ago, or are over the `most`
    that ended, the oldest first; whether there was any."""
    many = (
        "SELECT ended FROM incidents WHERE ended IS NOT NULL ORDER BY ended DESC LIMIT 1 OFFSET ?"
    )
    gone = 0
    for which, bound in (("ended < ?", now - age), (f"ended <= ({many})", most)):
        gone += connection.execute(
            f"DELETE FROM incidents WHERE id IN (SELECT id FROM incidents WHERE {which}"  # noqa: S608
            " ORDER BY ended LIMIT ?)",
            (bound, TRIM_ROWS),
        ).rowcount
    return gone > 0


def from_events(connection: sqlite3.Connection) -> None:
    """Make the incidents of a database whose events were written before there were any."""
    opened: dict[tuple[str, str], Incident] = {}
    for id_, at, type_, server, sensor, value, message in _in_slices(connection):
        event = Event(at, EventType(type_), message, server, sensor, value, id_)
        if event.type is EventType.REMOVED:
            for key in [key for key in opened if key[0] == server]:
                _keep(connection, following(opened.pop(key), event))
            continue
        if sensor is None or event.type not in _OF_SERIES:
            continue
        before = opened.get((server, sensor))
        after = following(before, event)
        if after is None:
            continue
        connection.execute("UPDATE events SET incident = ? WHERE id = ?", (after.id, id_))
        if after.ended is None:
            opened[server, sensor] = after
        else:
            del opened[server, sensor]
            _keep(connection, after)
    for one in opened.values():
        _keep(connection, one)
    connection.execute(
        "UPDATE actions SET incident = (SELECT max(id) FROM incidents WHERE"
        " incidents.server = actions.server AND incidents.sensor = actions.sensor ||"
        " CASE WHEN actions.instance IS NULL THEN '' ELSE '[' || actions.instance || ']' END"
        " AND incidents.opened <= actions.at)"
    )
    # One incident may have had several: only from now on there is at most one.
    connection.execute(
        "UPDATE actions SET step = 1 + (SELECT count(*) FROM actions AS earlier"
        " WHERE earlier.incident = actions.incident AND earlier.id < actions.id)"
        " WHERE incident IS NOT NULL"
    )


def _in_slices(connection: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    """Events about servers, in order; a million of them are too many to hold at once."""
    last = 0
    while True:
        rows = connection.execute(
            "SELECT id, at, type, server, sensor, value, message FROM events"
            " WHERE server IS NOT NULL AND id > ? ORDER BY id LIMIT ?",
            (last, SLICE_ROWS),
        ).fetchall()
        if not rows:
            return
        yield from rows
        last = rows[-1][0]


_OF_SERIES = (
    EventType.WARNED,
    EventType.ALARMED,
    EventType.FIRED,
    EventType.RECOVERED,
    EventType.MESSAGE,
)


def _keep(connection: sqlite3.Connection, one: Incident | None) -> None:
    assert one is not None
    connection.execute(
        f"INSERT INTO incidents ({_COLUMNS}) VALUES ({', '.join('?' * 13)})",  # noqa: S608
        _row(one),
    )


def _save(connection: sqlite3.Connection, one: Incident | None) -> None:
    assert one is not None
    changed = (
        one.level.value,
        one.worst.value,
        one.ended,
        one.flapping,
        one.acknowledged_at,
        clean(one.acknowledged_by),
    )
    connection.execute(f"UPDATE incidents SET {_CHANGED} WHERE id = ?", (*changed, one.id))  # noqa: S608
    if one.ended is not None:
        connection.execute("DELETE FROM waits WHERE incident = ?", (one.id,))


def _open(
    connection: sqlite3.Connection, key: tuple[Condition, str | None, str | None]
) -> Incident | None:
    condition, server, sensor = key
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM incidents WHERE ended IS NULL AND condition = ?"  # noqa: S608
        " AND coalesce(server, '') = ? AND coalesce(sensor, '') = ?",
        (condition.value, server or "", clean(sensor or "")),
    ).fetchone()
    return None if row is None else _incident(row)


def _open_after(
    connection: sqlite3.Connection, before: int, wanted: "_Wanted", most: int
) -> list[Incident]:
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM incidents WHERE ended IS NULL AND id < ?{wanted.where}"  # noqa: S608
        " ORDER BY id DESC LIMIT ?",
        (before, *wanted.bound, most),
    )
    return [_incident(row) for row in rows]


def _ended_after(
    connection: sqlite3.Connection,
    before: tuple[float, int],
    wanted: "_Wanted",
    most: int,
) -> list[Incident]:
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM incidents WHERE ended IS NOT NULL AND (ended, id) < (?, ?)"  # noqa: S608
        f"{wanted.where} ORDER BY ended DESC, id DESC LIMIT ?",
        (*before, *wanted.bound, most),
    )
    return [_incident(row) for row in rows]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which incidents are wanted; None: whichever."""

    server: str | None
    acknowledged: bool | None

    @property
    def where(self) -> str:
        of_server = "" if self.server is None else " AND server = ?"
        if self.acknowledged is None:
            return of_server
        return f"{of_server} AND acknowledged_at IS {'NOT ' if self.acknowledged else ''}NULL"

    @property
    def bound(self) -> tuple[str, ...]:
        return () if self.server is None else (self.server,)


def _by_id(connection: sqlite3.Connection, id_: int | None) -> Found | None:
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM incidents WHERE id = ?",  # noqa: S608
        (id_,),
    ).fetchone()
    return None if row is None else _found(connection, _incident(row))


def _found(connection: sqlite3.Connection, one: Incident) -> Found:
    rows = connection.execute(
        f"SELECT {EVENT} FROM events WHERE incident = ? ORDER BY id LIMIT ?",  # noqa: S608
        (one.id, MOST_EVENTS),
    ).fetchall()
    events = [event_of(row) for row in rows]
    if len(events) == MOST_EVENTS:
        events += _later(connection, one.id, events[-1].id)
    actions = connection.execute(
        f"SELECT {ACTION} FROM actions WHERE incident = ? ORDER BY id LIMIT ?",  # noqa: S608
        (one.id, MOST_ACTIONS),
    )
    return Found(one, tuple(events), tuple(action_of(row) for row in actions))


def _later(connection: sqlite3.Connection, incident: int, after: int) -> list[Event]:
    """What people said after the events that are given, the newest MOST_SAID of it, and the last
    event of all, the oldest first."""
    rows = connection.execute(
        f"SELECT {EVENT} FROM events WHERE incident = ? AND id > ? AND (type IN (?, ?, ?) OR id ="  # noqa: S608
        " (SELECT max(id) FROM events WHERE incident = ?)) ORDER BY id DESC LIMIT ?",
        (incident, after, *_SAID, incident, MOST_SAID),
    )
    return [event_of(row) for row in rows][::-1]


_SAID = (EventType.ACKNOWLEDGED.value, EventType.UNACKNOWLEDGED.value, EventType.NOTE.value)


def _row(one: Incident) -> tuple[object, ...]:
    return (
        one.id,
        one.condition.value,
        one.server,
        None if one.sensor is None else clean(one.sensor),
        one.level.value,
        one.worst.value,
        one.opened,
        clean(one.value) if isinstance(one.value, str) else one.value,
        clean(one.message),
        one.ended,
        one.flapping,
        one.acknowledged_at,
        clean(one.acknowledged_by),
    )


def _incident(row: Sequence[Any]) -> Incident:
    id_, condition, server, sensor, level, worst, opened, value, message, ended, *more = row
    flapping, acknowledged_at, acknowledged_by = more
    return Incident(
        id_,
        Condition(condition),
        server,
        sensor,
        Level(level),
        Level(worst),
        opened,
        value,
        message,
        ended,
        bool(flapping),
        acknowledged_at,
        acknowledged_by,
    )


TABLES: tuple[str | Callable[[sqlite3.Connection], None], ...] = (
    """CREATE TABLE incidents (
        id INTEGER PRIMARY KEY, condition TEXT NOT NULL, server TEXT, sensor TEXT,
        level TEXT NOT NULL, worst TEXT NOT NULL, opened REAL NOT NULL, value,
        message TEXT NOT NULL, ended REAL, flapping INTEGER NOT NULL, acknowledged_at REAL,
        acknowledged_by TEXT NOT NULL)""",
    """CREATE UNIQUE INDEX incidents_open ON incidents
        (condition, coalesce(server, ''), coalesce(sensor, '')) WHERE ended IS NULL""",
    "CREATE INDEX incidents_by_end ON incidents (ended, id) WHERE ended IS NOT NULL",
    "CREATE INDEX incidents_by_server ON incidents (server, ended, id)",
    "ALTER TABLE events ADD COLUMN condition TEXT",
    "ALTER TABLE events ADD COLUMN incident INTEGER",
    "ALTER TABLE events ADD COLUMN by TEXT",
    "CREATE INDEX events_by_incident ON events (incident, id) WHERE incident IS NOT NULL",
    "ALTER TABLE actions ADD COLUMN incident INTEGER",
    "ALTER TABLE actions ADD COLUMN step INTEGER NOT NULL DEFAULT 1",
    "ALTER TABLE actions ADD COLUMN by TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX actions_by_incident ON actions (incident, id) WHERE incident IS NOT NULL",
    from_events,
    # A second automatic start of the same thing can't even be written down.
    """CREATE UNIQUE INDEX actions_once ON actions (incident, step)
        WHERE incident IS NOT NULL AND by = '' AND outcome NOT IN ('dry-run', 'not sent')""",
)
