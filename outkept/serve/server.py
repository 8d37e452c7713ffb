"""The listener: a uvicorn server inside the caller's event loop."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from outkept.serve.certificate import Certificate
from outkept.serve.errors import ListenError, ListenRefused
from outkept.serve.place import Place, is_loopback
from outkept.serve.protocol import LiveProtocol, PageProtocol

GRACE = 2
"""Seconds that answers under way get at shutdown; then their connections are cut."""

_TURNS_TO_CONNECT = 3
"""Of the loop, between accepting a connection and hearing of it."""

_STUCK_MS = 30_000
"""Milliseconds the kernel keeps a connection whose peer takes nothing (TCP_USER_TIMEOUT)."""


__all__ = ["ListenError", "ListenRefused", "address_of", "bind", "serve"]


def bind(host: str, port: int, place: Place | None = None) -> socket.socket:
    """A socket bound to an address; port 0: any free one. Without a `place` that says how it is
    guarded, only loopback will do. Raises ListenError."""
    fault = (place or Place(host)).fault()
    if fault is not None:
        what, mend = fault
        raise ListenRefused(f"dashboard.listen {_shown(host, port)} {what}; {mend}")
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


def address_of(listener: socket.socket, place: Place | None = None) -> str:
    """The URL of the page for programs on this machine: the listener's own where that is
    loopback without TLS, else the origin, which is what a certificate or a proxy is for."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    if place is None or (is_loopback(host) and not place.tls):
        return f"http://{_shown(host, port)}/"
    return f"{place.origin or f'https://{_shown(host, port)}'}/"


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

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nothing more, and end the connections that there are.

        What was accepted becomes a connection some turns of the loop later. asyncio drops it, open
        as it is, where the server is closed in between (python/cpython#109564).
        """
        loop = asyncio.get_running_loop()
        for listener in sockets or ():
            loop.remove_reader(listener)
        for _ in range(_TURNS_TO_CONNECT):
            await asyncio.sleep(0)
        await super().shutdown(sockets)


async def serve(
    app: ASGIApp,
    listener: socket.socket,
    *,
    certificate: Certificate | None = None,
    ready: Callable[[], None] | None = None,
) -> None:
    """Serve `app` on `listener` until cancelled, with TLS if there is a `certificate`; `ready`
    is called once it accepts requests.

    Cancelling closes the listener and ends every connection within GRACE seconds and a bit.
    """
    config = _config(app)
    if certificate is not None:
        config.load()
        config.ssl = certificate.context
    server = _Server(config, ready)
    try:
        if certificate is None:
            await server.serve([listener])
        else:
            async with asyncio.TaskGroup() as tasks:
                renewing = tasks.create_task(certificate.renew())
                await server.serve([listener])
                renewing.cancel()
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
        http=PageProtocol,
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
