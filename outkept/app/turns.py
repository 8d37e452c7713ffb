"""Going through a large fleet without holding up the event loop."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

AT_ONCE = 100
"""Servers looked at before everybody else gets a turn: one or two milliseconds."""

T = TypeVar("T")


async def in_turns(items: Iterable[T], at_once: int = AT_ONCE) -> AsyncIterator[T]:
    """Each of `items`; after every `at_once` of them the event loop has its turn. Whoever asks
    must expect that they change meanwhile."""
    for number, item in enumerate(items, start=1):
        yield item
        if number % at_once == 0:
            await asyncio.sleep(0)
