"""Silences on disk."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from outkept.model.silence import Silence, SilenceState, Weekly
from outkept.store.errors import StoreError
from outkept.store.pages import Page, check_limit, decode_cursor, encode_cursor
from outkept.store.records import clean
from outkept.store.store import Store

MOST_SILENCES = 1000
"""That have not ended: each notice and each reaction looks through them."""
KEPT_S = 400 * 86_400.0
"""Seconds for which one that is over can still be looked up: a year, and then some."""
MOST_KEPT = 10_000
"""Of those that are over; the oldest go first."""

_COLUMNS = "id, starts, ends, document"
_TOLD = "json_extract(document, '$.told_end')"
_WHERE = {
    SilenceState.PENDING: f"starts > :now AND ends > :now AND NOT {_TOLD}",
    SilenceState.ACTIVE: f"starts <= :now AND ends > :now AND NOT {_TOLD}",
    SilenceState.EXPIRED: f"(ends <= :now OR {_TOLD})",
}
"""As `Silence.state` has it."""


class TooManySilences(StoreError):  # noqa: N818 - reads like the other errors of a store
    """There are MOST_SILENCES that have not ended."""


class Silences:
    """The silences of one store. Every method raises StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, silence: Silence, now: float) -> Silence:
        """Write a silence; the same with its id, on disk. Raises TooManySilences, and writes
        nothing then. Those that are over for long are forgotten."""
        return await self._store.write(lambda connection: _add(connection, silence, now))

    async def end(self, id: int, now: float, by: str) -> Silence | None:
        """Have a silence end at `now`; as it is then. None where there is none of this id that
        goes on. One that has not begun never holds."""
        return await self._store.write(lambda connection: _end(connection, id, now, by))

    async def save_told(self, silence: Silence) -> None:
        """Write what has been told of a silence, and nothing else: it may have been ended by
        now."""
        await self._store.write(lambda connection: _save_told(connection, silence))

    async def get(self, id: int) -> Silence | None:
        """The silence of this id, None if there is none (any more)."""
        return await self._store.read(lambda connection: _get(connection, id))

    async def going_on(self) -> list[Silence]:
        """Those of which not everything is told: begun or not, and those that ended meanwhile;
        by id."""
        return await self._store.read(
            lambda connection: [
                _silence(row)
                for row in connection.execute(
                    f"SELECT {_COLUMNS} FROM silences WHERE NOT {_TOLD} ORDER BY id"  # noqa: S608
                )
            ]
        )

    async def page(
        self, limit: int, cursor: str | None, now: float, state: SilenceState | None = None
    ) -> Page[Silence]:
        """Those of this state at `now`, or all, the newest first. Raises ValueError for a bad
        limit or cursor."""
        return await self._store.read(
            lambda connection: _page(connection, limit, cursor, now, state)
        )


def _add(connection: sqlite3.Connection, silence: Silence, now: float) -> Silence:
    _forget(connection, now)
    (there,) = connection.execute(
        f"SELECT count(*) FROM silences WHERE ends > ? AND NOT {_TOLD}",  # noqa: S608
        (now,),
    ).fetchone()
    if there >= MOST_SILENCES:
        raise TooManySilences(f"there are {there} silences already; end some, or use wider ones")
    cursor = connection.execute(
        "INSERT INTO silences (starts, ends, document) VALUES (?, ?, ?)",
        (silence.starts, silence.ends, _document(silence)),
    )
    return replace(silence, id=int(cursor.lastrowid or 0))


def _forget(connection: sqlite3.Connection, now: float) -> None:
    """Only adding makes the table longer, so it is trimmed there."""
    connection.execute("DELETE FROM silences WHERE ends < ?", (now - KEPT_S,))
    connection.execute(
        "DELETE FROM silences WHERE id IN"
        " (SELECT id FROM silences WHERE ends <= ? ORDER BY ends DESC LIMIT -1 OFFSET ?)",
        (now, MOST_KEPT),
    )


def _end(connection: sqlite3.Connection, id_: int, now: float, by: str) -> Silence | None:
    silence = _get(connection, id_)
    if silence is None or silence.state(now) is SilenceState.EXPIRED:
        return None
    ended = replace(silence, starts=min(silence.starts, now), ends=now, ended_by=by)
    connection.execute(
        "UPDATE silences SET starts = ?, ends = ?, document = ? WHERE id = ?",
        (ended.starts, ended.ends, _document(ended), id_),
    )
    return ended


def _save_told(connection: sqlite3.Connection, silence: Silence) -> None:
    told = json.dumps({"told_begin": silence.told_begin, "told_end": silence.told_end})
    connection.execute(
        "UPDATE silences SET document = json_patch(document, ?) WHERE id = ?", (told, silence.id)
    )


def _get(connection: sqlite3.Connection, id_: int) -> Silence | None:
    if not 0 < id_ < 1 << 62:
        return None
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM silences WHERE id = ?",  # noqa: S608
        (id_,),
    ).fetchone()
    return None if row is None else _silence(row)


def _page(
    connection: sqlite3.Connection,
    limit: int,
    cursor: str | None,
    now: float,
    state: SilenceState | None,
) -> Page[Silence]:
    before = decode_cursor(cursor, int)[0] if cursor is not None else 1 << 62
    where = "TRUE" if state is None else _WHERE[state]
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM silences WHERE id < :before AND {where}"  # noqa: S608
        " ORDER BY id DESC LIMIT :most",
        {"before": before, "now": now, "most": check_limit(limit) + 1},
    ).fetchall()
    found = tuple(_silence(row) for row in rows[:limit])
    return Page(found, encode_cursor(found[-1].id) if len(rows) > limit else None)


def _document(silence: Silence) -> str:
    weekly = silence.weekly
    return json.dumps(
        {
            "reason": clean(silence.reason),
            "author": clean(silence.author),
            "server": clean(silence.server),
            "sensor": clean(silence.sensor),
            "labels": {clean(name): clean(glob) for name, glob in silence.labels.items()},
            "weekly": weekly
            and {
                "days": sorted(weekly.days),
                "start": weekly.start,
                "length": weekly.length,
                "zone": weekly.zone,
            },
            "ended_by": clean(silence.ended_by),
            "told_begin": silence.told_begin,
            "told_end": silence.told_end,
        }
    )


def _silence(row: Sequence[Any]) -> Silence:
    id_, starts, ends, document = row
    known = json.loads(document)
    weekly = known.pop("weekly")
    if weekly is not None:
        weekly = Weekly(**weekly | {"days": frozenset(weekly["days"])})
    return Silence(starts, ends, weekly=weekly, id=id_, **known)
