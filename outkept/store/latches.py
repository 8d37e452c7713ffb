"""What holds reactions back, on disk: latches, the kill switch, and what was started when."""

import json
import sqlite3
from dataclasses import asdict

from outkept.model.action import Action, Latch, Stop
from outkept.store.records import ACTION, action_of, clean
from outkept.store.store import Store

_STOP = "reactions.stopped"
"""The key that the kill switch is noted under; empty where it is not pulled."""


class Latches:
    """Of one store. Every method raises StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def all(self) -> list[Latch]:
        """Those that nobody has released, the oldest first."""
        return [one for one in await self._rows() if one.reason]

    async def released(self) -> list[Latch]:
        """Those that were released, with when that was for their time."""
        return [one for one in await self._rows() if not one.reason]

    async def add(self, latch: Latch) -> None:
        """On disk when this returns."""
        await self._put(latch)

    async def release(self, server: str, sensor: str, at: float) -> None:
        """That it was released at `at` (UNIX seconds) is on disk when this returns."""
        await self._put(Latch(server, sensor, at, ""))

    async def stop(self) -> Stop | None:
        """Who stopped all reactions; None where nobody has, or somebody resumed them."""
        noted = await self._store.get_meta(_STOP)
        return Stop(**json.loads(noted)) if noted else None

    async def set_stop(self, stop: Stop | None) -> None:
        """On disk when this returns."""
        await self._store.set_meta(_STOP, "" if stop is None else json.dumps(asdict(stop)))

    async def started(self, since: float) -> list[Action]:
        """Actions that were started, or would have been in a dry run, from `since` (UNIX seconds)
        on, and of each step of a sensor on a server the last one before; the oldest first."""
        return await self._store.read(lambda connection: _started(connection, since))

    async def _rows(self) -> list[Latch]:
        return await self._store.read(
            lambda connection: [
                Latch(*row)
                for row in connection.execute(
                    "SELECT server, sensor, at, reason FROM latches ORDER BY at, server, sensor"
                )
            ]
        )

    async def _put(self, latch: Latch) -> None:
        row = (latch.server, clean(latch.sensor), latch.at, clean(latch.reason))
        await self._store.write(
            lambda connection: connection.execute(
                "INSERT OR REPLACE INTO latches VALUES (?, ?, ?, ?)", row
            )
        )


def _started(connection: sqlite3.Connection, since: float) -> list[Action]:
    rows = connection.execute(
        f"SELECT {ACTION} FROM actions WHERE outcome != 'not sent' AND (at >= ? OR id IN ("  # noqa: S608
        "SELECT max(id) FROM actions WHERE outcome != 'not sent'"
        " GROUP BY server, sensor, step, outcome = 'dry-run')) ORDER BY id",
        (since,),
    )
    return [action_of(row) for row in rows]
