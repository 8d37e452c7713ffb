"""Websocket clients that take every frame, compressed as browsers take it, and do nothing with it,
for `bench.live`.

`python -m bench.listeners URL COUNT` prints `ready` once all have their snapshot.
"""

import asyncio
import sys
from typing import Any

import uvloop
from websockets.asyncio.client import connect

from tests.serve.daemon import bearer

OPTIONS: dict[str, Any] = {
    "additional_headers": bearer(),
    "max_size": None,
    "compression": "deflate",
    "open_timeout": 120,
    "ping_timeout": None,
}


async def _listen(url: str, ready: asyncio.Semaphore) -> None:
    async with connect(url, **OPTIONS) as socket:
        await socket.recv(decode=False)
        ready.release()
        while True:
            await socket.recv(decode=False)


async def _all(url: str, count: int) -> None:
    ready = asyncio.Semaphore(0)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(count):
            tasks.create_task(_listen(url, ready))
        for _ in range(count):
            await ready.acquire()
        print("ready", flush=True)


if __name__ == "__main__":
    uvloop.run(_all(sys.argv[1], int(sys.argv[2])))
