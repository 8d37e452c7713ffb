"""Blocks of version 0, as chunks of the first release of this format have them: read only.

Their layout: a length in four bytes, and two deflate streams, the first of that length. In
them one after the other: number of entries (one byte), their slots, marks and numbers of
further values (two bytes each), then for each column the widths (one byte an entry), first
values, steps and factors (eight bytes each), then for each column its entries' data, one
entry after the other, in each the bytes of one weight together. The second stream begins
behind the data of the first column. Widths are 0, 1, 2, 4 and 8.
"""

from operator import mul

from outkept.store.columns import Column, decode, gather, inflate


class Block0:
    """Like `Block`."""

    def __init__(self, data: bytes, columns: int) -> None:
        end = 4 + int.from_bytes(data[:4], "little")
        self._front, self._back = inflate(data[4:end]), inflate(data[end:])
        n = self._front[0]
        self.slots = self._front[1 : 1 + n]
        self.marks = self._front[1 + n : 1 + 2 * n]
        self._further = gather("H", self._front[1 + 2 * n : 1 + 4 * n], n)
        self._heads = range(1 + 4 * n, 1 + 4 * n + columns * 25 * n, 25 * n)

    def length(self, index: int) -> int:
        """See `Block.length`."""
        return int(self._further[index]) + 1

    def column(self, number: int) -> list[list[int]]:
        """See `Block.column`."""
        return [self.columns(index)[number] for index in range(len(self.slots))]

    def columns(self, index: int) -> list[list[int]]:
        """All columns of the entry at `index`."""
        n, further = len(self.slots), self._further
        found: list[list[int]] = []
        data, at = self._front, self._heads.stop
        for head in self._heads:
            widths = self._front[head : head + n]
            start, length = at + sum(map(mul, widths[:index], further)), further[index]
            split = [
                data[plane : plane + length]
                for plane in range(start, start + widths[index] * length, length or 1)
            ]
            first, step, factor = (
                int.from_bytes(self._front[part + index : part + 8 * n : n], "little", signed=True)
                for part in range(head + n, head + 25 * n, 8 * n)
            )
            found.append(decode(Column(first, step, factor, split), length))
            if len(found) == 1:
                data, at = self._back, 0
            else:
                at += sum(map(mul, widths, further))
        return found
