"""Pages of newest-first lists, and the cursors between them."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

MOST_ITEMS = 1000
MOST_QUERY = 200


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items, newest first, and the cursor of the next page; None where this is the last."""

    items: tuple[T, ...]
    next: str | None


def check_limit(limit: int) -> int:
    """`limit`, or ValueError saying what is allowed."""
    if not 1 <= limit <= MOST_ITEMS:
        raise ValueError(f"limit is {limit}; it must be 1 to {MOST_ITEMS}")
    return limit


def encode_cursor(*parts: int | float | str) -> str:
    """An opaque text for URLs that `decode_cursor` reads."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, *types: type) -> tuple[int | float | str, ...]:
    """The parts of a cursor, which have these types. Raises ValueError for any other text."""
    wrong = ValueError("cursor is not one that this list gave")
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        raise wrong from None
    if not isinstance(parts, list) or [type(part) for part in parts] != list(types):
        raise wrong
    if any(isinstance(part, int) and abs(part) >= 1 << 63 for part in parts):
        raise wrong
    return tuple(parts)


def like(text: str) -> str:
    """The LIKE pattern, with `\\` as its escape, that finds `text` anywhere.

    Raises ValueError where it is too long."""
    if len(text) > MOST_QUERY:
        raise ValueError(f"q has {len(text)} characters; the most is {MOST_QUERY}")
    for special in "\\%_":
        text = text.replace(special, f"\\{special}")
    return f"%{text}%"
