"""Silences on disk."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from outkept.model.silence import Silence, Weekly
from outkept.store.errors import StoreError
from outkept.store.pages import Page, check_limit, decode_cursor, encode_cursor
from outkept.store.records import clean
from outkept.store.store import Store

MOST_SILENCES = 1000
"""That have not ended: each notice and each reaction looks through them."""

_COLUMNS = "id, starts, ends, document"


class Silences:
    """The silences of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, silence: Silence, now: float) -> Silence:
        """Write a silence; the same with its id, on disk. Raises StoreError, also where there
        are MOST_SILENCES that have not ended at `now`."""
        return await self._store.write(lambda connection: _add(connection, silence, now))

    async def end(self, id: int, now: float) -> Silence | None:
        """Have a silence end at `now`; as it is then. None where there is none of this id that
        goes on."""
        return await self._store.write(lambda connection: _end(connection, id, now))

    async def going_on(self, now: float) -> list[Silence]:
        """Those that have not ended at `now`, begun or not, by id."""
        return await self._store.read(
            lambda connection: [
                _silence(row)
                for row in connection.execute(
                    f"SELECT {_COLUMNS} FROM silences WHERE ends > ? ORDER BY id",  # noqa: S608
                    (now,),
                )
            ]
        )

    async def page(self, limit: int, cursor: str | None) -> Page[Silence]:
        """All, the newest first. Raises ValueError for a bad limit or cursor."""
        return await self._store.read(lambda connection: _page(connection, limit, cursor))


def _add(connection: sqlite3.Connection, silence: Silence, now: float) -> Silence:
    (there,) = connection.execute("SELECT count(*) FROM silences WHERE ends > ?", (now,)).fetchone()
    if there >= MOST_SILENCES:
        raise StoreError(f"there are {there} silences already; end some, or use wider ones")
    cursor = connection.execute(
        "INSERT INTO silences (starts, ends, document) VALUES (?, ?, ?)",
        (silence.starts, silence.ends, _document(silence)),
    )
    return replace(silence, id=int(cursor.lastrowid or 0))


def _end(connection: sqlite3.Connection, id_: int, now: float) -> Silence | None:
    connection.execute(
        "UPDATE silences SET ends = max(?, starts) WHERE id = ? AND ends > ?", (now, id_, now)
    )
    (changed,) = connection.execute("SELECT changes()").fetchone()
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM silences WHERE id = ?",  # noqa: S608
        (id_,),
    ).fetchone()
    return _silence(row) if changed else None


def _page(connection: sqlite3.Connection, limit: int, cursor: str | None) -> Page[Silence]:
    before = decode_cursor(cursor, int)[0] if cursor is not None else 1 << 62
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM silences WHERE id < ? ORDER BY id DESC LIMIT ?",  # noqa: S608
        (before, check_limit(limit) + 1),
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
        }
    )


def _silence(row: Sequence[Any]) -> Silence:
    id_, starts, ends, document = row
    known = json.loads(document)
    weekly = known.pop("weekly")
    if weekly is not None:
        weekly = Weekly(**weekly | {"days": frozenset(weekly["days"])})
    return Silence(starts, ends, weekly=weekly, id=id_, **known)
