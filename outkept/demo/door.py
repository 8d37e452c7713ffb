"""How connections come in: each is led to the server of the address it came to.

A listener of its own for each server is what a refusal needs; one on all addresses is what ten
thousand servers need. A server's latency is kept here, too: whatever is said to it arrives late.
"""

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable
from typing import Protocol, cast

_BACKLOG = 64
_LONG_BACKLOG = 4096
"""For ten thousand servers behind one listener; the kernel cuts it at net.core.somaxconn."""
_MOST_UNDERWAY = 256 * 1024
"""Bytes on their way to a distant server; full, its connection is not read from."""


class Host(Protocol):
    """A server at an address. `latency` is the seconds of a round trip to it."""

    latency: float

    def enter(self, transport: asyncio.Transport) -> asyncio.Protocol | None:
        """What speaks over a new connection; None if it was turned away."""

    def expect(self, guest: "Guest") -> None:
        """Be told of one on its way: to `abort`, should the server go first."""

    def forget(self, guest: "Guest") -> None:
        """It has arrived at its end."""


class Guest(Protocol):
    """A connection that can be dropped without a word."""

    def abort(self) -> None:
        """Drop it."""


Find = Callable[[str], Host | None]
"""The server at an address of this machine, if there is one."""


async def listen(find: Find, address: str, port: int) -> asyncio.Server:
    """Listen at one address. Raises OSError."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: _Arrival(find), address, port, backlog=_BACKLOG)


async def listen_everywhere(find: Find, port: int) -> asyncio.Server:
    """Listen at every address of loopback at once, with one socket. Raises OSError.

    The socket has the wildcard address, so it is bound to the loopback device, where the kernel
    lets us; where it doesn't, a connection from elsewhere comes to an address at which `find`
    knows nobody, and is dropped like all such.
    """
    front = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        front.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            front.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
        front.bind(("0.0.0.0", port))  # noqa: S104 see above
        return await asyncio.get_running_loop().create_server(
            lambda: _Arrival(find), sock=front, backlog=_LONG_BACKLOG
        )
    except BaseException:
        front.close()
        raise


class _Arrival(asyncio.Protocol):
    """A connection that nobody has looked at yet."""

    def __init__(self, find: Find) -> None:
        self._find = find

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast(asyncio.Transport, transport)
        host = self._find(str(stream.get_extra_info("sockname")[0]))
        if host is None:
            stream.abort()
            return
        protocol = _Distance(host) if host.latency else host.enter(stream)
        if protocol is not None:
            stream.set_protocol(protocol)
            protocol.connection_made(stream)


class _Distance(asyncio.Protocol):
    """Lies before a distant server's protocol: what the client says, its connecting included,
    arrives a round trip later, and in its order."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._behind: asyncio.Protocol | None = None
        self._underway: deque[tuple[float, Callable[[], None], int]] = deque()
        self._bytes = 0
        self._full = False
        self._timer: asyncio.TimerHandle | None = None

    def abort(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = self._transport = cast(asyncio.Transport, transport)
        self._host.expect(self)
        self._send(lambda: self._arrive(stream))

    def _arrive(self, transport: asyncio.Transport) -> None:
        self._behind = self._host.enter(transport)
        if self._behind is not None:
            self._behind.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._send(lambda: self._pass_on(data), len(data))
        if self._bytes > _MOST_UNDERWAY and self._transport is not None and not self._full:
            self._full = True
            self._transport.pause_reading()

    def _pass_on(self, data: bytes) -> None:
        if self._behind is not None:
            self._behind.data_received(data)

    def eof_received(self) -> bool:
        self._send(self._end)
        return True

    def _end(self) -> None:
        if (self._behind is None or not self._behind.eof_received()) and self._transport:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._host.forget(self)
        self._transport = None
        self._underway.clear()
        if self._timer is not None:
            self._timer.cancel()
        if self._behind is not None:
            self._behind.connection_lost(exc)

    def pause_writing(self) -> None:
        if self._behind is not None:
            self._behind.pause_writing()

    def resume_writing(self) -> None:
        if self._behind is not None:
            self._behind.resume_writing()

    def _send(self, what: Callable[[], None], size: int = 0) -> None:
        self._underway.append((self._loop.time() + self._host.latency, what, size))
        self._bytes += size
        if self._timer is None:
            self._timer = self._loop.call_later(self._host.latency, self._land)

    def _land(self) -> None:
        """Deliver what is due, and wait for the next."""
        self._timer = None
        while self._underway and self._underway[0][0] <= self._loop.time() + 0.001:
            _, what, size = self._underway.popleft()
            self._bytes -= size
            what()
        if self._full and self._bytes <= _MOST_UNDERWAY and self._transport is not None:
            self._full = False
            self._transport.resume_reading()
        if self._underway:
            self._timer = self._loop.call_at(self._underway[0][0], self._land)
