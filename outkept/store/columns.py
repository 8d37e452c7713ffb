"""Columns of whole numbers, packed: what changes little takes little. Pure.

A column is its first value and a step, and for each further value how far it is from the one
before plus the step, in as many bytes as the widest needs. Bytes of one weight lie together,
and the whole is deflated: the upper ones are mostly alike. Numbers too wide for that are kept
as they are. The layout of a block is written down at `pack`.
"""

import sys
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import gcd
from operator import mul, sub
from typing import Any

_BIAS = 128
"""Added to distances of two and four bytes, so that small negative ones share upper bytes with
small positive ones."""
_WIDTHS = ((1, "b", 0), (2, "h", _BIAS), (4, "i", _BIAS))
_TYPES = {1: "b", 2: "h", 4: "i", 8: "q"}
_MOST = 1 << 62
_SWAP = sys.byteorder == "big"


@dataclass(frozen=True, slots=True)
class Entry:
    """One series' part of a block: its place in its group, a mark that the caller chose
    (0 to 255), and columns of equal length (1 to 65,536)."""

    slot: int
    mark: int
    columns: Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class _Column:
    width: int
    first: int
    step: int
    factor: int
    data: bytes


def pack(entries: Sequence[Entry], columns: int, level: int) -> bytes:
    """Deflated: number of entries (one byte), their slots, marks and numbers of further values
    (two bytes each), then for each column the widths (one byte an entry), first values, steps
    and factors (eight bytes each), then for each column its entries' data. All little-endian,
    bytes of one weight together. Two deflate streams, each with tables of its own, because
    times and values have little in common."""
    head = [bytes((len(entries),)), bytes(e.slot for e in entries), bytes(e.mark for e in entries)]
    head.append(planes(array("H", [len(e.columns[0]) - 1 for e in entries])))
    bodies = []
    for index in range(columns):
        packed = [_encode(e.columns[index]) for e in entries]
        head.append(bytes(p.width for p in packed))
        for part in ("first", "step", "factor"):
            head.append(planes(array("q", [getattr(p, part) for p in packed])))
        bodies.append(b"".join([p.data for p in packed]))
    front = deflate(b"".join(head) + bodies[0], level)
    return len(front).to_bytes(4, "little") + front + deflate(b"".join(bodies[1:]), level)


class Block:
    """What `pack` made, unpacked as far as it is asked for."""

    def __init__(self, data: bytes, columns: int) -> None:
        end = 4 + int.from_bytes(data[:4], "little")
        self._front, self._back = inflate(data[4:end]), inflate(data[end:])
        n = self._front[0]
        self.slots = self._front[1 : 1 + n]
        self.marks = self._front[1 + n : 1 + 2 * n]
        self._further = gather("H", self._front[1 + 2 * n : 1 + 4 * n], n)
        self._heads = range(1 + 4 * n, 1 + 4 * n + columns * 25 * n, 25 * n)

    def columns(self, index: int) -> list[list[int]]:
        """All columns of the entry at `index`."""
        n, further = len(self.slots), self._further
        found: list[list[int]] = []
        data, at = self._front, self._heads.stop
        for head in self._heads:
            widths = self._front[head : head + n]
            start = at + sum(map(mul, widths[:index], further))
            raw = data[start : start + widths[index] * further[index]]
            first, step, factor = (
                int.from_bytes(self._front[part + index : part + 8 * n : n], "little", signed=True)
                for part in range(head + n, head + 25 * n, 8 * n)
            )
            column = _Column(widths[index], first, step, factor, raw)
            found.append(_decode(column, further[index]))
            if len(found) == 1:
                data, at = self._back, 0
            else:
                at += sum(map(mul, widths, further))
        return found


def _encode(values: Sequence[int]) -> _Column:
    first = values[0]
    if len(values) == 1:
        return _Column(0, first, 0, 1, b"")
    deltas = list(map(sub, values[1:], values))
    low, high = min(deltas), max(deltas)
    if low == high and -_MOST < low < _MOST:
        return _Column(0, first, low, 1, b"")
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
            data = array(type_, [delta + bias for delta in deltas] if bias else deltas)
            return _Column(width, first, step, factor, planes(data))
    return _Column(8, first, 0, 1, planes(array("q", values[1:])))


def _decode(column: _Column, further: int) -> list[int]:
    width, step, factor = column.width, column.step, column.factor
    if width == 0:
        if step == 0:
            return [column.first] * (further + 1)
        return list(range(column.first, column.first + step * (further + 1), step))
    numbers = gather(_TYPES[width], column.data, further)
    if width == 8:
        return [column.first, *numbers]
    if width > 1:
        step -= _BIAS * factor
    if step or factor > 1:
        numbers = [number * factor + step for number in numbers]
    return list(accumulate(numbers, initial=column.first))


def planes(numbers: "array[Any]") -> bytes:
    """The numbers' bytes, those of one weight together, the lowest first."""
    if _SWAP:
        numbers.byteswap()
    raw, width = numbers.tobytes(), numbers.itemsize
    return raw if width == 1 else b"".join([raw[i::width] for i in range(width)])


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
