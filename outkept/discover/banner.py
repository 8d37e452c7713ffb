"""Look at an SSH server's banner without taking it, so that the login can read it again.

One TCP connection serves for both: OpenSSH's PerSourcePenalties punish connections that are
dropped before authentication, and twenty bare banner reads were enough for a ban.
"""

import asyncio
import re
import socket
from dataclasses import dataclass, replace

from outkept.model.address import AddressOutcome

MOST_BYTES = 8192
"""Before and with the banner. RFC 4253 §4.2 sets no limit to the lines before it; OpenSSH's
own client gives up after 1,024 lines, asyncssh after as many bytes as this in one line."""

_BUSY = (b"Exceeded MaxStartups", b"Not allowed at this time")
_OTHER_PROTOCOLS = (b"HTTP/", b"220 ", b"220-", b"+OK", b"* OK", b"RFB ", b"AMQP", b"-ERR")


_GREETING = b"SSH-2.0-Outkept\r\n"
PATIENCE = 0.6
"""The part of the deadline after which we speak first. An SSH server speaks at once; a web
server, or a multiplexer with an SSH server behind it, waits for its client."""


@dataclass(frozen=True, slots=True)
class Banner:
    """The identification line, without its line end. `spoiled`: it came only after we had
    spoken, so nobody can log in on this connection any more."""

    text: str
    spoiled: bool = False


@dataclass(frozen=True, slots=True)
class NoBanner:
    """Why there is none. `penalised`: the server told us to stay away for a while."""

    outcome: AddressOutcome
    reason: str
    penalised: bool = False


async def read_banner(sock: socket.socket, timeout: float) -> Banner | NoBanner:
    """Peek at the banner of a connected non-blocking socket within `timeout` seconds.

    Nothing is consumed and the socket stays open. Safe to cancel.
    """
    spoke = False
    try:
        heard = await _listen(sock, b"", timeout * PATIENCE)
        if heard == b"":
            spoke = sock.send(_GREETING) > 0
        if isinstance(heard, bytes):
            heard = await _listen(sock, heard, timeout * (1 - PATIENCE))
    except OSError as error:
        return _closed(f"it reset the connection before its banner: {error.strerror}", spoke=spoke)
    finally:
        _low_water(sock, 1)
    if isinstance(heard, bytes):
        return _too_late(heard, timeout)
    if spoke and heard == judge(b"", ended=True):
        return _closed("it closed the connection", spoke=True)
    return replace(heard, spoiled=spoke) if isinstance(heard, Banner) else heard


async def _listen(sock: socket.socket, seen: bytes, timeout: float) -> Banner | NoBanner | bytes:
    """The verdict, or after `timeout` what was seen."""
    try:
        async with asyncio.timeout(timeout):
            while True:
                await _more_than(sock, len(seen))
                data = sock.recv(MOST_BYTES, socket.MSG_PEEK)
                verdict = judge(data, ended=len(data) <= len(seen))
                if verdict:
                    return verdict
                seen = data
    except TimeoutError:
        return seen


def judge(data: bytes, *, ended: bool) -> Banner | NoBanner | None:
    """What the bytes so far mean; None when more are needed. `ended`: no more come. Pure."""
    *lines, rest = data.split(b"\n")
    for line in lines:
        if line.startswith(b"SSH-"):
            return _version(line)
        if any(busy in line for busy in _BUSY):
            return _busy(line)
    if b"\0" in data or data.startswith(_OTHER_PROTOCOLS):
        return _not_ssh(data)
    if len(data) >= MOST_BYTES:
        return NoBanner(AddressOutcome.NOT_SSH, f"{MOST_BYTES} bytes and no SSH banner in them")
    if not ended:
        return None
    if any(busy in rest for busy in _BUSY):
        return _busy(rest)
    if rest.startswith(b"SSH-"):
        return NoBanner(AddressOutcome.ERROR, "it closed the connection within its banner")
    return _not_ssh(data) if data.strip() else _closed("it closed the connection before its banner")


def _version(line: bytes) -> Banner | NoBanner:
    text = _readable(line)
    if text.startswith(("SSH-2.0-", "SSH-1.99-")):
        return Banner(text)
    return NoBanner(AddressOutcome.NOT_SSH, f"it speaks no SSH 2: {text!r}")


def _busy(line: bytes) -> NoBanner:
    penalised = b"Not allowed" in line
    why = "PerSourcePenalties holds us off" if penalised else "its MaxStartups is reached"
    return NoBanner(AddressOutcome.ERROR, f"{why}: {_readable(line)!r}", penalised)


def _closed(what: str, *, spoke: bool = False) -> NoBanner:
    if spoke:
        return NoBanner(AddressOutcome.NOT_SSH, "it hangs up when greeted as an SSH server")
    return NoBanner(AddressOutcome.ERROR, f"{what} (MaxStartups, TCP wrappers or a firewall)")


def _not_ssh(data: bytes) -> NoBanner:
    first = _readable(data.lstrip().partition(b"\n")[0])
    return NoBanner(AddressOutcome.NOT_SSH, f"it answers, but not with an SSH banner: {first!r}")


def _too_late(seen: bytes, timeout: float) -> NoBanner:
    if seen.strip() and not seen.startswith(b"SSH-"):
        return _not_ssh(seen)
    return NoBanner(
        AddressOutcome.TIMED_OUT,
        f"it accepts the connection, but sends no SSH banner in {timeout:g} s",
    )


def _readable(line: bytes) -> str:
    text = line[:255].decode("utf-8", "replace").strip()
    return re.sub(r"\s+", " ", "".join(c if c.isprintable() else "?" for c in text))[:120]


async def _more_than(sock: socket.socket, length: int) -> None:
    """Wait until more than `length` bytes lie ready, or the peer has closed.

    The low-water mark keeps the bytes already seen from waking us over and over.
    """
    _low_water(sock, length + 1)
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(sock, _wake, ready)
    try:
        await ready
    finally:
        loop.remove_reader(sock)


def _wake(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _low_water(sock: socket.socket, length: int) -> None:
    if sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, length)
