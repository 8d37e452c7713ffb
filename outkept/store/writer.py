"""The one writer: a thread with two bounded lanes in front of it.

The urgent lane is for what somebody awaits (events, intents, outcomes): committed at once,
all that wait together in one transaction. Full, it turns callers away with StoreError.
The lazy lane is for what nobody awaits (readings, inventory): committed together, half a second
after it came and one transaction later at most, whatever else waits; the inventory also ahead
of whatever is urgent, which may speak of it. Full, the oldest batch of readings is dropped and
counted.
"""

import logging
import sqlite3
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from outkept.store.database import transaction
from outkept.store.errors import StoreError, of_use

LAZY_S = 0.5
"""Half of the second of readings that a kill may cost; the rest is for the commit itself."""
MOST_URGENT = 10_000
URGENT_AT_ONCE = 500
MOST_SAMPLES = 120_000
"""Ten seconds of the largest fleet that one process is meant for (12,000 readings/s)."""
MOST_RECORDS = 100_000

T = TypeVar("T")
Job = Callable[[], Any]
logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Lazy:
    """`samples` is 0 for a record, which is kept and tried again when a write fails."""

    job: Job
    samples: int


@dataclass(frozen=True, slots=True)
class WriterStats:
    """Samples that wait, and that were dropped for want of room or disk since the start;
    `trouble` says why the last write failed, empty when it didn't."""

    waiting: int
    dropped: int
    trouble: str


class Hooks(Protocol):
    """What wants to know of transactions."""

    def before_commit(self) -> None:
        """Called last of all in a transaction, to write what was only collected."""

    def rolled_back(self) -> None:
        """The transaction failed."""


class Writer:
    """Owns the writing connection. Its methods may be called from any thread."""

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        hooks: Hooks,
        most_samples: int = MOST_SAMPLES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._clock = clock
        self._connection = connection
        self._hooks = hooks
        self._most_samples = most_samples
        self._changed = threading.Condition()
        self._urgent: deque[tuple[Job, Future[Any]]] = deque()
        self._behind: deque[tuple[Job, Future[Any]]] = deque()
        self._lazy: OrderedDict[Hashable, _Lazy] = OrderedDict()
        self._samples = self._dropped = self._batches = 0
        self._due: float | None = None
        self._trouble = ""
        self._stopping = False
        self._stopped: Future[None] = Future()
        self._stopped.set_running_or_notify_cancel()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[], T], *, behind: bool = False) -> "Future[T]":
        """Run `job` in a transaction soon; the future ends once it is on disk. With `behind`,
        when nothing else is urgent, and in a transaction of its own: maintenance, which an
        event waits for once at most.

        Cancelling the future doesn't take the job back. Raises StoreError when the lane is
        full or the writer is stopped.
        """
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()
        with self._changed:
            if self._stopping:
                raise StoreError(f"{self._path} is closed: nothing more can be written")
            lane = self._behind if behind else self._urgent
            if len(lane) >= MOST_URGENT:
                raise StoreError(
                    f"{self._path}: {MOST_URGENT:,} writes wait already; the disk is too slow"
                )
            lane.append((job, future))
            self._changed.notify()
        return future

    def submit_flush(self) -> "Future[None]":
        """The future ends once all that was queued before is on disk, or was dropped."""
        with self._changed:
            if self._lazy:
                self._due = 0.0
        return self.submit(lambda: None)

    def add_samples(self, job: Job, samples: int) -> None:
        """Queue a batch of readings. After stop(), and where it finds no room, it is dropped
        and counted; where there is room once the oldest batches go, those are dropped."""
        with self._changed:
            if self._stopping:
                self._dropped += samples
                return
            while self._samples + samples > self._most_samples and self._drop_oldest():
                pass
            self._batches += 1
            self._queue(("samples", self._batches), _Lazy(job, samples))

    def save(self, key: Hashable, job: Job) -> None:
        """Queue the newest state of the record `key`; an older one that still waits is void.

        Raises StoreError when the writer is stopped or MOST_RECORDS records wait."""
        with self._changed:
            if self._stopping:
                raise StoreError(f"{self._path} is closed: nothing more can be written")
            if len(self._lazy) >= MOST_RECORDS and key not in self._lazy:
                raise StoreError(f"{self._path}: {MOST_RECORDS:,} records wait: {self._trouble}")
            self._lazy.pop(key, None)
            self._queue(key, _Lazy(job, 0))

    def stats(self) -> WriterStats:
        """How it stands."""
        with self._changed:
            return WriterStats(self._samples, self._dropped, self._trouble)

    def stop(self) -> "Future[None]":
        """Write what is queued, close the connection, end the thread. Idempotent."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        return self._stopped

    def _queue(self, key: Hashable, lazy: _Lazy) -> None:
        self._lazy[key] = lazy
        self._samples += lazy.samples
        if self._due is None:
            self._due = self._clock() + LAZY_S
            self._changed.notify()

    def _drop_oldest(self) -> bool:
        key = next((key for key, lazy in self._lazy.items() if lazy.samples), None)
        if key is None:
            return False
        gone = self._lazy.pop(key).samples
        self._samples -= gone
        self._dropped += gone
        return True

    def _run(self) -> None:
        try:
            while self._turn():
                pass
            self._connection.close()
        except BaseException as error:  # noqa: BLE001 - handed to whoever awaits the end
            logger.critical("the writer of %s ended: %s", self._path, error)
            self._fail_all(error)
            self._stopped.set_exception(of_use(self._path, Exception(str(error))))
        else:
            self._stopped.set_result(None)

    def _turn(self) -> bool:
        """Wait for work and do what is due; false when stopped and nothing is left."""
        with self._changed:
            while not (self._urgent or self._behind or self._stopping or self._lazy_is_due()):
                self._changed.wait(
                    None if self._due is None else max(0.0, self._due - self._clock())
                )
            flushing = self._due == 0.0
            stopping = self._stopping
            urgent = [
                self._urgent.popleft()
                for _ in range(0 if flushing else min(len(self._urgent), URGENT_AT_ONCE))
            ]
            records = self._take_records() if urgent else OrderedDict[Hashable, _Lazy]()
            lazy = OrderedDict[Hashable, _Lazy]()
            due = self._lazy_is_due() or stopping
            if self._behind and not urgent and not (due and self._lazy):
                urgent = [self._behind.popleft()]
            if due:
                lazy, self._lazy = self._lazy, lazy
                self._due, self._samples = None, 0
            last = stopping and not self._urgent and not self._behind
        if records:
            self._write_lazy(records, again=not last)
        if urgent:
            self._write_urgent(urgent)
        if lazy:
            self._write_lazy(lazy, again=not last)
        return not last

    def _take_records(self) -> OrderedDict[Hashable, _Lazy]:
        """What an event or an intent is about goes to disk before it: after a kill between the
        two, an action would be of a server that nobody knows, and done again on the new one."""
        records = [(key, lazy) for key, lazy in self._lazy.items() if not lazy.samples]
        for key, _ in records:
            del self._lazy[key]
        return OrderedDict(records)

    def _lazy_is_due(self) -> bool:
        return self._due is not None and self._clock() >= self._due

    def _write_urgent(self, urgent: list[tuple[Job, Future[Any]]]) -> None:
        outcomes = self._write([job for job, _ in urgent])
        for (_, future), (result, error) in zip(urgent, outcomes, strict=True):
            if error is None:
                future.set_result(result)
            elif isinstance(error, StoreError | ValueError):
                future.set_exception(error)
            else:
                future.set_exception(of_use(self._path, error))

    def _write_lazy(self, lazy: OrderedDict[Hashable, _Lazy], *, again: bool) -> None:
        outcomes = self._write([entry.job for entry in lazy.values()])
        with self._changed:
            # Backwards and to the front: what was queued meanwhile came later.
            for (key, entry), (_, error) in reversed(
                list(zip(lazy.items(), outcomes, strict=True))
            ):
                if error is None:
                    continue
                self._dropped += entry.samples
                # A record that can't be written for what it is would fail for ever.
                disk = isinstance(error, sqlite3.OperationalError)
                if disk and again and not entry.samples and key not in self._lazy:
                    self._queue(key, entry)
                    self._lazy.move_to_end(key, last=False)

    def _write(self, jobs: Sequence[Job]) -> list[tuple[Any, Exception | None]]:
        """Do jobs in one transaction. Where one of them is at fault rather than the disk, each
        gets a transaction of its own."""
        before = self._connection.total_changes
        try:
            with transaction(self._connection):
                results = [job() for job in jobs]
                self._hooks.before_commit()
        except Exception as error:  # noqa: BLE001 - every error is handed to the job's owner
            self._hooks.rolled_back()
            if len(jobs) > 1 and not isinstance(error, sqlite3.OperationalError):
                return [self._write([job])[0] for job in jobs]
            self._note(of_use(self._path, error))
            return [(None, error)] * len(jobs)
        # A transaction that wrote nothing says nothing of the disk.
        if self._connection.total_changes > before:
            self._note(None)
        return [(result, None) for result in results]

    def _note(self, error: StoreError | None) -> None:
        trouble = "" if error is None else str(error)
        if trouble and trouble != self._trouble:
            logger.error("%s; readings are dropped until it can be written again", trouble)
        elif self._trouble and not trouble:
            logger.warning("%s can be written again", self._path)
        self._trouble = trouble

    def _fail_all(self, error: BaseException) -> None:
        with self._changed:
            self._stopping = True
            urgent = [*self._urgent, *self._behind]
            self._urgent.clear()
            self._behind.clear()
        for _, future in urgent:
            future.set_exception(of_use(self._path, Exception(str(error))))
