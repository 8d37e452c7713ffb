"""The listener: a uvicorn server inside the caller's event loop.

ListenError
  ListenRefused
"""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from outkept.serve.access import is_loopback
from outkept.serve.protocol import LiveProtocol

GRACE = 2
"""Seconds that answers under way get at shutdown; then their connections are cut."""

_STUCK_MS = 30_000
"""Milliseconds the kernel keeps a connection whose peer takes nothing (TCP_USER_TIMEOUT)."""


class ListenError(Exception):
    """The address can't be listened on. The message is one line that says what to do."""


class ListenRefused(ListenError):  # noqa: N818
    """The address would be reachable from other machines, where nothing asks who is there."""


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to a loopback address; port 0: any free one. Raises ListenError."""
    if not is_loopback(host):
        raise ListenRefused(
            f"dashboard.listen {_shown(host, port)} is reachable from other machines, and this"
            " version has no sign-in; listen on 127.0.0.1 and use ssh -L or a proxy with sign-in"
        )
    address = "127.0.0.1" if host.lower() == "localhost" else host
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STUCK_MS)
        listener.bind((address, port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ListenError(
            f"cannot listen on {_shown(host, port)}: {reason}; choose another with --listen"
        ) from None
    listener.setblocking(False)  # noqa: FBT003
    return listener


def address_of(listener: socket.socket) -> str:
    """The URL of the page that `listener` serves."""
    host, port = listener.getsockname()[:2]
    return f"http://{_shown(host, port)}/"


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class _Server(uvicorn.Server):
    """Leaves signals to the application, and says when it listens."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._ready = ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._ready:
            self._ready()


async def serve(
    app: ASGIApp, listener: socket.socket, *, ready: Callable[[], None] | None = None
) -> None:
    """Serve `app` on `listener` until cancelled; `ready` is called once it accepts requests.

    Cancelling closes the listener and ends every connection within GRACE seconds and a bit.
    """
    server = _Server(_config(app), ready)
    try:
        await server.serve([listener])
    finally:
        try:
            if server.started:
                await asyncio.wait_for(server.shutdown([listener]), GRACE + 1)
        except TimeoutError:
            pass
        finally:
            listener.close()
            for connection in list(server.server_state.connections):
                if connection.transport is not None:
                    connection.transport.abort()


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="none",
        http="h11",
        ws=LiveProtocol,
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws_max_size=1024,
        ws_per_message_deflate=False,
        h11_max_incomplete_event_size=16 * 1024,
        timeout_graceful_shutdown=GRACE,
    )
