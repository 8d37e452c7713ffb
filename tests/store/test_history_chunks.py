"""The chunks in SQLite, held to the contract of history engines."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from outkept.model.reading import Reading
from outkept.store.database import connect_for_reading, open_database, transaction
from outkept.store.engine import ChunkHistory
from outkept.store.packing import HourAtHand
from tests.store.history_contract import HOUR, RETENTION, Bench, HistoryContract

_TABLES = ("journal", "chunks", "cells", "minutes", "hours", "texts")


class ChunkBench:
    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp())
        path, self._connection = open_database(self._directory)
        self._reader = connect_for_reading(path)
        self.history = ChunkHistory(self._connection, lambda: self._reader, RETENTION)

    def add(self, *readings: Reading) -> int:
        with transaction(self._connection):
            refused = self.history.add(readings)
            self.history.before_commit()
            return refused

    def fail_after(self, *readings: Reading) -> None:
        self._connection.execute("BEGIN")
        self.history.add(readings)
        self.history.before_commit()
        self._connection.execute("ROLLBACK")
        self.history.rolled_back()

    def maintain(self, now: float) -> int:
        slices = 0
        while self._slice(lambda: self.history.maintain(now)):
            slices += 1
            assert slices < 1000
        return slices

    def slice(self, now: float) -> bool:
        return self._slice(lambda: self.history.maintain(now))

    def fold(self, start: float) -> None:
        """Write the minutes of the first group's hour, as was once done when it was packed."""
        with transaction(self._connection):
            hour = HourAtHand(self._connection, int(start // HOUR), 1, fold=True)
            while not hour.step(0.0):
                pass

    def drop_series(self, sensor: str) -> None:
        """As the removal of all servers with a sensor begins."""
        with transaction(self._connection):
            self._connection.execute("DELETE FROM series WHERE sensor = ?", (sensor,))

    def count(self, table: str) -> int:
        return int(self._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

    def _slice(self, do: Callable[[], bool]) -> bool:
        with transaction(self._connection):
            return do()

    def remove(self, server: str) -> None:
        with transaction(self._connection):
            self.history.remove(server)

    def rows(self) -> int:
        counts = [self._connection.execute(f"SELECT count(*) FROM {name}") for name in _TABLES]
        return sum(count.fetchone()[0] for count in counts)

    def close(self) -> None:
        self._reader.close()
        self._connection.close()
        shutil.rmtree(self._directory)


class TestChunkHistory(HistoryContract):
    def make(self) -> Bench:
        return ChunkBench()
