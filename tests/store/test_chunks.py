"""Chunks give back what they were given, to the bit, and take little."""

import math
import random
import struct
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from outkept.store.chunks import (
    GROUP,
    Readings,
    aggregate,
    pack_readings,
    pack_rows,
    readings_at,
    readings_block,
    rows_at,
    rows_block,
    spans_of_readings,
    spans_of_rows,
)

TICKS = st.lists(st.integers(0, 10**12), min_size=1, max_size=60, unique=True).map(sorted)
VALUES = st.one_of(
    st.floats(-1e300, 1e300),
    st.integers(-(10**6), 10**6).map(lambda number: number / 100),
    st.integers(-(2**62), 2**62).map(float),
    st.just(0.1 + 0.2),
)


@st.composite
def series(draw: st.DrawFn) -> Readings:
    ticks = draw(TICKS)
    return Readings(ticks, draw(st.lists(VALUES, min_size=len(ticks), max_size=len(ticks))))


def bits(values: list[float]) -> list[bytes]:
    # Minus nothing is nothing.
    return [struct.pack("<d", value + 0.0) for value in values]


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.integers(0, GROUP - 1), series(), min_size=1, max_size=GROUP))
@example({0: Readings([5, 7, 9], [0.52, 0.53, 1e-300])})
@example({3: Readings([0, 10**12], [-1e300, 1e300]), 4: Readings([1], [0.0])})
def test_readings_come_back_to_the_bit(found: dict[int, Readings]) -> None:
    block = readings_block(pack_readings(sorted(found.items()), 6))
    assert list(block.slots) == sorted(found)
    for index, slot in enumerate(block.slots):
        ticks, values = readings_at(block, index)
        assert ticks == found[slot].ticks
        assert bits(values) == bits(found[slot].values)
        assert spans_of_readings(block)[index] == (min(values), max(values))


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.integers(0, GROUP - 1), series(), min_size=1, max_size=5))
def test_rows_come_back_with_means_as_good_as_exact(found: dict[int, Readings]) -> None:
    rows = {slot: aggregate(readings, 60) for slot, readings in found.items()}
    block = rows_block(pack_rows(sorted(rows.items()), 6))
    for index, slot in enumerate(block.slots):
        back, expected = rows_at(block, index), rows[slot]
        assert back.starts == expected.starts
        assert back.counts == expected.counts
        assert (back.lows, back.highs) == (expected.lows, expected.highs)
        assert spans_of_rows(block)[index] == (min(back.lows), max(back.highs))
        for mean, other, low, high in zip(
            back.means, expected.means, expected.lows, expected.highs, strict=True
        ):
            assert math.isclose(mean, other, rel_tol=1e-12, abs_tol=1e-12 * max(-low, high, 1))


def test_loads_on_an_aligned_schedule_take_little_more_than_a_byte() -> None:
    def load(n: int, i: int) -> float:
        return round(1 + 0.5 * math.sin(n + i / 20) + 0.1 * math.sin(i * i * (n + 1)), 2)

    found = [
        (n, Readings([100 * i + n for i in range(360)], [load(n, i) for i in range(360)]))
        for n in range(GROUP)
    ]
    assert len(pack_readings(found, 6)) < 1.2 * GROUP * 360


def test_what_does_not_change_takes_next_to_nothing() -> None:
    found = [(n, Readings([100 * i for i in range(360)], [41.5] * 360)) for n in range(GROUP)]
    assert len(pack_readings(found, 6)) < 200


CHUNKS0 = Path(__file__).parent / "chunks0"
"""Made by the code that made version 0, at level 6, of what `kept0` gives."""


def kept0() -> dict[int, Readings]:
    """A series for each way of keeping values: constant, with decimals, in pages of memory,
    rising evenly, and as 64 bits."""

    def value(n: int, i: int) -> float:
        return (
            41.0,
            round(1 + 0.5 * math.sin(n + i / 20) + 0.1 * math.sin(i * i * (n + 1)), 2),
            4096.0 * (1_000_000 + (i * i * 7919) % 90_000),
            8e5 + 10 * i,
            (i * i * 31 % 977) / 7,
        )[n]

    return {
        3 * n: Readings(
            [17_000_000_000 + 100 * i + (n * i * i) % 3 for i in range(40 - n)],
            [value(n, i) for i in range(40 - n)],
        )
        for n in range(5)
    }


def test_readings_that_an_older_version_packed_are_read() -> None:
    block = readings_block((CHUNKS0 / "readings.bin").read_bytes())
    assert {s: readings_at(block, i) for i, s in enumerate(block.slots)} == kept0()
    spans = [(min(found.values), max(found.values)) for found in kept0().values()]
    assert spans_of_readings(block) == spans


def test_minutes_that_an_older_version_packed_are_read() -> None:
    block = rows_block((CHUNKS0 / "minutes.bin").read_bytes())
    expected = {slot: aggregate(found, 60) for slot, found in kept0().items()}
    assert list(block.slots) == list(expected)
    for index, slot in enumerate(block.slots):
        found = rows_at(block, index)
        assert found._replace(means=[]) == expected[slot]._replace(means=[])
        assert found.means == pytest.approx(expected[slot].means, rel=1e-12)
        assert spans_of_rows(block)[index] == (min(found.lows), max(found.highs))


def test_hundredths_of_percent_full_of_noise_take_little_more_than_it_has() -> None:
    rng = random.Random(5)
    found = [
        (
            n,
            Readings(
                [100 * i for i in range(360)],
                [round(40 + rng.gauss(0, 4.4), 2) for _ in range(360)],
            ),
        )
        for n in range(GROUP)
    ]
    # The differences of this noise have 11.3 bits.
    assert len(pack_readings(found, 6)) < 1.5 * GROUP * 360
