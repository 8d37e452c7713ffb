"""`Store`: the state directory, open. The rest of the daemon knows nothing else of it."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from outkept.model.action import Action, AlreadyStartedError
from outkept.model.address import AddressState
from outkept.model.event import Event, EventQuery, EventType
from outkept.model.incident import Incident
from outkept.model.reading import Reading
from outkept.model.server import Server
from outkept.store import incidents, records
from outkept.store.database import open_database
from outkept.store.engine import ChunkHistory
from outkept.store.errors import StoreError
from outkept.store.history import (
    HeatRow,
    HeatWindow,
    History,
    LastReading,
    Point,
    Retention,
    SeriesKey,
    Window,
)
from outkept.store.incidents import Found
from outkept.store.lock import StateLock
from outkept.store.pace import AT_ONCE, Pace
from outkept.store.pages import Page, check_limit
from outkept.store.readers import Readers
from outkept.store.writer import MOST_SAMPLES, Writer

CLOSE_S = 10.0
MAINTAIN_S = 30.0
"""How long one call of `maintain` goes on; the rest is left for the next."""
_BATCH_SAMPLES = 1000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StoreStats:
    """`waiting` samples are queued. Since the start, `dropped` samples found no room in the
    queue or on the disk, and `refused` ones were none that history keeps: not finite, older
    than the raw tier, or one instance too many. `trouble` says why the last write failed, in
    one line; empty when it didn't."""

    waiting: int
    dropped: int
    refused: int
    trouble: str


class Store:
    """Reads and writes of the state; made by `open`, ended by `close`.

    What is awaited is on disk (fsync) when it returns. What is not awaited is on disk within
    a second, and read from there by the reading methods. All of it is cancel-safe: a write
    that was asked for is done, whether or not its caller still waits.
    Every awaited method raises StoreError, one line, when the state can't be read or written.
    """

    def __init__(
        self,
        lock: StateLock,
        path: Path,
        connection: sqlite3.Connection,
        retention: Retention,
        most_samples: int,
    ) -> None:
        self._lock = lock
        self._path = path
        self._connection = connection
        self._retention = retention
        self._readers = Readers(path)
        self._history: History = ChunkHistory(connection, self._readers.connection, retention)
        self._writer = Writer(path, connection, self._history, most_samples)
        self._refused = 0

    @classmethod
    def open(
        cls,
        state_dir: Path,
        retention: Retention | None = None,
        *,
        most_samples: int = MOST_SAMPLES,
    ) -> "Store":
        """Open the state in `state_dir`, creating both where there is none.

        Blocks, for at most some seconds after a crash. Raises StateInUse, StateDamaged,
        StateNewer or StateUnwritable; what is there is then as it was.
        """
        lock = StateLock.acquire(state_dir)
        try:
            path, connection = open_database(state_dir)
            return cls(lock, path, connection, retention or Retention(), most_samples)
        except BaseException:
            lock.release()
            raise

    # What the parts of the store with a file of their own are made of

    async def write(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run `job` in a transaction of the writer's; what it wrote is on disk when this
        returns."""
        return await asyncio.wrap_future(self._writer.submit(partial(job, self._connection)))

    async def read(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run `job` on a connection that can't write."""
        return await self._readers.run(job)

    # Inventory

    async def load_servers(self) -> list[Server]:
        """All servers, by id."""
        return await self._readers.run(records.servers)

    async def load_addresses(self) -> list[AddressState]:
        """All addresses that were swept."""
        return await self._readers.run(records.addresses)

    def save_server(self, server: Server) -> None:
        """Queue a server's newest state. Raises StoreError when the store is closed."""
        self._writer.save(
            ("server", server.id), partial(records.save_server, self._connection, server)
        )

    def save_address(self, state: AddressState) -> None:
        """Queue an address's newest state. Raises StoreError when the store is closed, or the
        disk has taken nothing for so long that a hundred thousand records wait."""
        self._writer.save(
            ("address", state.endpoint), partial(records.save_address, self._connection, state)
        )

    async def addresses(
        self,
        limit: int = 100,
        cursor: str | None = None,
        *,
        outcome: str | None = None,
        reason: str | None = None,
    ) -> Page[AddressState]:
        """A page of addresses, the last tried first. Raises ValueError for a bad limit/cursor."""
        return await self._readers.run(
            lambda connection: records.addresses_page(connection, limit, cursor, outcome, reason)
        )

    async def address_outcomes(self) -> list[tuple[str, str, int, float]]:
        """Outcome, reason, how many addresses ended so and when the last of them was tried
        (UNIX seconds); most first. The reason of servers is left out."""
        return await self._readers.run(records.address_outcomes)

    # Readings

    def add_readings(self, readings: Iterable[Reading]) -> None:
        """Queue readings, in order. Never blocks, never raises: when ten seconds of the largest
        fleet wait, the oldest thousand are dropped for each new thousand, and counted."""
        batch: list[Reading] = []
        samples = 0
        for reading in readings:
            batch.append(reading)
            samples += max(1, len(reading.samples))
            if samples >= _BATCH_SAMPLES:
                self._writer.add_samples(partial(self._add, batch), samples)
                batch, samples = [], 0
        if batch:
            self._writer.add_samples(partial(self._add, batch), samples)

    async def history(
        self,
        server: str,
        sensor: str,
        instance: str | None,
        from_: float,
        to: float,
        points: int,
    ) -> list[Point]:
        """At most `points` buckets of readings with from_ <= at < to, sorted, without empty
        ones: (start, min, mean, max). Raises ValueError for a window that makes no sense."""
        window = Window(from_, to, points)
        key = SeriesKey(server, sensor, instance)
        return await self._readers.run(lambda _: self._history.query(key, window))

    async def heatmap(self, sensor: str, from_: float, to: float, columns: int) -> list[HeatRow]:
        """The mean of each column for every series of a sensor that has readings with from_ <=
        at < to, by server and instance. Raises ValueError for a window that makes no sense, and
        where there would be more than MOST_CELLS cells."""
        window = HeatWindow(from_, to, columns)
        return await self._readers.run(lambda _: self._history.heatmap(sensor, window))

    async def texts(
        self, key: SeriesKey, from_: float, to: float, limit: int = 100
    ) -> list[tuple[float, str]]:
        """The newest changes of a text series with from_ <= at < to, oldest first."""
        most = check_limit(limit)
        return await self._readers.run(lambda _: self._history.texts(key, from_, to, most))

    async def last_readings(self) -> list[LastReading]:
        """The last reading of every series, for a start that shows them with their age."""
        return await self._readers.run(lambda _: self._history.last())

    # Events and actions

    async def add_event(self, event: Event) -> Event:
        """Write an event, and what it makes of its incident; the event with its id and its
        incident's, on disk. One that says that a server is removed removes it with its history;
        its events and actions stay."""
        return await self.write(lambda connection: self._take(connection, event))

    async def events(
        self,
        limit: int = 100,
        cursor: str | None = None,
        *,
        server: str | None = None,
        type: str | None = None,
        q: str | None = None,
    ) -> Page[Event]:
        """A page of events, newest first. `q` is found anywhere in the message, whatever the
        case of its ASCII letters. Raises ValueError for a bad limit, cursor or q."""
        types = () if type is None else (type,)
        return await self.find_events(EventQuery(server, None, types, text=q), limit, cursor)

    async def find_events(
        self, wanted: EventQuery, limit: int = 100, cursor: str | None = None
    ) -> Page[Event]:
        """A page of the events that are wanted, newest first. Raises ValueError like `events`."""
        return await self._readers.run(
            lambda connection: records.events_page(connection, limit, cursor, wanted)
        )

    async def incidents(
        self,
        limit: int = 100,
        cursor: str | None = None,
        *,
        server: str | None = None,
        state: str | None = None,
        acknowledged: bool | None = None,
    ) -> Page[Found]:
        """A page of incidents: those that are open, the newest first, then those that ended,
        the last to end first. `state` is `open` or `ended` where only such are wanted, and
        `acknowledged` whether somebody has, or had, taken them on. Raises ValueError for a bad
        limit or cursor."""
        return await self._readers.run(
            lambda connection: incidents.incidents_page(
                connection, limit, cursor, server, state, acknowledged=acknowledged
            )
        )

    async def incident(self, event: int) -> Found | None:
        """The incident that the event of this id is part of; None if it is part of none."""
        return await self._readers.run(lambda connection: incidents.incident(connection, event))

    async def last_told(self, incident: int, types: Sequence[EventType]) -> float | None:
        """When (UNIX seconds) the last event of these types of an incident was, however many there
        are; None where there is none."""
        return await self._readers.run(
            lambda connection: incidents.last_told(connection, incident, types)
        )

    async def open_incidents(self) -> list[Incident]:
        """All incidents that are open, the oldest first."""
        return await self._readers.run(incidents.open_incidents)

    async def count_events(self, since: float) -> dict[str, int]:
        """How many events of each type there were at or after `since` (UNIX seconds)."""
        return await self._readers.run(lambda connection: records.count_events(connection, since))

    async def intend(self, action: Action) -> Action:
        """Write an action before anything is sent; the same with its id, on disk.

        Raises AlreadyStartedError where nobody had it run and its step was started for its incident
        before.
        """
        written = await self.write(lambda connection: records.start_action(connection, action))
        if written is None:
            raise AlreadyStartedError
        return written

    async def finish(self, action: Action) -> None:
        """Write the outcome of an action that was intended. Raises StoreError also where there
        is no action of its id."""
        await self.write(lambda connection: records.finish_action(connection, action))

    async def close_unfinished(self, now: float, say: Callable[[Action], Event]) -> list[Action]:
        """At a start: what a daemon that is gone left INTENDED becomes UNKNOWN, and what `say`
        makes of each (in another thread) is written with that; those actions."""
        return await self.write(lambda connection: self._close_unfinished(connection, now, say))

    async def remove_orphans(self, say: Callable[[str], Event]) -> list[Event]:
        """At a start: of each server that is not known any more and has an open incident, or a
        latch, what `say` makes of it (in another thread), which says that it is removed, is
        written, and ends them; those events."""
        return await self.write(
            lambda connection: [
                self._take(connection, say(server)) for server in incidents.orphans(connection)
            ]
        )

    async def actions(
        self, limit: int = 100, cursor: str | None = None, *, server: str | None = None
    ) -> Page[Action]:
        """A page of actions, newest first. Raises ValueError for a bad limit or cursor."""
        return await self._readers.run(
            lambda connection: records.actions_page(connection, limit, cursor, server)
        )

    # Housekeeping

    async def set_meta(self, key: str, value: str) -> None:
        """Note a value under a key."""
        await self.write(lambda connection: records.set_meta(connection, key, value))

    async def get_meta(self, key: str) -> str | None:
        """The value noted under a key."""
        return await self._readers.run(lambda connection: records.get_meta(connection, key))

    async def maintain(self, now: float, pace: Pace = AT_ONCE) -> bool:
        """Pack, fold and expire, slice by slice, for at most MAINTAIN_S; whether work is left.

        To be called about once a minute, and again at once while work is left. `now` is UNIX
        seconds. A cancel ends it within a slice; the rests between them end at once.
        """
        end = time.monotonic() + MAINTAIN_S
        expire = partial(records.trim, self._connection, now, self._retention.hours)
        ended = partial(incidents.trim_incidents, self._connection, now, self._retention.hours)
        for job in (partial(self._history.maintain, now), expire, ended):
            slice_ = partial(self._slice, job, now, pace)
            while True:
                submitted = self._writer.submit(slice_, behind=True)
                rest = await asyncio.wrap_future(submitted)
                if rest is None:
                    break
                await pace.sleep(rest)
                if time.monotonic() >= end:
                    return True
        return False

    def stats(self) -> StoreStats:
        """How the writing stands, from memory."""
        writer = self._writer.stats()
        return StoreStats(writer.waiting, writer.dropped, self._refused, writer.trouble)

    async def flush(self) -> None:
        """Return once all that was queued before is on disk, or dropped and counted."""
        await asyncio.wrap_future(self._writer.submit_flush())

    async def close(self, deadline: float = CLOSE_S) -> None:
        """Write what is queued, for at most `deadline` seconds, and give the directory back.

        Idempotent. Raises StoreError where the deadline passed; the lock then stays until the
        process ends, because the writer may still be writing."""
        await self._readers.close()
        stopped = asyncio.wrap_future(self._writer.stop())
        try:
            await asyncio.wait_for(asyncio.shield(stopped), deadline)
        except TimeoutError:
            stopped.add_done_callback(_retrieve)
            raise StoreError(
                f"{self._path}: what was queued could not be written within {deadline:g} s;"
                " check its disk"
            ) from None
        self._lock.release()

    def _slice(self, job: Callable[[], bool], now: float, pace: Pace) -> float | None:
        """Do a slice; the seconds to rest after it, None where nothing was left to do."""
        begun = pace.clock()
        more = job()
        busy = pace.clock() - begun
        return pace.pause(busy, self._history.backlog(now)) if more else None

    def _add(self, readings: list[Reading]) -> None:
        self._refused += self._history.add(readings)

    def _close_unfinished(
        self, connection: sqlite3.Connection, now: float, say: Callable[[Action], Event]
    ) -> list[Action]:
        closed = records.close_unfinished(connection, now)
        for action in closed:
            self._take(connection, say(action))
        return closed

    def _take(self, connection: sqlite3.Connection, event: Event) -> Event:
        if event.type is EventType.REMOVED and event.server is not None:
            records.delete_server(connection, event.server)
            self._history.remove(event.server)
        return incidents.take(connection, event)


def _retrieve(future: "asyncio.Future[None]") -> None:
    with contextlib.suppress(asyncio.CancelledError):
        future.exception()
