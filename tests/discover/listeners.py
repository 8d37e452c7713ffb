"""Small listeners for sweeps to meet."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from outkept.model.ranges import Range, parse_span

PORT = 22122


@asynccontextmanager
async def speaking(
    address: str, words: bytes, port: int = PORT, *, after_the_client: bool = False
) -> AsyncIterator[None]:
    """A listener that says something and then waits until the peer goes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if after_the_client:
                await reader.readline()
            writer.write(words)
            await reader.read()
        except ConnectionError:
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, address, port)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


def range_of(*texts: str, ports: Iterable[int] = (PORT,)) -> Range:
    """A range of these spans, whole networks included."""
    spans = tuple(parse_span(text, whole=True) for text in texts)
    return Range(",".join(texts), spans, tuple(ports))


def descriptors() -> int:
    """How many file descriptors this process has open."""
    return len(os.listdir("/proc/self/fd"))
