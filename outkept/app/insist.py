"""What is asked of the state until it answers."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from outkept.store.errors import StoreError

RETRY_AFTER = 1.0
"""Seconds between two tries."""

T = TypeVar("T")

_log = logging.getLogger(__name__)


async def insist(job: Callable[[], Awaitable[T]], waits: str) -> T:
    """What `job` returns; where the state can't be read or written, it is tried again until it can
    be, and `waits`, which says what waits for it, is logged each time. Cancel-safe if `job` is."""
    while True:
        try:
            return await job()
        except StoreError as error:
            _log.error("%s: %s", waits, error)
            await asyncio.sleep(RETRY_AFTER)
