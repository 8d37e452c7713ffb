"""A random order of a range that needs no list of it. Pure."""

from collections.abc import Iterator
from hashlib import blake2b


def permutation(size: int, seed: int) -> Iterator[int]:
    """Every number below `size` exactly once, in an order that `seed` decides.

    Memory does not depend on `size`. A linear congruential generator runs through all of
    the next power of two (its full period is guaranteed by Hull and Dobell's conditions:
    odd increment, multiplier 1 more than a multiple of 4); a mixing step hides that its low
    bits take turns; what falls outside `size`, less than half, is left out.
    """
    bits = max(1, (size - 1).bit_length())
    mask, shift = (1 << bits) - 1, (bits + 1) // 2
    start, step, increment, mixer = _constants(seed)
    multiplier = (step & ~3 | 1) & mask | 1
    state = start & mask
    for _ in range(mask + 1):
        state = (state * multiplier + (increment | 1)) & mask
        mixed = (state * (mixer | 1)) & mask
        mixed ^= mixed >> shift
        if mixed < size:
            yield mixed


def _constants(seed: int) -> list[int]:
    digest = blake2b(str(seed).encode(), digest_size=32).digest()
    return [int.from_bytes(digest[at : at + 8], "big") for at in range(0, 32, 8)]
