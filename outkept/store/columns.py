"""Columns of whole numbers, packed: what changes little takes little. Pure.

A column is its first value and a step, and for each further value how far it is from the one
before plus the step, in as many bytes as the widest needs. Numbers too wide for that are kept
as they are. Bytes of one weight of all series lie together in a plane, and each plane has
deflate tables of its own: the lowest bytes of noisy values are as good as chance, the upper
ones mostly alike, and tables that serve both serve neither. The layout of a block is written
down at `pack`.
"""

import sys
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import gcd
from operator import add, sub
from typing import Any

VERSION = 1
"""Of what `pack` makes; see `version_of` for what is on disk besides."""
BIAS = 128
"""Added to distances of two and more bytes, so that small negative ones share upper bytes with
small positive ones."""
_WIDTHS = ((1, "b", 0), (2, "h", BIAS), (3, "i", BIAS), (4, "i", BIAS))
_TYPES = {1: "b", 2: "h", 3: "i", 4: "i", 8: "q"}
_MOST = 1 << 62
_SWAP = sys.byteorder == "big"
_SIGNS = bytes(128) + b"\xff" * 128
"""The byte above a byte, by its sign."""
_SPLIT = 256
"""Bytes of a plane from which on tables of its own, some 80 bytes, pay."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One series' part of a block: its place in its group, a mark that the caller chose
    (0 to 255), and columns of equal length (1 to 65,536)."""

    slot: int
    mark: int
    columns: Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class Column:
    first: int
    step: int
    factor: int
    planes: Sequence[bytes]


def version_of(data: bytes) -> int:
    """Of a packed block: its fourth byte. Version 0 (see columns0.py) begins with a length in
    four bytes that is never so great as to reach the fourth."""
    return data[3]


def pack(entries: Sequence[Entry], columns: int, level: int) -> bytes:
    """Four bytes, the last of which is the version, and a deflate stream: number of entries
    (one byte), their slots, marks and numbers of further values (two bytes each), then for each
    column the widths (one byte an entry), first values, steps and factors (eight bytes each),
    then for each column its planes, the lowest first, each of all entries that are so wide.
    All little-endian, bytes of one weight together."""
    head = [bytes((len(entries),)), bytes(e.slot for e in entries), bytes(e.mark for e in entries)]
    head.append(planes(array("H", [len(e.columns[0]) - 1 for e in entries])))
    bodies: list[bytes] = []
    for index in range(columns):
        packed = [_encode(e.columns[index]) for e in entries]
        head.append(bytes(len(p.planes) for p in packed))
        for part in ("first", "step", "factor"):
            head.append(planes(array("q", [getattr(p, part) for p in packed])))
        for weight in range(max(len(p.planes) for p in packed)):
            bodies.append(b"".join([p.planes[weight] for p in packed if len(p.planes) > weight]))
    # Made for such numbers: noise has next to no matches that are worth their cost.
    packer = zlib.compressobj(level, zlib.DEFLATED, -15, 9, zlib.Z_FILTERED)
    out = [bytes((0, 0, 0, VERSION))]
    for part_ in (b"".join(head), *bodies):
        out.append(packer.compress(part_))
        if len(part_) >= _SPLIT:
            out.append(packer.flush(zlib.Z_BLOCK))
    out.append(packer.flush())
    return b"".join(out)


class Block:
    """What `pack` made, unpacked as far as it is asked for."""

    def __init__(self, data: bytes, columns: int) -> None:
        self._data = inflate(data[4:])
        n = self._data[0]
        self.slots = self._data[1 : 1 + n]
        self.marks = self._data[1 + n : 1 + 2 * n]
        self._further: Sequence[int] = gather("H", self._data[1 + 2 * n : 1 + 4 * n], n)
        self._before = list(accumulate(self._further, initial=0))
        self._heads = range(1 + 4 * n, 1 + 4 * n + columns * 25 * n, 25 * n)

    def length(self, index: int) -> int:
        """Of the columns of the entry at `index`."""
        return int(self._further[index]) + 1

    def columns(self, index: int) -> list[list[int]]:
        """All columns of the entry at `index`."""
        n, further = len(self.slots), self._further[index]
        found: list[list[int]] = []
        at = self._heads.stop
        for head in self._heads:
            widths = self._data[head : head + n]
            first, step, factor = (
                int.from_bytes(self._data[part + index : part + 8 * n : n], "little", signed=True)
                for part in range(head + n, head + 25 * n, 8 * n)
            )
            raw = []
            for weight in range(max(widths)):
                start, end = self._span(widths, weight, index)
                if widths[index] > weight:
                    raw.append(self._data[at + start : at + start + further])
                at += end
            found.append(decode(Column(first, step, factor, raw), further))
        return found

    def column(self, number: int) -> list[list[int]]:
        """One column of all entries."""
        n, data = len(self.slots), self._data
        at = self._heads.stop
        for head in self._heads[:number]:
            at = self._starts(data[head : head + n], at)[1]
        head = self._heads[number]
        widths = data[head : head + n]
        starts, _ = self._starts(widths, at)
        parts = range(head + n, head + 25 * n, 8 * n)
        firsts, steps, factors = (gather("q", data[part : part + 8 * n], n) for part in parts)
        found = []
        for index, further in enumerate(self._further):
            raw = [data[s[index] : s[index] + further] for s in starts[: widths[index]]]
            found.append(decode(Column(firsts[index], steps[index], factors[index], raw), further))
        return found

    def _starts(self, widths: bytes, at: int) -> tuple[list[list[int]], int]:
        """Where each plane of a column that begins at `at` has the bytes of each entry, and where
        the column ends."""
        starts = []
        for weight in range(max(widths)):
            pairs = zip(self._further, widths, strict=True)
            lengths = [further if width > weight else 0 for further, width in pairs]
            starts.append(list(accumulate(lengths, initial=at)))
            at = starts[-1][-1]
        return starts, at

    def _span(self, widths: bytes, weight: int, index: int) -> tuple[int, int]:
        """Where a plane has the bytes of an entry, and how long it is."""
        if min(widths) > weight:
            return self._before[index], self._before[-1]
        has = [n if width > weight else 0 for n, width in zip(self._further, widths, strict=True)]
        return sum(has[:index]), sum(has)


def _encode(values: Sequence[int]) -> Column:
    first = values[0]
    if len(values) == 1:
        return Column(first, 0, 1, ())
    deltas = list(map(sub, values[1:], values))
    low, high = min(deltas), max(deltas)
    if low == high and -_MOST < low < _MOST:
        return Column(first, low, 1, ())
    step = sorted(deltas)[len(deltas) // 2] if low > 0 or high < 0 else 0
    if step:
        deltas, low, high = [delta - step for delta in deltas], low - step, high - step
    factor = 1
    if low < -128 or high > 127:
        factor = gcd(*deltas)
        if factor > 1:
            deltas = [delta // factor for delta in deltas]
            low, high = low // factor, high // factor
    for width, type_, bias in _WIDTHS:
        most = 1 << (8 * width - 1)
        if -most <= low + bias and high + bias < most and abs(step) < _MOST and factor < _MOST:
            numbers = array(type_, [delta + bias for delta in deltas] if bias else deltas)
            return Column(first, step, factor, _split(numbers, width))
    return Column(first, 0, 1, _split(array("q", values[1:]), 8))


def decode(column: Column, further: int) -> list[int]:
    """The first value and the further ones."""
    width, step, factor = len(column.planes), column.step, column.factor
    if width == 0:
        if step == 0:
            return [column.first] * (further + 1)
        return list(range(column.first, column.first + step * (further + 1), step))
    numbers = _joined(column.planes)
    if width == 8:
        return [column.first, *numbers]
    if width > 1:
        step -= BIAS * factor
    if factor > 1:
        numbers = [number * factor for number in numbers]
    found = accumulate(numbers, initial=column.first)
    if step == 0:
        return list(found)
    return list(map(add, found, range(0, step * (further + 1), step)))


def _split(numbers: "array[Any]", width: int) -> list[bytes]:
    """The lowest so many bytes of the numbers, a plane each."""
    if _SWAP:
        numbers.byteswap()
    raw, size = numbers.tobytes(), numbers.itemsize
    return [raw] if size == 1 else [raw[weight::size] for weight in range(width)]


def _joined(split: Sequence[bytes]) -> "Sequence[Any]":
    """The opposite of `_split`."""
    numbers: array[Any] = array(_TYPES[len(split)])
    size = numbers.itemsize
    raw = bytearray(len(split[0]) * size)
    for weight, plane in enumerate(split):
        raw[weight::size] = plane
    for weight in range(len(split), size):
        raw[weight::size] = split[-1].translate(_SIGNS)
    numbers.frombytes(raw)
    if _SWAP:
        numbers.byteswap()
    return numbers


def planes(numbers: "array[Any]") -> bytes:
    """The numbers' bytes, those of one weight together, the lowest first."""
    return b"".join(_split(numbers, numbers.itemsize))


def gather(type_: str, data: bytes, length: int) -> Sequence[Any]:
    """The opposite of `planes`, for `length` numbers of an array's type."""
    numbers: array[Any] = array(type_)
    width = numbers.itemsize
    raw = bytearray(len(data))
    for i in range(width):
        raw[i::width] = data[i * length : (i + 1) * length]
    numbers.frombytes(raw)
    if _SWAP:
        numbers.byteswap()
    return numbers


def deflate(data: bytes, level: int) -> bytes:
    """`data` deflated, without zlib's header and checksum."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -15, 9)
    return packer.compress(data) + packer.flush()


def inflate(data: bytes) -> bytes:
    """The opposite of `deflate`."""
    return zlib.decompress(data, -15)
