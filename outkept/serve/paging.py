"""Pages of lists that are in memory: cursors that stay right while the list changes (pure)."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable

from outkept.serve.source import Json, Page

Position = list[str | float]
"""Where an item stands in the order: its sort key, last part unique."""


def page(
    items: Iterable[Json],
    position: Callable[[Json], Position],
    limit: int,
    cursor: str | None,
    *,
    newest_first: bool = False,
) -> Page:
    """The first `limit` items after `cursor`, in the order of their positions.

    Raises ValueError for a cursor that isn't one of ours.
    """
    ordered = sorted(items, key=position, reverse=newest_first)
    if cursor is not None:
        after = _unpack(cursor)
        try:
            ordered = [
                item
                for item in ordered
                if (position(item) < after if newest_first else position(item) > after)
            ]
        except TypeError:
            raise ValueError("unknown cursor") from None
    taken = ordered[:limit]
    more = len(ordered) > limit
    return taken, _pack(position(taken[-1])) if more else None


def _pack(position: Position) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


def _unpack(cursor: str) -> Position:
    try:
        position = json.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise ValueError("unknown cursor") from None
    if not isinstance(position, list):
        raise ValueError("unknown cursor")
    return position
