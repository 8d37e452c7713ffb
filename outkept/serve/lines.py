"""An answer that goes on: lines of JSON, each as it comes."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from outkept.serve.encode import encode
from outkept.serve.protocol import ENDLESS
from outkept.serve.source import Json

PIECE = 65536
"""Bytes that are sent at once: who comes late to a large run gets megabytes, and others their turn
meanwhile."""
LOOK_EVERY = 1.0
"""Seconds between two looks at whether the reader may still read."""


class Reader(Protocol):
    """Where lines come from."""

    @property
    def ended(self) -> bool:
        """Whether the last one was given."""

    async def next(self) -> list[Json]:
        """The next lines. Cancel-safe."""


class Lines(Response):
    """Sends what a reader gives until it has ended, the client has gone, or `allowed` says no.

    A client that takes nothing only holds up its own reader: sending waits for the connection.
    """

    media_type = "application/x-ndjson"

    def __init__(self, opened: AbstractContextManager[Reader], allowed: Callable[[], bool]) -> None:
        super().__init__()
        del self.headers["content-length"]
        # For a reverse proxy that would gather the answer first (nginx, proxy_buffering).
        self.headers["x-accel-buffering"] = "no"
        self._opened = opened
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer, from its first line to its last."""
        scope.setdefault("state", {})[ENDLESS] = True
        with self._opened as reader:
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            async with asyncio.TaskGroup() as tasks:
                ways = (
                    tasks.create_task(_send(reader, send)),
                    tasks.create_task(_until_gone(receive)),
                    tasks.create_task(self._until_refused()),
                )
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                for task in ways:
                    task.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _until_refused(self) -> None:
        while self._allowed():  # noqa: ASYNC110 - another process may revoke it
            await asyncio.sleep(LOOK_EVERY)


async def _send(reader: Reader, send: Send) -> None:
    while not reader.ended:
        body = bytearray()
        for line in await reader.next():
            body += f"{encode(line)}\n".encode("ascii")
            if len(body) >= PIECE:
                await send({"type": "http.response.body", "body": bytes(body), "more_body": True})
                body.clear()
                # Sending waits only once the connection's buffer is full.
                await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": bytes(body), "more_body": True})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
