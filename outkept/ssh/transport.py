"""One live SSH connection: opens channels on it, and notices when it is gone."""

import asyncio
import socket
import struct
import sys
from collections.abc import Callable
from typing import Protocol

import asyncssh

from outkept.ssh.deadline import patience
from outkept.ssh.errors import ChannelRefused, Lost, printable
from outkept.ssh.occupant import Occupant

OPEN_DEADLINE_S = 10.0
"""An open that is unanswered for so long will not be answered (measured on tinyssh, whose
first open sometimes hangs, and on frozen servers)."""

CLOSE_DEADLINE_S = 2.0

KEEPALIVES = 2
"""Unanswered signs of life allowed: a frozen server is noticed after interval × (2 + 1)."""

ANSWER_MARGIN = 1.25
LONGEST_KEEPALIVE_S = 15.0
"""Commands at longer intervals than four fifths of it don't stand for signs of life."""

WINDOW = 128 * 1024
"""Bytes a server may send before we take them. asyncssh grants the whole window again at
every delivery, so this is what a flood can put in front of us after its channel was closed."""

TCP_INFO_BYTES = 256
RTT_AT, MIN_RTT_AT = 68, 148
UNKNOWN_RTT = 0xFFFFFFFF


class Wire(Protocol):
    """A connected socket, as far as it is asked for its round-trip time."""

    def getsockopt(self, level: int, option: int, buflen: int, /) -> bytes:
        """Raises OSError once it is closed."""


class Transport:
    """A connection that is logged in. `lost` is done with the reason once it is gone.

    After `keepalive` seconds without a byte from the server it is asked for a sign of life; after
    three of them unanswered the connection is lost.
    """

    __slots__ = ("_conn", "_keepalive", "_on_lost", "host_key", "lost", "server_version")

    def __init__(self, conn: asyncssh.SSHClientConnection, host_key: str, keepalive: float) -> None:
        version = str(conn.get_extra_info("server_version", ""))
        self.host_key = host_key
        self.server_version = printable(version.removeprefix("SSH-2.0-"), 255)
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._conn = conn
        self._keepalive = keepalive
        self._on_lost: Callable[[str], None] | None = None

    def watch(self, on_lost: Callable[[str], None]) -> None:
        """Call `on_lost` with the reason once, when the connection is gone."""
        self._on_lost = on_lost
        if self.lost.done():
            on_lost(self.lost.result())

    def lose(self, reason: str) -> None:
        """The connection is gone: the first reason given is the one that stays."""
        if self.lost.done():
            return
        self.lost.set_result(reason)
        if self._on_lost is not None:
            self._on_lost(reason)

    def give_up(self, reason: str) -> None:
        """Drop the connection at once, for `reason`."""
        self.lose(reason)
        self._conn.abort()

    async def execute(self, occupant: Occupant, deadline: float = OPEN_DEADLINE_S) -> None:
        """Run `occupant` in a channel of its own, until the server has closed the channel.

        Raises ChannelRefused if the server turned the open down and Lost if the connection
        went. An open unanswered for `deadline` seconds costs the connection. Cancelling it
        leaves the channel to the connection's end: close the connection first.
        """
        occupant.begin()
        try:
            async with patience(deadline):
                await self._conn.create_session(
                    lambda: occupant, occupant.command, encoding=None, window=WINDOW
                )
        except TimeoutError:
            self.give_up(f"a channel open went unanswered for {deadline:g} s")
        except (asyncssh.Error, OSError) as error:
            # The connection's own end is told in the loop's next round.
            await asyncio.sleep(0)
            if not occupant.opened and not self._gone():
                raise ChannelRefused(printable(str(error))) from None
        except Exception as error:  # noqa: BLE001 hostile bytes make asyncssh raise anything
            self.give_up(f"the server broke the protocol: {printable(str(error))}")
        if occupant.opened:
            await occupant.over
        if self._gone():
            raise Lost(await self.lost)

    async def round_trip(self) -> None:
        """Return once the server has answered a question asked now, and so has dealt with all
        that was sent before it. Returns as well when the connection is lost."""
        try:
            async with patience(OPEN_DEADLINE_S):
                # asyncssh has no public call for a global request; every server answers one,
                # if only with a failure (RFC 4254 §4).
                await self._conn._make_global_request(b"keepalive@openssh.com")
        except TimeoutError:
            self.give_up(f"a request went unanswered for {OPEN_DEADLINE_S:g} s")

    def round_trip_s(self) -> float | None:
        """Seconds that the server's kernel takes to acknowledge a packet: the shortest in what
        Linux remembers (five minutes), which costs no packet to ask. It is the way through
        the network, without the SSH server's own time. None where the kernel doesn't tell."""
        wire = self._conn.get_extra_info("socket")
        return None if wire is None or self._gone() else shortest_round_trip(wire)

    async def close(self) -> None:
        """End the connection politely, in bounded time. Idempotent; cancel-safe, for a cancel
        drops the connection at once."""
        self.lose("closed")
        self._conn.close()
        try:
            async with asyncio.timeout(CLOSE_DEADLINE_S):
                await self._conn.wait_closed()
        except TimeoutError:
            pass
        finally:
            self._conn.abort()

    def nudge(self) -> None:
        """Send a packet that means nothing."""
        if not self._gone():
            self._conn.send_debug("")

    @property
    def silence(self) -> float:
        """Seconds without a byte after which the connection is lost."""
        return self._keepalive * (KEEPALIVES + 1)

    def expect_answers(self, every: float) -> None:
        """Commands will be sent every so many seconds: their answers are signs of life, and
        asking for others would double the packets of a large fleet. A server that froze is
        noticed by the next command, whose channel open goes unanswered."""
        if self._keepalive < every * ANSWER_MARGIN <= LONGEST_KEEPALIVE_S and not self._gone():
            self._keepalive = every * ANSWER_MARGIN
            self._conn.set_keepalive(self._keepalive)

    def mute(self) -> None:
        """Ask for no more signs of life: this server answers no such question."""
        self._conn.set_keepalive(0)

    def _gone(self) -> bool:
        return self.lost.done() or self._conn.is_closed()


def shortest_round_trip(wire: Wire) -> float | None:
    """`tcpi_min_rtt`, or `tcpi_rtt` where that is unknown, in seconds (tcp(7), TCP_INFO;
    the fields' places are those of Linux's `struct tcp_info`, which only ever grows)."""
    if sys.platform != "linux":
        return None
    try:
        info = wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES)
    except OSError:
        return None  # the connection has just ended
    for offset in (MIN_RTT_AT, RTT_AT):
        if len(info) >= offset + 4:
            (microseconds,) = struct.unpack_from("=I", info, offset)
            if 0 < microseconds < UNKNOWN_RTT:
                return float(microseconds) / 1e6
    return None


def reason_of_loss(error: Exception | None, silence: float) -> str:
    """Why asyncssh says that a connection ended; `silence` is what keepalives allow, seconds."""
    if error is None:
        return "closed"
    if isinstance(error, asyncssh.ConnectionLost):
        if "keepalive" in str(error):
            return f"no sign of life for {silence:g} s"
        return "the connection was lost"
    if isinstance(error, ConnectionResetError):
        return "the connection was reset"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return f"the connection ended: {printable(str(error)) or type(error).__name__}"
