"""Chance that repeats: the same words give the same draw, in every process."""

from hashlib import blake2b


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
