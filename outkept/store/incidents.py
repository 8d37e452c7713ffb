"""Incidents as the events tell them: from the warning or alarm that a series left normal with
to its recovery, or to the removal of its server."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from outkept.model.action import Action
from outkept.model.event import Event, split_label
from outkept.store.openings import Span
from outkept.store.pages import Page, check_limit, decode_cursor, encode_cursor
from outkept.store.records import ACTION, EVENT, action_of, clean, event_of

MOST_EVENTS = 200
"""Events of one incident that are given: a series that flaps for days has more, and the first
of them tell as much as all."""
MOST_ACTIONS = 50
MOST_WALKED = 10_000
"""Level events of one server that are looked through for where an incident began."""

_OF_ONE = ("warned", "alarmed", "fired", "recovered", "message")
_OPEN = """
    WITH recovered AS (
        SELECT server, sensor, max(id) AS id FROM events
        WHERE type = 'recovered' AND server IS NOT NULL AND sensor IS NOT NULL
        GROUP BY server, sensor),
    removed AS (
        SELECT server, max(id) AS id FROM events
        WHERE type = 'removed' AND server IS NOT NULL GROUP BY server)
    SELECT min(raised.id), raised.server, raised.sensor FROM events AS raised
    LEFT JOIN recovered ON recovered.server = raised.server AND recovered.sensor = raised.sensor
    LEFT JOIN removed ON removed.server = raised.server
    WHERE raised.type IN ('warned', 'alarmed') AND raised.sensor IS NOT NULL
    AND raised.server IS NOT NULL
    AND raised.id > max(coalesce(recovered.id, 0), coalesce(removed.id, 0))
    GROUP BY raised.server, raised.sensor"""


@dataclass(frozen=True, slots=True)
class Found:
    """An incident's events, the opening one first and the oldest MOST_EVENTS of them, with the
    one that ended it if it is over; and the reactions to it, the oldest first."""

    events: tuple[Event, ...]
    actions: tuple[Action, ...]


def open_spans(connection: sqlite3.Connection) -> list[Span]:
    """The incidents that are open, found among all events."""
    return [
        Span(first, None, server, sensor) for first, server, sensor in connection.execute(_OPEN)
    ]


def incidents_page(
    connection: sqlite3.Connection,
    limit: int,
    cursor: str | None,
    opened: Sequence[Span],
    server: str | None,
    state: str | None,
) -> Page[Found]:
    """Those that are open (`opened`), the newest first, then those that ended, the last to end
    first. `state` is `open` or `ended` where only such are wanted."""
    after = decode_cursor(cursor, str, int, int) if cursor is not None else None
    if after is not None and after[0] not in ("open", "ended"):
        raise ValueError("cursor is not one that this list gave")
    wanted = _after(connection, after, opened, server, state)
    spans = list(islice(wanted, check_limit(limit) + 1))
    taken = spans[:limit]
    following = None
    if len(spans) > limit:
        last = taken[-1]
        kind = "open" if last.last is None else "ended"
        following = encode_cursor(kind, last.last or 0, last.first)
    found = (_found(connection, span) for span in taken)
    return Page(tuple(one for one in found if one is not None), following)


def incident(connection: sqlite3.Connection, event: int) -> Found | None:
    """The incident that an event is part of: the one it opened, or any other of it."""
    span = _around(connection, event)
    return None if span is None else _found(connection, span)


def _after(
    connection: sqlite3.Connection,
    after: Sequence[Any] | None,
    opened: Sequence[Span],
    server: str | None,
    state: str | None,
) -> Iterator[Span]:
    if state != "ended" and (after is None or after[0] == "open"):
        before = None if after is None else after[2]
        for span in sorted(opened, key=lambda span: -span.first):
            if before is None or span.first < before:
                yield span
    if state != "open":
        place = (after[1], after[2]) if after is not None and after[0] == "ended" else None
        yield from _ended(connection, place, server)


def _ended(
    connection: sqlite3.Connection, before: tuple[int, int] | None, server: str | None
) -> Iterator[Span]:
    # By id, without an index on the type: what is asked for are the newest few.
    rows = connection.execute(
        "SELECT id, type, server, sensor FROM events NOT INDEXED"
        " WHERE type IN ('recovered', 'removed') AND server IS NOT NULL"
        " AND (? IS NULL OR server = ?) AND id <= ? ORDER BY id DESC",
        (server, server, before[0] if before else 1 << 62),
    )
    for id, type_, of, sensor in rows:
        for span in _ended_by(connection, id, of, None if type_ == "removed" else sensor):
            if before is None or (id, span.first) < before:
                yield span


def _ended_by(
    connection: sqlite3.Connection, last: int, server: str, sensor: str | None
) -> list[Span]:
    """What this recovery ended, or where `sensor` is None, this removal of the server; the
    newest first."""
    opened: dict[str, int] = {}
    over: set[str] = set()
    for id, type_, label in _backwards(connection, server, sensor, last):
        if type_ == "removed":
            break
        if label is None or label in over:
            continue
        if type_ == "recovered":
            over.add(label)
            if sensor is not None:
                break
        else:
            opened[label] = id
    spans = [Span(first, last, server, label) for label, first in opened.items()]
    return sorted(spans, key=lambda span: -span.first)


def _backwards(
    connection: sqlite3.Connection, server: str, sensor: str | None, before: int
) -> Iterator[tuple[int, str, str | None]]:
    """Level events of a series (None: of all of the server's) and removals, newest first."""
    rows = connection.execute(
        "SELECT id, type, sensor FROM events INDEXED BY events_by_server WHERE server = ?"
        " AND id < ? AND (type = 'removed' OR (type IN ('warned', 'alarmed', 'recovered')"
        " AND (? IS NULL OR sensor = ?))) ORDER BY id DESC LIMIT ?",
        (server, before, sensor, sensor, MOST_WALKED),
    )
    yield from rows


def _around(connection: sqlite3.Connection, event: int) -> Span | None:
    if not 0 < event < 1 << 62:
        return None
    row = connection.execute(
        "SELECT type, server, sensor FROM events WHERE id = ?", (event,)
    ).fetchone()
    if row is None or row[0] not in _OF_ONE or row[1] is None or row[2] is None:
        return None
    type_, server, sensor = row
    # What a reaction says may come after the recovery: it belongs to what ended then.
    last = event if type_ == "recovered" else _recovery_before(connection, event, server, sensor)
    if last is None:
        opened = _ended_by(connection, event + 1, server, sensor)
        if not opened:
            return None
        return Span(opened[0].first, _end(connection, event, server, sensor), server, sensor)
    ended = _ended_by(connection, last, server, sensor)
    return ended[0] if ended else None


def _recovery_before(
    connection: sqlite3.Connection, event: int, server: str, sensor: str
) -> int | None:
    """The recovery that comes right before an event which raises nothing itself."""
    for id, type_, _ in _backwards(connection, server, sensor, event + 1):
        return id if type_ == "recovered" else None
    return None


def _end(connection: sqlite3.Connection, event: int, server: str, sensor: str) -> int | None:
    row = connection.execute(
        "SELECT id FROM events INDEXED BY events_by_server WHERE server = ? AND id > ?"
        " AND (type = 'removed' OR (type = 'recovered' AND sensor = ?)) ORDER BY id LIMIT 1",
        (server, event, sensor),
    ).fetchone()
    return None if row is None else int(row[0])


def _found(connection: sqlite3.Connection, span: Span) -> Found | None:
    """None where its events are so old that they are no longer kept."""
    last = span.last if span.last is not None else 1 << 62
    rows = connection.execute(
        f"SELECT {EVENT} FROM events INDEXED BY events_by_server WHERE server = ?"  # noqa: S608
        " AND sensor = ? AND id BETWEEN ? AND ? ORDER BY id LIMIT ?",
        (span.server, span.sensor, span.first, last, MOST_EVENTS),
    ).fetchall()
    if not rows or rows[0][0] != span.first:
        return None
    events = [event_of(row) for row in rows]
    if span.last is not None and events[-1].id != span.last:
        row = connection.execute(
            f"SELECT {EVENT} FROM events WHERE id = ?",  # noqa: S608
            (span.last,),
        ).fetchone()
        events.append(event_of(row))
    ended_at = events[-1].at if span.last is not None else None
    return Found(tuple(events), tuple(_actions(connection, span, events[0].at, ended_at)))


def _actions(
    connection: sqlite3.Connection, span: Span, started: float, ended: float | None
) -> list[Action]:
    name, instance = split_label(span.sensor)
    rows = connection.execute(
        f"SELECT {ACTION} FROM actions WHERE server = ? AND sensor = ? AND instance IS ?"  # noqa: S608
        " AND at >= ? AND at <= ? ORDER BY id LIMIT ?",
        (
            span.server,
            clean(name),
            instance,
            started,
            1e15 if ended is None else ended,
            MOST_ACTIONS,
        ),
    )
    return [action_of(row) for row in rows]
