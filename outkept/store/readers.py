"""Reads beside the writer: two threads, each with a connection that can't write."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from outkept.store.database import connect_for_reading
from outkept.store.errors import StoreError, of_use

THREADS = 2
MOST_WAITING = 200
READ_S = 10.0
"""A read that takes longer is stopped. The longest meant, a year of one series, takes 0.1 s."""
_STEPS = 10_000

T = TypeVar("T")


class Readers:
    """Runs functions that read. Full (MOST_WAITING), it turns callers away with StoreError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._waiting = 0
        self._closed = False
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="store-reader")

    def connection(self) -> sqlite3.Connection:
        """The calling reader thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = connect_for_reading(self._path)
            self._all.append(connection)
        return connection

    async def run(self, read: Callable[[sqlite3.Connection], T]) -> T:
        """What `read` returns. Cancel-safe: a read under way runs to its end, unheard.

        Raises StoreError, and whatever ValueError `read` does."""
        if self._closed:
            raise StoreError(f"{self._path} is closed: nothing more can be read")
        if self._waiting >= MOST_WAITING:
            raise StoreError(f"{self._path}: {MOST_WAITING} reads wait already: ask again later")
        self._waiting += 1
        try:
            return await asyncio.wrap_future(self._pool.submit(self._read, read))
        except sqlite3.Error as error:
            raise of_use(self._path, error) from None
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """Stop reads that are under way and close the connections. Idempotent."""
        self._closed = True
        for connection in self._all:
            connection.interrupt()
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)
        while self._all:
            self._all.pop().close()

    def _read(self, read: Callable[[sqlite3.Connection], T]) -> T:
        connection = self.connection()
        end = time.monotonic() + READ_S
        connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
        return read(connection)
