"""History: bytes a reading by kind, CPU a reading, a month of one sensor, a fleet's heat map.

python -m bench.history [--short]

DuckDB and Parquet are compared where duckdb and pyarrow are installed; Outkept needs neither.
"""

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.common import Cpu, Report, Row, parser, percentile, rounded, steps
from bench.engines import KEEP, Chunks, alternatives
from bench.series import KINDS, arrivals, machine_samples, rate
from outkept.model.event import Event, EventType
from outkept.model.reading import Reading, Sample
from outkept.store import Store
from outkept.store.history import HeatWindow, SeriesKey, Window

START = 1_699_920_000.0
HOUR = 3600.0
DAY = 86400.0
EVERY_S = 10.0
GOAL_BYTES, GOAL_CORE, GOAL_MONTH_S, GOAL_HEAT_S = 2.0, 0.1, 0.1, 0.5
RATE = 12_000
"""Readings a second of the largest fleet that one process is meant for."""


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    servers: int
    hours: int
    samples: int
    fleet: int
    ingest_s: int
    days: int
    heat: tuple[int, ...]


FULL = Size(64, 3, 360, 300, 3600, 30, (1000, 10_000))
SHORT = Size(4, 1, 10, 5, 60, 1, (40,))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, write."""
    options = parser(__doc__).parse_args(arguments)
    size = SHORT if options.short else FULL
    rows: list[Row] = []
    parts: list[tuple[str, Callable[[Path, Size], list[Row]]]] = [
        ("bytes by kind", bytes_by_kind),
        ("this machine's own sensors", own_sensors),
        ("engines side by side", engines),
        ("an hour of a fleet", fleet),
        ("a month of one sensor", month),
        ("heat maps", heat_maps),
    ]
    with steps("history", len(parts)) as step:
        for name, part in parts:
            step(name)
            with tempfile.TemporaryDirectory() as directory:
                rows += part(Path(directory), size)
    Report(
        "history",
        options.short,
        {"every": f"{EVERY_S:g} s", "size": str(size)},
        rows,
        (
            "Bytes are pages in use of the database file, per reading: after its hour was packed,"
            " and after the readings expired and their minutes and hours took their place.",
            "CPU is user and system time of the whole process.",
        ),
    ).publish(options.results)


def _row(what: str, value: float, unit: str, goal: float | None, note: str = "") -> Row:
    return {
        "measured": what,
        "value": rounded(value),
        "unit": unit,
        "goal": goal,
        "note": note,
    }


def bytes_by_kind(directory: Path, size: Size) -> list[Row]:
    """Of each kind at the bench's interval, and of loads at others."""
    kinds = {**KINDS, "rate, 4 digits": rate(4), "rate, all 17 digits": rate(None)}
    rows = []
    for number, (name, value) in enumerate(kinds.items()):
        rows.append(_stored(directory / str(number), name, value, EVERY_S, size))
    for every in (30.0, 60.0, 300.0):
        name = f"load every {every:g} s"
        rows.append(_stored(directory / name, name, KINDS["load, 0.52"], every, size))
    return rows


def _stored(
    directory: Path, name: str, value: Callable[[int, float], float], every: float, size: Size
) -> Row:
    count = int(size.hours * HOUR / every)
    readings = [
        Reading(f"s{n}", "sensor", START + at, (Sample(None, value(n, number * every)),))
        for n in range(size.servers)
        for number, at in enumerate(arrivals(n, every, count))
    ]
    return _bytes_row(directory, name, readings)


def _bytes_row(directory: Path, name: str, readings: list[Reading]) -> Row:
    chunks = Chunks(directory)
    _feed(chunks, readings)
    total, parts = chunks.grown(), _each(chunks, len(readings))
    chunks.maintain(readings[-1].at + KEEP.raw + HOUR + 120)
    later = chunks.grown() / len(readings)
    note = f"{parts}; once readings expired {later:.2f}: {_each(chunks, len(readings))}"
    chunks.close()
    return _row(f"disk: {name}", total / len(readings), "B/reading", GOAL_BYTES, note)


def _each(chunks: Chunks, readings: int) -> str:
    lengths = {table: length / readings for table, length in chunks.lengths().items()}
    return ", ".join(f"{table} {value:.2f}" for table, value in lengths.items() if value)


def _feed(chunks: Chunks, readings: list[Reading]) -> None:
    """In the order of time, a commit a minute, maintained as often, then all compacted."""
    readings.sort(key=lambda reading: reading.at)
    batch: list[Reading] = []
    due = readings[0].at + 60
    for reading in readings:
        if reading.at >= due:
            chunks.add(batch)
            chunks.maintain(due)
            batch, due = [], due + 60
        batch.append(reading)
    chunks.add(batch)
    chunks.maintain(readings[-1].at + HOUR + 120)


def own_sensors(directory: Path, size: Size) -> list[Row]:
    """This machine's, sampled fast, told to the engine as if they were the bench's interval
    apart. Each is alone in its chunk, without others to share anything with; the figure is of
    the data alone, because a single chunk doesn't fill a page."""
    rows = []
    for name, values in machine_samples(size.samples, 0.1).items():
        readings = [
            Reading("own", "own", START + at, (Sample(None, value),))
            for at, value in zip(arrivals(0, EVERY_S, len(values)), values, strict=True)
        ]
        chunks = Chunks(directory / name.replace("/", " "))
        _feed(chunks, readings)
        note = f"alone; {_each(chunks, len(values))}"
        total = sum(chunks.lengths().values()) / len(values)
        chunks.close()
        what = f"disk: this machine's {name}"
        rows.append(_row(what, total, "B/reading", GOAL_BYTES, note))
    return rows


def engines(directory: Path, size: Size) -> list[Row]:
    """The same readings in each: bytes, CPU of taking them in, a series of all of it."""
    values = list(KINDS.values())
    batches: list[list[tuple[int, float, float]]] = []
    for hour in range(size.hours):
        rows = [
            (n, START + hour * HOUR + at, values[n % len(values)](n, hour * HOUR + i * EVERY_S))
            for n in range(size.servers * 4)
            for i, at in enumerate(arrivals(n, EVERY_S, int(HOUR / EVERY_S)))
        ]
        batches.append(rows)
    total = sum(map(len, batches))
    found = [_ours(directory, batches, total)]
    for name, engine in alternatives(directory).items():
        before = Cpu.now()
        for batch in batches:
            engine.add(batch)
        cpu = Cpu.now().since(before)
        bytes_ = engine.size() / total
        begun = time.perf_counter()
        assert engine.month(3, START, START + size.hours * HOUR, 500) > 0
        took = time.perf_counter() - begun
        found.append(_side(name, bytes_, cpu / total, took, "raw only, a commit an hour"))
    return found


def _ours(directory: Path, batches: list[list[tuple[int, float, float]]], total: int) -> Row:
    chunks = Chunks(directory / "chunks")
    readings = [
        Reading(f"s{n}", f"sensor{n % len(KINDS)}", at, (Sample(None, value),))
        for batch in batches
        for n, at, value in batch
    ]
    before = Cpu.now()
    _feed(chunks, readings)
    cpu = Cpu.now().since(before)
    begun = time.perf_counter()
    end = START + len(batches) * HOUR
    assert chunks.history.query(SeriesKey("s3", "sensor3"), Window(START, end, 500))
    took = time.perf_counter() - begun
    row = _side("chunks", chunks.grown() / total, cpu / total, took, "all tiers, a commit a minute")
    chunks.close()
    return row


def _side(name: str, bytes_: float, cpu: float, took: float, note: str) -> Row:
    said = f"{cpu * 1e6:.1f} µs CPU a reading, one series {took * 1e3:.1f} ms; {note}"
    return _row(f"engine: {name}", bytes_, "B/reading", GOAL_BYTES, said)


def fleet(directory: Path, size: Size) -> list[Row]:
    """Through the store, as the daemon does it: an hour of a fleet of twelve sensors, as fast
    as it goes, with events between; sealed, rolled up and packed."""
    return asyncio.run(_fleet(directory, size))


async def _fleet(directory: Path, size: Size) -> list[Row]:
    store = Store.open(directory, most_samples=10_000_000)
    values = list(KINDS.values())
    rng = random.Random(1)
    pool = [[value(n, t * EVERY_S) for t in range(97)] for n in range(8) for value in values]
    ticks = int(size.ingest_s / EVERY_S)
    waits: list[float] = []
    cpu, made = 0.0, 0
    for tick in range(ticks):
        batch = [
            Reading(
                f"s{n}",
                f"sensor{k}",
                START + tick * EVERY_S + n / size.fleet * EVERY_S + rng.random() / 50,
                (Sample(None, pool[(n * 12 + k) % len(pool)][tick % 97]),),
            )
            for n in range(size.fleet)
            for k in range(12)
        ]
        before = Cpu.now()
        store.add_readings(batch)
        await store.flush()
        if tick % 6 == 5:
            await _maintained(store, START + (tick + 1) * EVERY_S, waits)
        cpu += Cpu.now().since(before)
        made += len(batch)
    before = Cpu.now()
    await _maintained(store, START + size.ingest_s + HOUR, waits)
    cpu += Cpu.now().since(before)
    assert store.stats().dropped == 0
    await store.close()
    each = cpu / made
    return [
        _row("CPU a reading", each * 1e6, "µs", GOAL_CORE / RATE * 1e6, f"{made:,} readings"),
        _row(f"core at {RATE:,} readings/s", each * RATE, "core", GOAL_CORE),
        _row("event beside maintenance, p99", percentile(waits, 0.99) * 1e3, "ms", 50.0),
        _row("event beside maintenance, longest", max(waits) * 1e3, "ms", None, f"{len(waits)}"),
    ]


async def _maintained(store: Store, now: float, waits: list[float]) -> None:
    """Maintain, while events are written one after the other, each timed."""

    async def events(done: asyncio.Event) -> None:
        while not done.is_set():
            begun = time.monotonic()
            await store.add_event(Event(now, EventType.MESSAGE, "beside"))
            waits.append(time.monotonic() - begun)
            await asyncio.sleep(0.02)

    done = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(events(done))
        while await store.maintain(now):
            pass
        done.set()


def month(directory: Path, size: Size) -> list[Row]:
    """One series out of a full chunk, read every minute: two days of readings, then minutes."""
    chunks = Chunks(directory)
    every = 60.0
    count = int(HOUR / every)
    for hour in range(int(size.days * 24)):
        start = START + hour * HOUR
        chunks.add(
            [
                Reading(f"s{n}", "load", start + i * every, (Sample(None, _quick(n, hour, i)),))
                for n in range(32)
                for i in range(count)
            ]
        )
        chunks.maintain(start + HOUR + 61)
    end = START + size.days * DAY
    rows = []
    for points in (300, 1000, 5000):
        window = Window(end - size.days * DAY, end, points)
        took, found = _median(partial(chunks.history.query, SeriesKey("s7", "load"), window))
        what = f"month of one sensor, {points} points"
        rows.append(_row(what, took * 1e3, "ms", GOAL_MONTH_S * 1e3, f"{len(found)} points"))
    slices = chunks.slices
    chunks.close()
    rows.append(_row("slice of maintenance, longest, CPU", max(slices) * 1e3, "ms", 50.0))
    return rows


def _quick(n: int, hour: int, i: int) -> float:
    return ((n * 7919 + hour * 104729 + i * i * 31) % 50 + 20) / 100


def _median(do: Callable[[], Sequence[object]]) -> tuple[float, Sequence[object]]:
    found: Sequence[object] = ()
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        found = do()
        times.append(time.perf_counter() - begun)
    return statistics.median(times), found


def heat_maps(directory: Path, size: Size) -> list[Row]:
    """A day of one sensor over fleets, read every ten minutes, and every ten seconds for the
    last two minutes, which are in the journal still."""
    rows = []
    for servers in size.heat:
        with _day_of(directory / str(servers), servers) as chunks:
            for columns in (24, 96):
                window = HeatWindow(START, START + DAY, columns)
                took, found = _median(partial(chunks.history.heatmap, "load", window))
                assert len(found) == servers
                what = f"heat map of a day, {servers:,} servers × {columns} columns"
                rows.append(_row(what, took * 1e3, "ms", GOAL_HEAT_S * 1e3))
    return rows


@contextmanager
def _day_of(directory: Path, servers: int) -> Iterator[Chunks]:
    chunks = Chunks(directory)
    for tick in range(143):
        at = START + tick * 600
        chunks.add([_one(n, at + n % 600, tick) for n in range(servers)])
        chunks.maintain(at + 599)
    chunks.maintain(START + DAY - 300)
    for tick in range(120):
        at = START + DAY - 121 + tick
        chunks.add([_one(n, at, tick) for n in range(tick % 10, servers, 10)])
    yield chunks
    chunks.close()


def _one(n: int, at: float, tick: int) -> Reading:
    return Reading(f"s{n:05}", "load", at, (Sample(None, _quick(n, tick, 3)),))


if __name__ == "__main__":
    main()
