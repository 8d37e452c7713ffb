"""Chance that repeats: the same words give the same draw, in every process."""

from hashlib import blake2b

_MASK = (1 << 64) - 1


def digest(*words: object) -> bytes:
    """32 bytes that depend on `words` alone; `hash()` would differ from run to run."""
    text = "\x1f".join(str(word) for word in words)
    return blake2b(text.encode(), digest_size=32).digest()


def draw(*words: object) -> float:
    """A number in [0, 1) that depends on `words` alone."""
    return int.from_bytes(digest(*words)[:6], "big") / (1 << 48)


def pick(low: float, high: float, *words: object) -> float:
    """A number in [low, high) that depends on `words` alone."""
    return low + (high - low) * draw(*words)


def noise(key: int, n: int) -> float:
    """A number in [0, 1) that depends on `key` and `n` alone, at a third of what `draw` costs:
    for what is drawn with each answer. (The finishing steps of SplitMix64.)"""
    x = (key + n * 0x9E3779B97F4A7C15) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((x ^ (x >> 31)) >> 11) / (1 << 53)
