"""Minutes and hours are written when readings expire, and whatever comes late finds its way."""

from collections.abc import Iterator

import pytest

from outkept.store.history import SeriesKey, Window
from tests.store.history_contract import HOUR, KEY, RETENTION, START, naive, same
from tests.store.test_history_chunks import ChunkBench
from tests.store.values import reading

EXPIRED = START + HOUR + RETENTION.raw + 61
"""When the first hour leaves the raw tier."""


@pytest.fixture
def bench() -> Iterator[ChunkBench]:
    made = ChunkBench()
    yield made
    made.close()


def test_as_long_as_there_are_readings_there_are_no_minutes(bench: ChunkBench) -> None:
    bench.add(*(reading(i % 7, START + i) for i in range(0, 3600, 10)))
    bench.maintain(START + HOUR + 61)
    assert (bench.count("chunks"), bench.count("minutes"), bench.count("hours")) == (1, 0, 0)
    bench.maintain(EXPIRED)
    assert (bench.count("chunks"), bench.count("minutes"), bench.count("hours")) == (0, 1, 1)


def test_readings_that_come_while_their_hour_is_folded_are_in_its_minutes(
    bench: ChunkBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of groups that are folded already, of others, and of ones that had nothing before."""
    monkeypatch.setattr("outkept.store.rollup.SLICE_S", 0.0)
    bench.add(reading(1, START + 2 * HOUR, sensor="first"))
    expected = {f"load{n}": {START + 5.0: 3.0} for n in range(6)}
    for sensor in expected:
        bench.add(reading(3, START + 5, sensor=sensor))
    bench.maintain(START + HOUR + 61)
    slices = came = 0
    while bench.slice(EXPIRED):
        slices += 1
        assert slices < 1000
        if slices % 4 == 0 and came < 12:
            for sensor in ("load0", "load5", "first", f"new{slices}"):
                at = START + 5.0 + slices
                if bench.add(reading(slices, at, sensor=sensor)) == 0:
                    expected.setdefault(sensor, {})[at] = float(slices)
                    came += 1
    assert came == 12
    assert bench.count("chunks") == 1
    for sensor, values in expected.items():
        found = bench.history.query(SeriesKey("a", sensor), Window(START, START + HOUR, 60))
        assert same(found, naive(values, START, 60.0, 60))


def test_minutes_that_an_older_version_wrote_at_once_are_kept_true(bench: ChunkBench) -> None:
    bench.add(reading(1, START + 10))
    bench.maintain(START + HOUR + 61)
    bench.fold(START)
    assert bench.count("minutes") == 1
    assert bench.add(reading(3, START + 20)) == 0
    bench.maintain(EXPIRED)
    assert bench.count("chunks") == 0
    points = bench.history.query(KEY, Window(START, START + HOUR, 1))
    assert points == [(START, 1, 2, 3)]


def test_an_hour_of_which_all_servers_were_removed_expires(bench: ChunkBench) -> None:
    bench.add(reading(1, START + 10), reading(1, START + 2 * HOUR, server="b", sensor="users"))
    bench.maintain(START + HOUR + 61)
    bench.drop_series("load")
    bench.maintain(EXPIRED)
    assert bench.count("minutes") == 0
    bench.maintain(EXPIRED + 3 * HOUR)
    assert bench.count("chunks") == 0
    assert bench.count("minutes") == 1
