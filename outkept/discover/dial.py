"""Thousands of TCP connects in flight, from one loop, without a task for each.

All sockets wait in a watch of their own, whose descriptor the running loop watches: an
address that refuses costs a few system calls and no task, future or timer.
"""

import asyncio
import errno
import os
import socket
from collections import OrderedDict
from collections.abc import Callable
from types import TracebackType
from typing import Self

from outkept.discover.ready import watch
from outkept.model.server import Endpoint

_STARVED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_CONNECTED = frozenset({0, errno.EISCONN})
_UNDER_WAY = frozenset({errno.EALREADY, errno.EINPROGRESS})
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

MOST_SPARE = 256
"""Sockets that failed and are kept to connect again: a few batches' worth, so that an idle
pause holds few descriptors."""

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
        self._ready = watch()
        # By descriptor, in the order of their deadlines, for all have the same time.
        self._flying: OrderedDict[int, tuple[socket.socket, Endpoint, float]] = OrderedDict()
        self._spare: dict[socket.AddressFamily, list[socket.socket]] = {
            socket.AF_INET: [],
            socket.AF_INET6: [],
        }

    def __enter__(self) -> Self:
        self._loop.add_reader(self._ready.fileno(), self._wake)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.remove_reader(self._ready.fileno())
        self._ready.close()
        for sock, _, _ in self._flying.values():
            sock.close()
        self._flying.clear()
        for spare in self._spare.values():
            for sock in spare:
                sock.close()
            spare.clear()

    def __len__(self) -> int:
        """How many are in flight."""
        return len(self._flying)

    def dial(self, endpoint: Endpoint) -> bool:
        """Start to connect. False: no descriptor or memory is free now; nothing was done."""
        family = socket.AF_INET6 if ":" in endpoint.address else socket.AF_INET
        spare = self._spare[family]
        try:
            sock = spare.pop() if spare else self._new(family)
        except OSError as error:
            if error.errno in _STARVED:
                return False
            self._done(endpoint, _reason(error.errno or 0))
            return True
        code = sock.connect_ex((endpoint.address, endpoint.port))
        if code == errno.EINPROGRESS:
            self._flying[sock.fileno()] = (sock, endpoint, self._loop.time() + self._timeout)
            return True
        self._ready.drop(sock)
        if code == 0:
            self._done(endpoint, sock)
            return True
        sock.close()
        if code not in _STARVED:
            self._done(endpoint, _reason(code))
        return code not in _STARVED

    def _new(self, family: socket.AddressFamily) -> socket.socket:
        sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            self._ready.add(sock)
        except OSError:
            sock.close()
            raise
        return sock

    def collect(self) -> float | None:
        """End what is connected, refused or in flight for too long. The seconds until the
        next one is; None when nothing is in flight."""
        for descriptor in self._ready.ready():
            flying = self._flying.get(descriptor)
            if flying is None:  # a spare's hang-up
                continue
            sock, endpoint, _ = flying
            code = self._ending(sock, endpoint)
            if code in _UNDER_WAY:
                continue
            del self._flying[descriptor]
            if code in _CONNECTED:
                self._ready.drop(sock)
                self._done(endpoint, sock)
            else:
                self._keep(sock)
                self._done(endpoint, _reason(code))
        return self._expire(self._loop.time())

    def _ending(self, sock: socket.socket, endpoint: Endpoint) -> int:
        if self._ready.reuses:
            # Says how the first attempt ended, and clears the way for the next.
            return sock.connect_ex((endpoint.address, endpoint.port))
        return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def _keep(self, sock: socket.socket) -> None:
        spare = self._spare[sock.family]
        if self._ready.reuses and len(spare) < MOST_SPARE:
            spare.append(sock)
        else:
            self._ready.drop(sock)
            sock.close()

    def _expire(self, now: float) -> float | None:
        while self._flying:
            descriptor, (sock, endpoint, deadline) = next(iter(self._flying.items()))
            if deadline > now:
                return deadline - now
            del self._flying[descriptor]
            self._ready.drop(sock)
            sock.close()
            self._done(endpoint, f"no answer in {self._timeout:g} s")
        return None


def _reason(code: int) -> str:
    if code == errno.ETIMEDOUT:
        return "no answer"
    return _REASONS.get(code) or os.strerror(code).lower()
