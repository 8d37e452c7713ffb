"""Running something in an event loop that Ctrl-C may end early."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop


def until_done(main: Callable[[], Coroutine[Any, Any, None]]) -> bool:
    """Run `main` in a new loop. False: SIGINT or SIGTERM cancelled it, and it has cleaned up.

    Other exceptions come through as they are.
    """
    try:
        uvloop.run(_interruptible(main))
    except asyncio.CancelledError:
        return False
    return True


async def _interruptible(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    await main()
