"""Thousands of TCP connects in flight, from one loop, without a task for each.

All sockets wait in a selector of their own, whose descriptor the running loop watches: an
address that refuses costs a few system calls and no task, future or timer.
"""

import asyncio
import errno
import os
import selectors
import socket
from collections import OrderedDict
from collections.abc import Callable
from types import TracebackType
from typing import Self

from outkept.model.server import Endpoint

_STARVED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_REASONS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ENETUNREACH: "no route",
    errno.EHOSTUNREACH: "no route",
    errno.EHOSTDOWN: "no route",
    errno.ENETDOWN: "the network is down",
    errno.EADDRNOTAVAIL: "no route: this machine has no address of that kind",
    errno.EAFNOSUPPORT: "no route: this machine has no IPv6",
    errno.EACCES: "this machine's firewall or a broadcast address forbids it",
    errno.EPERM: "this machine's firewall forbids it",
    errno.ECONNRESET: "connection reset",
}

Done = Callable[[Endpoint, socket.socket | str], None]


class Dialler:
    """Opens connections; each ends in one call of `done` with a connected non-blocking
    socket, which is the callee's from then on, or with the reason why there is none.

    `done` is called from within `dial` and `collect` only; `wake` is called by the loop when
    there is something to collect. Use as a context manager on a running loop: leaving it
    closes what is still in flight, without calling `done`.
    """

    def __init__(self, timeout: float, done: Done, wake: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeout = timeout
        self._done = done
        self._wake = wake
        self._selector = selectors.DefaultSelector()
        # In the order of their deadlines, for all have the same time.
        self._flying: OrderedDict[socket.socket, tuple[Endpoint, float]] = OrderedDict()

    def __enter__(self) -> Self:
        self._loop.add_reader(self._selector.fileno(), self._wake)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.remove_reader(self._selector.fileno())
        self._selector.close()
        for sock in self._flying:
            sock.close()
        self._flying.clear()

    def __len__(self) -> int:
        """How many are in flight."""
        return len(self._flying)

    def dial(self, endpoint: Endpoint) -> bool:
        """Start to connect. False: no descriptor or memory is free now; nothing was done."""
        family = socket.AF_INET6 if ":" in endpoint.address else socket.AF_INET
        try:
            sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        except OSError as error:
            if error.errno in _STARVED:
                return False
            self._done(endpoint, _reason(error.errno or 0))
            return True
        code = sock.connect_ex((endpoint.address, endpoint.port))
        if code in _STARVED:
            sock.close()
            return False
        self._started(endpoint, sock, code)
        return True

    def _started(self, endpoint: Endpoint, sock: socket.socket, code: int) -> None:
        if code == errno.EINPROGRESS:
            self._flying[sock] = (endpoint, self._loop.time() + self._timeout)
            self._selector.register(sock, selectors.EVENT_WRITE)
        elif code == 0:
            self._done(endpoint, sock)
        else:
            sock.close()
            self._done(endpoint, _reason(code))

    def collect(self) -> float | None:
        """End what is connected, refused or in flight for too long. The seconds until the
        next one is; None when nothing is in flight."""
        for key, _ in self._selector.select(0):
            sock = key.fileobj
            assert isinstance(sock, socket.socket)
            endpoint = self._landed(sock)
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                sock.close()
                self._done(endpoint, _reason(code))
            else:
                self._done(endpoint, sock)
        return self._expire(self._loop.time())

    def _expire(self, now: float) -> float | None:
        while self._flying:
            sock, (_, deadline) = next(iter(self._flying.items()))
            if deadline > now:
                return deadline - now
            endpoint = self._landed(sock)
            sock.close()
            self._done(endpoint, f"no answer in {self._timeout:g} s")
        return None

    def _landed(self, sock: socket.socket) -> Endpoint:
        self._selector.unregister(sock)
        return self._flying.pop(sock)[0]


def _reason(code: int) -> str:
    if code == errno.ETIMEDOUT:
        return "no answer"
    return _REASONS.get(code) or os.strerror(code).lower()
