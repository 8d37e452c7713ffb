"""Which of many connecting sockets came to an end: epoll where there is one.

On Linux a socket whose connect failed can connect again, and stays in the epoll where it is
(edge-triggered, so that an idle one doesn't report its hang-up over and over). Each refused
address then costs two system calls instead of six.
"""

import select
import selectors
import socket
import sys
from collections.abc import Callable
from typing import Protocol


class Ready(Protocol):
    """`reuses`: a socket that failed may stay in, and be connected again."""

    reuses: bool

    def add(self, sock: socket.socket) -> None:
        """Watch this socket until it is dropped."""

    def drop(self, sock: socket.socket) -> None:
        """Watch it no longer. To be called before the socket is closed."""

    def ready(self) -> list[int]:
        """Descriptors of sockets that connected or failed; some may do so yet. No wait."""

    def fileno(self) -> int:
        """A descriptor that is readable when `ready` has something to say."""

    def close(self) -> None:
        """End the watch. The sockets stay open."""


class _Selector:
    """What every system has."""

    reuses = False

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self.fileno = self._selector.fileno
        self.close = self._selector.close

    def add(self, sock: socket.socket) -> None:
        self._selector.register(sock, selectors.EVENT_WRITE)

    def drop(self, sock: socket.socket) -> None:
        self._selector.unregister(sock)

    def ready(self) -> list[int]:
        return [key.fd for key, _ in self._selector.select(0)]


if sys.platform == "linux":

    class _Epoll:
        reuses = True

        def __init__(self) -> None:
            self._epoll = select.epoll()
            self.fileno = self._epoll.fileno
            self.close = self._epoll.close

        def add(self, sock: socket.socket) -> None:
            self._epoll.register(sock.fileno(), select.EPOLLOUT | select.EPOLLET)

        def drop(self, sock: socket.socket) -> None:
            self._epoll.unregister(sock.fileno())

        def ready(self) -> list[int]:
            return [descriptor for descriptor, _ in self._epoll.poll(0)]

    watch: Callable[[], Ready] = _Epoll
    """The fastest watch this system has."""
else:
    watch: Callable[[], Ready] = _Selector
