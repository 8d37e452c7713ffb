"""Reactions that something holds for a while, on disk, so that a restart doesn't forget them."""

import sqlite3

from outkept.model.action import Wait
from outkept.model.server import Endpoint
from outkept.store.records import clean
from outkept.store.store import Store


class Waits:
    """Of one store. With an incident that ends, what waits for it goes. Every method raises
    StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def all(self) -> list[Wait]:
        """By incident, the oldest first."""
        return await self._store.read(_all)

    async def add(self, wait: Wait) -> None:
        """On disk when this returns, unless its incident has ended; in place of what it had."""
        at = wait.endpoint
        row = (wait.incident, clean(wait.cause), at.address, at.port, wait.incident)
        await self._store.write(lambda connection: connection.execute(_ADD, row))

    async def drop(self, incident: int) -> None:
        """Nothing waits for this incident any more."""
        await self._store.write(
            lambda connection: connection.execute(
                "DELETE FROM waits WHERE incident = ?", (incident,)
            )
        )


_ADD = """INSERT OR REPLACE INTO waits SELECT ?, ?, ?, ?
    WHERE EXISTS (SELECT 1 FROM incidents WHERE id = ? AND ended IS NULL)"""


def _all(connection: sqlite3.Connection) -> list[Wait]:
    rows = connection.execute("SELECT incident, cause, address, port FROM waits ORDER BY incident")
    return [
        Wait(incident, cause, Endpoint(address, port)) for incident, cause, address, port in rows
    ]
