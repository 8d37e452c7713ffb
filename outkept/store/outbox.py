"""The outbox on disk: notices that were decided on, and what targets have been told.

What is decided and what is remembered of it is one transaction. A notice stays until it was sent
or given up, whatever becomes of the process.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from outkept.model.event import EventType
from outkept.model.incident import Incident
from outkept.model.level import Level
from outkept.model.notice import Delivery, DeliveryState, Told, Urgency
from outkept.store import incidents
from outkept.store.pages import Page, check_limit, decode_cursor, encode_cursor
from outkept.store.records import clean
from outkept.store.store import Store

MOST_WAITING = 1000
"""For one target. When there are more, the oldest are given up."""
MOST_NOTICES = 50_000
"""That are kept to be looked at."""
KEPT_S = 30 * 86400.0
TRIM_ROWS = 2000
TOO_MANY = f"more than {MOST_WAITING:,} waited"

_COLUMNS = "id, at, target, key, state, attempts, next_at, finished_at, error, document"
_WEIGHTY = tuple(
    type_.value
    for type_ in (
        EventType.WARNED,
        EventType.ALARMED,
        EventType.FAILING,
        EventType.GONE,
        EventType.BLIND,
        EventType.FLAPPING,
    )
)


@dataclass(frozen=True, slots=True)
class Untold:
    """An incident that is open, or whose end somebody has yet to hear. `text` is the newest
    event's that changed it, `unmended` how many reactions mended nothing."""

    incident: Incident
    text: str
    unmended: int
    told: dict[str, Told]


@dataclass(frozen=True, slots=True)
class Accepted:
    """Deliveries with their ids; by target, the ids of older ones that were given up for them."""

    deliveries: tuple[Delivery, ...]
    dropped: Mapping[str, frozenset[int]]


class Outbox:
    """The outbox of one store. Every method raises StoreError, one line, when the state can't be
    read or written, and is cancel-safe as the store's are."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def put(
        self,
        deliveries: Sequence[Delivery],
        told: Mapping[int, Mapping[str, Told]],
        forgotten: Collection[int],
        now: float,
    ) -> Accepted:
        """Write down what was decided, all or nothing. Those that are there already by their key
        are not written again, and are given back as they are."""
        return await self._store.write(
            lambda connection: _put(connection, deliveries, told, forgotten, now)
        )

    async def save(self, delivery: Delivery) -> None:
        """Write down what became of a delivery."""
        await self._store.write(lambda connection: _save(connection, delivery))

    async def waiting(self) -> list[Delivery]:
        """All that are to be sent, the oldest first."""
        return await self._store.read(_waiting)

    async def untold(self) -> list[Untold]:
        """What is open, and what ended and is remembered, by id."""
        return await self._store.read(_untold)

    async def last_sent(self) -> dict[str, float]:
        """When each target was sent something last (UNIX seconds)."""
        return await self._store.read(_last_sent)

    async def page(
        self,
        limit: int,
        cursor: str | None,
        *,
        target: str | None = None,
        state: DeliveryState | None = None,
    ) -> Page[Delivery]:
        """A page of notices, newest first. Raises ValueError for a bad limit or cursor."""
        return await self._store.read(
            lambda connection: _page(connection, limit, cursor, target, state)
        )

    async def trim(self, now: float) -> bool:
        """Delete a slice of what was finished long ago; whether there was any."""
        return await self._store.write(lambda connection: _trim(connection, now))


def _put(
    connection: sqlite3.Connection,
    deliveries: Sequence[Delivery],
    told: Mapping[int, Mapping[str, Told]],
    forgotten: Collection[int],
    now: float,
) -> Accepted:
    kept = tuple(_insert(connection, one) for one in deliveries)
    connection.executemany(
        "INSERT OR REPLACE INTO told VALUES (?, ?)",
        [(incident, _told_document(known)) for incident, known in told.items()],
    )
    connection.executemany("DELETE FROM told WHERE incident = ?", [(id_,) for id_ in forgotten])
    targets = Counter(one.target for one in kept)
    dropped = {target: _make_room(connection, target, now) for target in targets}
    return Accepted(kept, {target: ids for target, ids in dropped.items() if ids})


def _insert(connection: sqlite3.Connection, one: Delivery) -> Delivery:
    cursor = connection.execute(
        "INSERT OR IGNORE INTO notices (at, target, key, state, attempts, next_at, finished_at,"
        " error, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            one.at,
            one.target,
            one.key,
            one.state.value,
            one.attempts,
            one.next_at,
            one.finished_at,
            clean(one.error),
            _document(one),
        ),
    )
    if cursor.rowcount == 1:
        return replace(one, id=int(cursor.lastrowid or 0))
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM notices WHERE target = ? AND key = ?",  # noqa: S608
        (one.target, one.key),
    ).fetchone()
    return _delivery(row)


def _make_room(connection: sqlite3.Connection, target: str, now: float) -> frozenset[int]:
    rows = connection.execute(
        "SELECT id FROM notices WHERE target = ? AND finished_at IS NULL ORDER BY id DESC"
        " LIMIT -1 OFFSET ?",
        (target, MOST_WAITING),
    ).fetchall()
    connection.executemany(
        "UPDATE notices SET state = ?, finished_at = ?, error = ? WHERE id = ?",
        [(DeliveryState.GIVEN_UP.value, now, TOO_MANY, id_) for (id_,) in rows],
    )
    return frozenset(id_ for (id_,) in rows)


def _save(connection: sqlite3.Connection, one: Delivery) -> None:
    connection.execute(
        "UPDATE notices SET state = ?, attempts = ?, next_at = ?, finished_at = ?, error = ?"
        " WHERE id = ?",
        (one.state.value, one.attempts, one.next_at, one.finished_at, clean(one.error), one.id),
    )


def _waiting(connection: sqlite3.Connection) -> list[Delivery]:
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM notices WHERE finished_at IS NULL ORDER BY id"  # noqa: S608
    )
    return [_delivery(row) for row in rows]


def _untold(connection: sqlite3.Connection) -> list[Untold]:
    told = {
        incident: _known(document)
        for incident, document in connection.execute("SELECT incident, document FROM told")
    }
    found = {one.id: one for one in incidents.open_incidents(connection)}
    for id_ in told.keys() - found.keys():
        ended = incidents.incident(connection, id_)
        if ended is not None:
            found[id_] = ended.incident
    texts = _texts(connection)
    unmended = _unmended(connection)
    return [
        Untold(one, texts.get(id_, one.message), unmended.get(id_, 0), told.get(id_, {}))
        for id_, one in sorted(found.items())
    ]


def _texts(connection: sqlite3.Connection) -> dict[int, str]:
    """The newest text of each open incident and of each that is remembered."""
    marks = ", ".join("?" * len(_WEIGHTY))
    rows = connection.execute(
        "SELECT message, incident, max(id) FROM events WHERE incident IN"  # noqa: S608
        " (SELECT id FROM incidents WHERE ended IS NULL UNION SELECT incident FROM told)"
        f" AND (type IN ({marks}) OR type = 'recovered') GROUP BY incident",
        _WEIGHTY,
    )
    texts = {incident: message for message, incident, _ in rows}
    # The removal of a server is part of no incident, and ends all of its own.
    rows = connection.execute(
        "SELECT one.id, events.message FROM told JOIN incidents AS one ON one.id = told.incident"
        " JOIN events ON type = 'removed' AND events.server = one.server AND events.at = one.ended"
    )
    return texts | dict(rows.fetchall())


def _unmended(connection: sqlite3.Connection) -> dict[int, int]:
    rows = connection.execute(
        "SELECT incident, count(*) FROM events WHERE type = 'not_mended' AND incident IN"
        " (SELECT id FROM incidents WHERE ended IS NULL) GROUP BY incident"
    )
    return dict(rows.fetchall())


def _last_sent(connection: sqlite3.Connection) -> dict[str, float]:
    rows = connection.execute(
        "SELECT target, max(finished_at) FROM notices WHERE state = 'sent' GROUP BY target"
    )
    return dict(rows.fetchall())


def _page(
    connection: sqlite3.Connection,
    limit: int,
    cursor: str | None,
    target: str | None,
    state: DeliveryState | None,
) -> Page[Delivery]:
    where, bound = "WHERE 1", list[object]()
    for column, value in (("target", target), ("state", state)):
        if value is not None:
            where += f" AND {column} = ?"
            bound.append(clean(str(value)))
    if cursor is not None:
        where += " AND id < ?"
        bound += decode_cursor(cursor, int)
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM notices {where} ORDER BY id DESC LIMIT ?",  # noqa: S608
        (*bound, check_limit(limit) + 1),
    ).fetchall()
    found = tuple(_delivery(row) for row in rows[:limit])
    return Page(found, encode_cursor(found[-1].id) if len(rows) > limit else None)


def _trim(connection: sqlite3.Connection, now: float) -> bool:
    old = "SELECT id FROM notices WHERE finished_at IS NOT NULL AND at < ? LIMIT ?"
    many = (
        "SELECT id FROM notices WHERE finished_at IS NOT NULL AND id <="
        " (SELECT id FROM notices ORDER BY id DESC LIMIT 1 OFFSET ?) LIMIT ?"
    )
    gone = 0
    for which, bound in ((old, now - KEPT_S), (many, MOST_NOTICES)):
        gone += connection.execute(
            f"DELETE FROM notices WHERE id IN ({which})",  # noqa: S608
            (bound, TRIM_ROWS),
        ).rowcount
    connection.execute("DELETE FROM told WHERE incident NOT IN (SELECT id FROM incidents)")
    return gone > 0


def _document(one: Delivery) -> str:
    known = {
        "title": clean(one.title),
        "body": clean(one.body),
        "urgency": one.urgency.value,
        "incidents": list(one.incidents),
        "alerts": [dict(alert) for alert in one.alerts],
    }
    return json.dumps(known)


def _delivery(row: Sequence[Any]) -> Delivery:
    id_, at, target, key, state, attempts, next_at, finished_at, error, document = row
    known = json.loads(document)
    return Delivery(
        target,
        at,
        key,
        known["title"],
        known["body"],
        Urgency(known["urgency"]),
        tuple(known["incidents"]),
        tuple(known["alerts"]),
        id_,
        DeliveryState(state),
        attempts,
        next_at,
        finished_at,
        error,
    )


def _told_document(known: Mapping[str, Told]) -> str:
    return json.dumps(
        {
            target: [told.level, told.first, told.last, told.flapping, told.unmended]
            for target, told in known.items()
        }
    )


def _known(document: str) -> dict[str, Told]:
    return {
        target: Told(Level(level), *rest) for target, (level, *rest) in json.loads(document).items()
    }
