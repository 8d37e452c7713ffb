"""Rows of the inventory, events and actions, to and from the model's values."""

import json
import math
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields, replace
from typing import Any, TypeVar

from outkept.model.action import Action, ActionOutcome
from outkept.model.address import AddressOutcome, AddressState
from outkept.model.event import Condition, Event, EventQuery, EventType
from outkept.model.server import Endpoint, Facts, Identity, Server
from outkept.store.errors import StoreError
from outkept.store.pages import Page, check_limit, decode_cursor, encode_cursor, like

MOST_EVENTS = 1_000_000
MOST_ACTIONS = 100_000
MOST_OUTPUT = 65_536
"""Characters of a reaction's output, or of a message, that are kept."""
ADDRESS_AGE_S = 30 * 86400.0
"""An address not tried for so long is in no range any more."""
TRIM_ROWS = 2000
MOST_REASONS = 500
"""Reasons that addresses are grouped by; those of fewest addresses are left out."""

_OPEN = "(SELECT id FROM incidents WHERE ended IS NULL)"
_OF_OPEN = f"incident IS NOT NULL AND incident IN {_OPEN}"
_OPENING = f"id IN {_OPEN}"
_STARTED = f"{_OF_OPEN} AND by = '' AND outcome != 'not sent'"
"""What of events and actions is kept for open incidents."""

T = TypeVar("T")
Bound = Sequence[object]

EVENT = "id, at, type, server, sensor, value, message, condition, incident, by"
ACTION = (
    "id, at, server, sensor, instance, command, outcome, reason, finished_at, status, output,"
    " incident, step, by"
)
_ADDRESS = "address, port, outcome, reason, at, refusals, retry_at, server"


def clean(text: str) -> str:
    """`text` without what UTF-8 can't hold (lone surrogates from a server's bytes)."""
    return text.encode("utf-8", "replace").decode("utf-8")


def save_server(connection: sqlite3.Connection, server: Server) -> None:
    """Insert or replace a server."""
    connection.execute(
        "INSERT OR REPLACE INTO servers VALUES (?, ?)",
        (server.id, json.dumps(asdict(server), allow_nan=False)),
    )


def delete_server(connection: sqlite3.Connection, server: str) -> None:
    """Delete a server; its addresses lead nowhere then. Its events and actions stay."""
    connection.execute("DELETE FROM servers WHERE id = ?", (server,))
    connection.execute("UPDATE addresses SET server = NULL WHERE server = ?", (server,))


def servers(connection: sqlite3.Connection) -> list[Server]:
    """All servers. Raises StoreError for one that can't be read."""
    found = []
    for key, document in connection.execute("SELECT id, document FROM servers ORDER BY id"):
        try:
            found.append(_server(json.loads(document)))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise StoreError(
                f"the record of server {key} can't be read ({error}): restore the state from a"
                " backup"
            ) from None
    return found


def _server(document: dict[str, Any]) -> Server:
    known = _fields_of(Server, document)
    known["identity"] = _build(Identity, document["identity"])
    known["facts"] = _build(Facts, document["facts"])
    known["endpoints"] = tuple(_build(Endpoint, endpoint) for endpoint in document["endpoints"])
    return Server(**known)


def _build(cls: Callable[..., T], document: dict[str, Any]) -> T:
    return cls(**_fields_of(cls, document))


def _fields_of(cls: Any, document: dict[str, Any]) -> dict[str, Any]:
    """Fields that the model no longer has are left out; JSON's lists are the model's tuples."""
    return {
        field.name: tuple(value) if isinstance(value, list) else value
        for field in fields(cls)
        if (value := document.get(field.name, cls)) is not cls
    }


def save_address(connection: sqlite3.Connection, state: AddressState) -> None:
    """Insert or replace how an endpoint ended."""
    connection.execute(
        "INSERT OR REPLACE INTO addresses VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            state.endpoint.address,
            state.endpoint.port,
            state.outcome.value,
            clean(state.reason)[:MOST_OUTPUT],
            state.at,
            state.refusals,
            state.retry_at,
            state.server,
        ),
    )


def _address(row: Sequence[Any]) -> AddressState:
    return AddressState(Endpoint(row[0], row[1]), AddressOutcome(row[2]), *row[3:])


def addresses(connection: sqlite3.Connection) -> list[AddressState]:
    """All addresses."""
    return [_address(row) for row in connection.execute(f"SELECT {_ADDRESS} FROM addresses")]  # noqa: S608


def addresses_page(
    connection: sqlite3.Connection,
    limit: int,
    cursor: str | None,
    outcome: str | None,
    reason: str | None = None,
) -> Page[AddressState]:
    """Addresses, the last tried first; those that ended in `outcome`, and for exactly this
    `reason`, where they are given."""
    bound: list[object] = []
    where = "WHERE 1"
    for column, value in (("outcome", outcome), ("reason", reason)):
        if value is not None:
            where += f" AND {column} = ?"
            bound.append(clean(value))
    if cursor is not None:
        where += " AND (at, address, port) < (?, ?, ?)"
        bound += decode_cursor(cursor, float, str, int)
    rows = connection.execute(
        f"SELECT {_ADDRESS} FROM addresses {where}"  # noqa: S608
        " ORDER BY at DESC, address DESC, port DESC LIMIT ?",
        (*bound, check_limit(limit) + 1),
    ).fetchall()
    found = tuple(_address(row) for row in rows[:limit])
    if len(rows) <= limit:
        return Page(found, None)
    last = found[-1]
    return Page(found, encode_cursor(last.at, last.endpoint.address, last.endpoint.port))


def address_outcomes(connection: sqlite3.Connection) -> list[tuple[str, str, int, float]]:
    """How many addresses ended in each outcome for each reason, most first, with when the last
    of them was tried. A server's reason is its name, so those are taken together as ''."""
    rows = connection.execute(
        "SELECT outcome, CASE outcome WHEN 'server' THEN '' ELSE reason END AS why, count(*),"
        " max(at) FROM addresses GROUP BY outcome, why ORDER BY count(*) DESC, outcome, why"
        " LIMIT ?",
        (MOST_REASONS,),
    )
    return rows.fetchall()


def insert_event(connection: sqlite3.Connection, event: Event) -> Event:
    """Insert an event; the same with its id."""
    value = event.value
    if isinstance(value, float) and not math.isfinite(value):
        value = None
    cursor = connection.execute(
        "INSERT INTO events (at, type, server, sensor, value, message, condition, incident, by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            event.at,
            event.type.value,
            event.server,
            None if event.sensor is None else clean(event.sensor),
            clean(value)[:MOST_OUTPUT] if isinstance(value, str) else value,
            clean(event.message)[:MOST_OUTPUT],
            None if event.condition is None else event.condition.value,
            event.incident,
            None if event.by is None else clean(event.by),
        ),
    )
    return replace(event, id=int(cursor.lastrowid or 0))


def event_of(row: Sequence[Any]) -> Event:
    id_, at, type_, server, sensor, value, message, condition, incident, by = row
    return Event(
        at,
        EventType(type_),
        message,
        server,
        sensor,
        value,
        id_,
        None if condition is None else Condition(condition),
        incident,
        by,
    )


def events_page(
    connection: sqlite3.Connection, limit: int, cursor: str | None, wanted: EventQuery
) -> Page[Event]:
    """Events that are wanted, newest first."""
    where, bound = _where(cursor, {"server": wanted.server})
    if wanted.types:
        where += f" AND type IN ({', '.join('?' * len(wanted.types))})"
        bound += wanted.types
    if wanted.sensor is not None:
        # All of its instances, too: `disk` finds `disk[/var]`.
        where += " AND (sensor = ? OR (sensor >= ? AND sensor < ?))"
        name = clean(wanted.sensor)
        bound += (name, f"{name}[", f"{name}\\")
    if wanted.from_ is not None:
        where += " AND at >= ?"
        bound.append(wanted.from_)
    if wanted.to is not None:
        where += " AND at < ?"
        bound.append(wanted.to)
    if wanted.text:
        where += " AND message LIKE ? ESCAPE '\\'"
        bound.append(like(clean(wanted.text)))
    return _by_id(connection, f"SELECT {EVENT} FROM events {where}", bound, limit, event_of)  # noqa: S608


def count_events(connection: sqlite3.Connection, since: float) -> dict[str, int]:
    """How many events of each type there were at or after `since`."""
    rows = connection.execute(
        "SELECT type, count(*) FROM events WHERE at >= ? GROUP BY type", (since,)
    )
    return dict(rows.fetchall())


def add_action(connection: sqlite3.Connection, action: Action) -> Action:
    """Insert an action; the same with its id."""
    cursor = connection.execute(
        "INSERT INTO actions (at, server, sensor, instance, command, outcome, reason, finished_at,"
        " status, output, incident, step, by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            action.at,
            action.server,
            action.sensor,
            None if action.instance is None else clean(action.instance),
            clean(action.command),
            action.outcome.value,
            clean(action.reason)[:MOST_OUTPUT],
            action.finished_at,
            action.status,
            clean(action.output)[:MOST_OUTPUT],
            action.incident,
            action.step,
            clean(action.by),
        ),
    )
    return replace(action, id=int(cursor.lastrowid or 0))


def start_action(connection: sqlite3.Connection, action: Action) -> Action | None:
    """As `add_action`; None, and nothing written, where nobody had it run and this step was
    started for this incident before. (The table's index `actions_once` would refuse it, too.)"""
    if action.automatic and action.outcome not in _NOT_STARTED and action.incident is not None:
        before = connection.execute(
            "SELECT 1 FROM actions WHERE incident = ? AND step = ? AND by = ''"
            " AND outcome NOT IN ('dry-run', 'not sent')",
            (action.incident, action.step),
        ).fetchone()
        if before is not None:
            return None
    return add_action(connection, action)


_NOT_STARTED = (ActionOutcome.DRY_RUN, ActionOutcome.NOT_SENT)


def finish_action(connection: sqlite3.Connection, action: Action) -> None:
    """Write an action's outcome. Raises StoreError where there is none of its id."""
    cursor = connection.execute(
        "UPDATE actions SET outcome = ?, reason = ?, finished_at = ?, status = ?, output = ?"
        " WHERE id = ?",
        (
            action.outcome.value,
            clean(action.reason)[:MOST_OUTPUT],
            action.finished_at,
            action.status,
            clean(action.output)[:MOST_OUTPUT],
            action.id,
        ),
    )
    if cursor.rowcount != 1:
        raise StoreError(f"there is no action {action.id} to finish: write its intent first")


def close_unfinished(connection: sqlite3.Connection, now: float) -> list[Action]:
    """Turn what is INTENDED into UNKNOWN; those actions."""
    ids = connection.execute("SELECT id FROM actions WHERE outcome = 'intended' ORDER BY id")
    closed = []
    for (key,) in ids.fetchall():
        connection.execute(
            "UPDATE actions SET outcome = ?, finished_at = ?,"
            " reason = reason || '; the daemon stopped before the outcome was known' WHERE id = ?",
            (ActionOutcome.UNKNOWN.value, now, key),
        )
        row = connection.execute(f"SELECT {ACTION} FROM actions WHERE id = ?", (key,))  # noqa: S608
        closed.append(action_of(row.fetchone()))
    return closed


def action_of(row: Sequence[Any]) -> Action:
    key, at, server, sensor, instance, command, outcome, reason, finished_at, *more = row
    status, output, incident, step, by = more
    return Action(
        server,
        sensor,
        command,
        at,
        ActionOutcome(outcome),
        reason,
        instance,
        finished_at,
        status,
        output,
        key,
        incident,
        step,
        by,
    )


def actions_page(
    connection: sqlite3.Connection, limit: int, cursor: str | None, server: str | None
) -> Page[Action]:
    """Actions, newest first."""
    where, bound = _where(cursor, {"server": server})
    return _by_id(connection, f"SELECT {ACTION} FROM actions {where}", bound, limit, action_of)  # noqa: S608


def get_meta(connection: sqlite3.Connection, key: str) -> str | None:
    """A noted value."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def set_meta(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Note a value."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (clean(key), clean(value)))


def trim(
    connection: sqlite3.Connection,
    now: float,
    age: float,
    most: tuple[int, int] = (MOST_EVENTS, MOST_ACTIONS),
) -> bool:
    """Delete a slice of events and actions older than `age` seconds, or over the `most` of each,
    oldest first, and of forgotten addresses; whether there was any.

    What an open incident may not start again stays, however old, which is a few actions for each.
    So do its events as long as there are not too many, and always the one that opened it.
    """
    gone = 0
    rules = (("events", _OPENING, _OF_OPEN), ("actions", _STARTED, _STARTED))
    for (table, kept_of_many, kept_of_old), keep in zip(rules, most, strict=True):
        gone += connection.execute(
            f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE id <="  # noqa: S608
            f" (SELECT id FROM {table} ORDER BY id DESC LIMIT 1 OFFSET ?)"
            f" AND NOT ({kept_of_many}) LIMIT ?)",
            (keep, TRIM_ROWS),
        ).rowcount
        gone += connection.execute(
            f"DELETE FROM {table} WHERE id IN"  # noqa: S608
            f" (SELECT id FROM {table} WHERE at < ? AND NOT ({kept_of_old}) ORDER BY at LIMIT ?)",
            (now - age, TRIM_ROWS),
        ).rowcount
    gone += connection.execute(
        "DELETE FROM addresses WHERE (address, port) IN (SELECT address, port FROM addresses"
        " WHERE at < ? AND retry_at < ? LIMIT ?)",
        (now - ADDRESS_AGE_S, now, TRIM_ROWS),
    ).rowcount
    return gone > 0


def _where(cursor: str | None, equal: dict[str, str | None]) -> tuple[str, list[object]]:
    where, bound = "WHERE 1", list[object]()
    for column, value in equal.items():
        if value is not None:
            where += f" AND {column} = ?"
            bound.append(clean(value))
    if cursor is not None:
        where += " AND id < ?"
        bound += decode_cursor(cursor, int)
    return where, bound


def _by_id(
    connection: sqlite3.Connection,
    select: str,
    bound: list[object],
    limit: int,
    build: Callable[[Sequence[Any]], T],
) -> Page[T]:
    statement = f"{select} ORDER BY id DESC LIMIT ?"
    rows = connection.execute(statement, (*bound, check_limit(limit) + 1)).fetchall()
    found = tuple(build(row) for row in rows[:limit])
    more = len(rows) > limit
    return Page(found, encode_cursor(rows[limit - 1][0]) if more else None)
