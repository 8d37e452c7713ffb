"""Chunks: the readings, or the rows of minutes and hours, of a group of series. Pure.

Times are in ticks of a tenth of a second: the answers to an aligned schedule then come at
nearly constant distances. Values are kept exactly: as whole numbers after the decimal point
was moved, where that gives back the very same floats, and as their 64 bits otherwise.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from math import fsum
from operator import add
from typing import NamedTuple

from outkept.store.columns import Block, Entry, pack, version_of
from outkept.store.columns0 import Block0

TICKS = 10
"""Ticks a second. Of two readings of a series within a tick the later one is kept."""
NUDGE = 1e-3
"""Added to a time in ticks before it is cut off, so that one that is a whole number of ticks
does not fall into the one before."""
GROUP_BITS = 5
GROUP = 1 << GROUP_BITS
"""Series of a chunk: enough to share the cost of a row and of deflate's tables, and so few
that unpacking one for the sake of a single series is cheap."""
READING_COLUMNS = 2
ROW_COLUMNS = 5

AnyBlock = Block | Block0
Span = tuple[float, float]
"""The least and the greatest of some values."""

_BITS = 255
_MOST_DECIMALS = 6
_EXACT = float(1 << 53)


class Readings(NamedTuple):
    """Of one series, sorted, each tick once."""

    ticks: list[int]
    values: list[float]


class Rows(NamedTuple):
    """Minutes or hours of one series, sorted: UNIX seconds at which they start, how many
    readings each has, and the least, the mean and the greatest of them."""

    starts: list[int]
    counts: list[int]
    lows: list[float]
    means: list[float]
    highs: list[float]


def pack_readings(series: Iterable[tuple[int, Readings]], level: int) -> bytes:
    """A chunk of readings by slot."""
    return pack([_readings_entry(slot, found) for slot, found in series], READING_COLUMNS, level)


def readings_block(data: bytes) -> AnyBlock:
    """The opposite of `pack_readings`; `readings_at` reads it."""
    return _block(data, READING_COLUMNS)


def readings_at(block: AnyBlock, index: int) -> Readings:
    """The readings of a block's entry."""
    ticks, numbers = block.columns(index)
    return Readings(ticks, _floats(numbers, block.marks[index]))


def spans_of_readings(block: AnyBlock) -> list[Span]:
    """The least and the greatest reading of each of a block's entries, for a fraction of what
    `readings_at` costs."""
    return list(map(_span, block.column(1), block.marks))


def pack_rows(series: Iterable[tuple[int, Rows]], level: int) -> bytes:
    """A chunk of minutes or hours by slot."""
    return pack([_rows_entry(slot, found) for slot, found in series], ROW_COLUMNS, level)


def rows_block(data: bytes) -> AnyBlock:
    """The opposite of `pack_rows`; `rows_at` reads it."""
    return _block(data, ROW_COLUMNS)


def rows_at(block: AnyBlock, index: int) -> Rows:
    """The rows of a block's entry."""
    starts, counts, lows, third, fourth = block.columns(index)
    mark = block.marks[index]
    if mark == _BITS:
        return Rows(starts, counts, *(_floats(bits, mark) for bits in (lows, third, fourth)))
    scale = 10**mark
    highs = [low + spread for low, spread in zip(lows, third, strict=True)]
    means = [
        (low * n + spread + excess) / (scale * n)
        for low, n, spread, excess in zip(lows, counts, third, fourth, strict=True)
    ]
    return Rows(starts, counts, _floats(lows, mark), means, _floats(highs, mark))


def spans_of_rows(block: AnyBlock) -> list[Span]:
    """The least and the greatest value in the rows of each of a block's entries."""
    found = []
    # The fourth column is of use where the values are bits, as few are.
    highs = block.column(4) if _BITS in block.marks else ()
    for index, (mark, lows, third) in enumerate(
        zip(block.marks, block.column(2), block.column(3), strict=True)
    ):
        most = highs[index] if mark == _BITS else list(map(add, lows, third))
        found.append((_span(lows, mark)[0], _span(most, mark)[1]))
    return found


def aggregate(found: Readings, seconds: int) -> Rows:
    """Rows of so many seconds each."""
    ticks, values = found
    width, at, end = seconds * TICKS, 0, len(ticks)
    rows = Rows([], [], [], [], [])
    while at < end:
        start = ticks[at] // width
        after = bisect_left(ticks, (start + 1) * width, at + 1)
        _append(rows, start * seconds, values[at:after])
        at = after
    return rows


def whole(rows: Rows, start: int) -> Rows:
    """One row of all of `rows`, which are not empty."""
    n = sum(rows.counts)
    mean = fsum([mean * n for mean, n in zip(rows.means, rows.counts, strict=True)]) / n
    low, high = min(rows.lows), max(rows.highs)
    return Rows([start], [n], [low], [min(max(mean, low), high)], [high])


def _block(data: bytes, columns: int) -> AnyBlock:
    return Block0(data, columns) if version_of(data) == 0 else Block(data, columns)


def _append(rows: Rows, start: int, values: list[float]) -> None:
    rows.starts.append(start)
    rows.counts.append(len(values))
    if len(values) == 1:
        for column in (rows.lows, rows.means, rows.highs):
            column.append(values[0])
        return
    low, high = min(values), max(values)
    rows.lows.append(low)
    rows.means.append(min(max(fsum(values) / len(values), low), high))
    rows.highs.append(high)


def _readings_entry(slot: int, found: Readings) -> Entry:
    scaled = _scaled(found.values)
    if scaled is None:
        return Entry(slot, _BITS, (found.ticks, _bits(found.values)))
    return Entry(slot, scaled[1], (found.ticks, scaled[0]))


def _rows_entry(slot: int, rows: Rows) -> Entry:
    """Where the decimal point can be moved, a row is its least value, what the greatest is
    above it, and what the sum of the readings is above that of the greatest and the others
    being least: nothing for one or two readings, which most minutes have."""
    scaled = _scaled([*rows.lows, *rows.highs], rows)
    if scaled is None:
        bits = [_bits(column) for column in (rows.lows, rows.means, rows.highs)]
        return Entry(slot, _BITS, (rows.starts, rows.counts, *bits))
    numbers, decimals = scaled
    lows, highs = numbers[: len(rows.lows)], numbers[len(rows.lows) :]
    spreads = [high - low for low, high in zip(lows, highs, strict=True)]
    scale = 10**decimals
    excess = [
        round(mean * n * scale) - low * n - spread
        for mean, n, low, spread in zip(rows.means, rows.counts, lows, spreads, strict=True)
    ]
    return Entry(slot, decimals, (rows.starts, rows.counts, lows, spreads, excess))


def _scaled(values: Sequence[float], rows: Rows | None = None) -> tuple[list[int], int] | None:
    """Whole numbers, and how many decimals they have; None where floats would not come back,
    or where the sums of `rows` have more decimals."""
    most = max(max(values), -min(values))
    if rows is not None:
        most *= max(rows.counts)
    for decimals in range(_MOST_DECIMALS + 1):
        scale = 10**decimals
        if most * scale >= _EXACT:
            return None
        first, other = values[0], values[len(values) // 2]
        if round(first * scale) / scale != first or round(other * scale) / scale != other:
            continue
        numbers = [round(value * scale) for value in values]
        if [number / scale for number in numbers] != values:
            continue
        if rows is None or _sums_are_whole(rows, scale):
            return numbers, decimals
    return None


def _sums_are_whole(rows: Rows, scale: int) -> bool:
    for mean, n in zip(rows.means, rows.counts, strict=True):
        total = mean * n * scale
        if n > 1 and abs(total - round(total)) > 1e-14 * abs(total) + 1e-9:
            return False
    return True


def _floats(numbers: list[int], mark: int) -> list[float]:
    if mark == _BITS:
        return array("d", array("q", numbers).tobytes()).tolist()
    if mark == 0:
        return list(map(float, numbers))
    scale = 10**mark
    return [number / scale for number in numbers]


def _span(numbers: list[int], mark: int) -> Span:
    """Whole numbers have the order of the values that they stand for; bits have not."""
    values = _floats(numbers if mark == _BITS else [min(numbers), max(numbers)], mark)
    return min(values), max(values)


def _bits(values: Sequence[float]) -> list[int]:
    return array("q", array("d", values).tobytes()).tolist()
