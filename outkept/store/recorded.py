"""Recorded readings, read back in order of time, a stretch of it after the other.

For what asks what else could have been made of them. It reads the database file itself, takes no
lock and writes nothing, so a daemon may be running on it.
"""

import sqlite3
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from sys import intern
from typing import NamedTuple, TypeVar

from outkept.model.server import Server
from outkept.store import records
from outkept.store.buckets import MOST_AT, floors
from outkept.store.chunks import (
    GROUP_BITS,
    TICKS,
    AnyBlock,
    Readings,
    Span,
    readings_at,
    readings_block,
    rows_at,
    rows_block,
    spans_of_readings,
    spans_of_rows,
)
from outkept.store.database import open_for_reading
from outkept.store.errors import StoreError, of_use
from outkept.store.history import SeriesKey
from outkept.store.journal import MOST_BATCH, TICKS_AN_HOUR, columns_of, sealing
from outkept.store.keys import (
    DAY_S,
    HOUR_S,
    MOST_GROUP,
    MOST_PART,
    SEQ_BITS,
    TIME_BITS,
    key,
    steps,
    walk_journal,
)
from outkept.store.packing import join
from outkept.store.sealing import by_hour, by_slot

T = TypeVar("T")


class Tier(StrEnum):
    """How fine a stretch of time is kept."""

    READINGS = "readings"
    MINUTES = "minutes"
    HOURS = "hours"


class Row(NamedTuple):
    """`n` readings from `start` (UNIX seconds) on, within `seconds`: the least, the mean and the
    greatest of them."""

    start: float
    seconds: float
    n: int
    low: float
    mean: float
    high: float


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time from `start` to before `end` (UNIX seconds) that is read in one piece: an hour; of
    the tier of hours, a day."""

    start: float
    end: float


class _Chunk:
    """A chunk of readings, or of rows of so many seconds each, unpacked as far as it is asked."""

    def __init__(self, block: AnyBlock, row_s: float) -> None:
        self.block = block
        self.row_s = row_s
        self._spans: list[Span] = []

    def span(self, index: int) -> Span:
        """Of the entry at `index`. All are found out at once: most are asked about."""
        if not self._spans:
            of = spans_of_rows if self.row_s else spans_of_readings
            self._spans = of(self.block)
        return self._spans[index]


class Recorded:
    """One series in one stretch. What is asked of it is unpacked then."""

    def __init__(self, series: int, stretch: Stretch) -> None:
        self.series = series
        self._stretch = stretch
        self._parts: list[tuple[_Chunk, int]] = []
        self._fresh: Readings | None = None
        self._row_s = 0.0

    def add(self, chunk: _Chunk, index: int) -> None:
        """Take a chunk's entry."""
        self._parts.append((chunk, index))
        self._row_s = chunk.row_s

    def add_fresh(self, found: Readings) -> None:
        """Take readings that are in no chunk yet."""
        self._fresh = found

    def span(self) -> Span:
        """The least and the greatest value, of the stretch or of the chunks it lies in."""
        return _sound(self._span)

    def readings(self) -> list[tuple[float, float]]:
        """UNIX seconds and value of every reading, in order; empty where only rows are kept."""
        return [] if self._row_s else _sound(self._readings)

    def rows(self) -> list[Row]:
        """The rows, in order; empty where every reading is kept."""
        return _sound(self._rows) if self._row_s else []

    def _span(self) -> Span:
        spans = [chunk.span(index) for chunk, index in self._parts]
        if self._fresh is not None:
            spans.append((min(self._fresh.values), max(self._fresh.values)))
        return min(low for low, _ in spans), max(high for _, high in spans)

    @property
    def count(self) -> int:
        """How many readings or rows are packed here; one that is in two chunks counts twice."""
        packed = sum(chunk.block.length(index) for chunk, index in self._parts)
        return packed + (len(self._fresh.ticks) if self._fresh is not None else 0)

    def _readings(self) -> list[tuple[float, float]]:
        found: Readings | None = None
        for chunk, index in self._parts:
            more = readings_at(chunk.block, index)
            found = join(found, more) if found else more
        if self._fresh is not None:
            found = join(found, self._fresh) if found else self._fresh
        start, end = self._stretch.start * TICKS, self._stretch.end * TICKS
        pairs = zip(*found, strict=True) if found else ()
        return [(tick / TICKS, value) for tick, value in pairs if start <= tick < end]

    def _rows(self) -> list[Row]:
        start, end = self._stretch.start, self._stretch.end
        return [
            Row(float(at), self._row_s, n, low, mean, high)
            for chunk, index in self._parts
            for at, n, low, mean, high in zip(*rows_at(chunk.block, index), strict=True)
            if start <= at < end
        ]


class Recording:
    """A state directory's history; made by `open`, ended by `close`. Not for two threads at once.

    Its memory is that of the names of all series, of the readings not yet in chunks (17 bytes
    each; some minutes of them while a daemon is running), and of what a caller keeps of a
    stretch. Methods raise StoreError, one line, when something can't be read.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        with self._reading():
            self.servers: tuple[Server, ...] = tuple(records.servers(connection))
            self.series: dict[int, SeriesKey] = dict(_series(connection))
            self.readings_from, self.minutes_from = floors(connection)
            self._journal = _journal(connection)
            newest = connection.execute(
                "SELECT max(at) FROM latest WHERE typeof(value) <> 'text'"
            ).fetchone()[0]
        self._fresh_hours = {
            group: {tick // TICKS_AN_HOUR for tick in columns_of(data)[1]}
            for group, data in self._journal.items()
        }
        fresh = [max(columns_of(data)[1]) / TICKS for data in self._journal.values()]
        self.newest: float | None = max(
            [*fresh, *([] if newest is None else [newest])], default=None
        )
        """UNIX seconds of the newest number that is recorded; None where there is none."""
        self.oldest = self._oldest()
        """UNIX seconds before which nothing is recorded, to the hour or the day; None where there
        is nothing at all."""
        self.groups: dict[str, list[int]] = defaultdict(list)
        """The groups of each sensor's series."""
        for group, sensor in sorted(
            {(id_ >> GROUP_BITS, one.sensor) for id_, one in self.series.items()}
        ):
            self.groups[sensor].append(group)

    @classmethod
    def open(cls, directory: Path) -> "Recording":
        """Raises StateError, and StoreError where a record in it can't be read."""
        path, connection = open_for_reading(directory)
        try:
            return cls(path, connection)
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Idempotent."""
        self._connection.close()

    def tier(self, at: float) -> Tier:
        """The finest that was kept of a time when the recording was opened."""
        if at >= self.readings_from:
            return Tier.READINGS
        return Tier.MINUTES if at >= self.minutes_from else Tier.HOURS

    def stretches(self, from_: float, to: float) -> list[Stretch]:
        """Those with readings, of a time from `from_` to before `to`, in order."""
        from_, to = max(from_, 0.0), min(to, MOST_AT)
        found: list[Stretch] = []
        with self._reading():
            for table, seconds, first, last in (
                ("hours", DAY_S, from_, min(to, self.minutes_from)),
                ("minutes", HOUR_S, max(from_, self.minutes_from), min(to, self.readings_from)),
                ("chunks", HOUR_S, max(from_, self.readings_from), to),
            ):
                if first < last:
                    have = set(
                        steps(self._connection, table, int(first // seconds), int(last // seconds))
                    )
                    if table == "chunks":
                        have.update(*self._fresh_hours.values())
                    found += _cut(sorted(have), seconds, first, last)
        return found

    @contextmanager
    def reading(self, stretch: Stretch) -> Iterator["Reader"]:
        """Read a stretch as it is at one moment. What a daemon seals, packs or folds meanwhile is
        found in the place it has then."""
        with self._reading():
            readings_from, minutes_from = floors(self._connection)
            if stretch.start >= readings_from:
                yield Reader(self, stretch, Tier.READINGS)
            elif stretch.start >= minutes_from:
                yield Reader(self, stretch, Tier.MINUTES)
            else:
                yield Reader(self, stretch, Tier.HOURS)

    def chunks(self, table: str, step: int, group: int) -> Sequence[bytes]:
        """The data of a group in a step of a table."""
        base = key(step, group)
        rows = self._connection.execute(
            f"SELECT data FROM {table} WHERE id BETWEEN ? AND ? ORDER BY id",  # noqa: S608 - ours
            (base, base | MOST_PART),
        )
        return [data for (data,) in rows]

    def fresh(self, hour: int, group: int) -> Iterator[tuple[int, Readings]]:
        """Slots and readings of an hour that were in no chunk when the recording was opened."""
        if hour not in self._fresh_hours.get(group, ()):
            return
        for slot, ticks, values in by_slot(self._journal[group]):
            for other, found in by_hour(ticks, values):
                if other == hour:
                    yield slot, found

    def _oldest(self) -> float | None:
        starts = [hour * HOUR_S for hours in self._fresh_hours.values() for hour in hours]
        with self._reading():
            for table, seconds in (("hours", DAY_S), ("minutes", HOUR_S), ("chunks", HOUR_S)):
                statement = f"SELECT min(id) FROM {table}"  # noqa: S608 - ours
                id_ = self._connection.execute(statement).fetchone()[0]
                if id_ is not None:
                    starts.append((id_ >> TIME_BITS) * seconds)
        return float(min(starts)) if starts else None

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """A transaction, so that nothing moves between two tables while it is looked for."""
        try:
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise of_use(self.path, error) from None


class Reader:
    """One stretch of a recording, of one tier."""

    def __init__(self, recording: Recording, stretch: Stretch, tier: Tier) -> None:
        self.tier = tier
        self._recording = recording
        self._stretch = stretch

    def group(self, group: int) -> list[Recorded]:
        """The series of a group that have something here; those of removed servers left out."""
        found: dict[int, Recorded] = {}
        start = self._stretch.start
        if self.tier is Tier.READINGS:
            for data in self._recording.chunks("chunks", int(start // HOUR_S), group):
                self._take(found, group, _sound(partial(readings_block, data)))
            for slot, fresh in self._recording.fresh(int(start // HOUR_S), group):
                self._of(found, group, slot).add_fresh(fresh)
        elif self.tier is Tier.MINUTES:
            for data in self._recording.chunks("minutes", int(start // HOUR_S), group):
                self._take(found, group, _sound(partial(rows_block, data)), 60.0)
        else:
            for data in self._recording.chunks("hours", int(start // DAY_S), group):
                self._take(found, group, _sound(partial(rows_block, data)), float(HOUR_S))
        return [one for one in found.values() if one.series in self._recording.series]

    def _take(
        self, found: dict[int, Recorded], group: int, block: AnyBlock, row_s: float = 0.0
    ) -> None:
        chunk = _Chunk(block, row_s)
        for index, slot in enumerate(block.slots):
            self._of(found, group, slot).add(chunk, index)

    def _of(self, found: dict[int, Recorded], group: int, slot: int) -> Recorded:
        one = found.get(slot)
        if one is None:
            one = found[slot] = Recorded(group << GROUP_BITS | slot, self._stretch)
        return one


def _sound(unpack: Callable[[], T]) -> T:
    """What `unpack` gives. Raises StoreError where what it unpacks is no chunk."""
    try:
        return unpack()
    except (zlib.error, ValueError, IndexError, OverflowError) as error:
        raise StoreError(
            f"the history is damaged: some readings can't be unpacked ({error}); restore the"
            " state from a backup, or replay another time"
        ) from None


def _cut(have: list[int], seconds: int, first: float, last: float) -> list[Stretch]:
    """Steps of so many seconds, as far as they lie in a time."""
    spans = [(max(step * seconds, first), min((step + 1) * seconds, last)) for step in have]
    return [Stretch(float(start), float(end)) for start, end in spans if start < end]


def _series(connection: sqlite3.Connection) -> Iterator[tuple[int, SeriesKey]]:
    for id_, server, sensor, instance in connection.execute(
        "SELECT id, server, sensor, instance FROM series"
    ):
        # A name of its own for each series would take three times the memory.
        yield id_, SeriesKey(intern(server), intern(sensor), instance)


def _journal(connection: sqlite3.Connection) -> dict[int, bytes]:
    """The records of each group that are in no chunk yet, as they arrived. One that is sealed
    later is then found twice, and is the same."""
    state = sealing(connection)
    found: dict[int, list[bytes]] = defaultdict(list)
    for id_, data in walk_journal(connection, (0, MOST_GROUP - 1), 0, MOST_BATCH):
        group = id_ & (MOST_GROUP - 1)
        if id_ >> SEQ_BITS >= state.first(group):
            found[group].append(data)
    return {group: b"".join(parts) for group, parts in found.items()}
