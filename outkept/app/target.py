"""What a person typed as HOST, and the endpoints that it may mean."""

import asyncio
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from outkept.model.server import Endpoint

RESOLVE_S = 10.0
MOST_ADDRESSES = 8

_BRACKETED = re.compile(r"\[([^\]]+)\](?::(\d+))?")
_NAMED = re.compile(r"([^\s:@/\[\]]+)(?::(\d+))?")


class TargetError(ValueError):
    """HOST can't be understood, or has no address. One line that says what to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """A host as it was typed; user and port None where they were not named."""

    host: str
    port: int | None = None
    user: str | None = None


def parse_target(text: str) -> Target:
    """Read `HOST`, `HOST:PORT`, `[IPV6]:PORT` or a bare IPv6 address, with or without `USER@`.

    Raises TargetError.
    """
    user, at, rest = text.strip().rpartition("@")
    if at and not user:
        raise TargetError(f"{text!r} names no user before the @; write USER@HOST or HOST")
    try:
        return Target(str(ip_address(rest)), None, user or None)
    except ValueError:
        pass
    match = _BRACKETED.fullmatch(rest) or _NAMED.fullmatch(rest)
    if match is None:
        raise TargetError(f"{text!r} is not a host; write NAME, ADDRESS, HOST:PORT or [IPV6]:PORT")
    port = int(match[2]) if match[2] else None
    if port is not None and not 0 < port < 65536:
        raise TargetError(f"{port} is not a port; use 1 to 65535")
    return Target(match[1], port, user or None)


async def resolve(host: str) -> tuple[str, ...]:
    """The addresses of a host, in the order in which the system prefers them.

    Takes at most ten seconds. Raises TargetError. Cancel-safe.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLVE_S):
            found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise TargetError(f"{host!r} did not resolve within {RESOLVE_S:g} s; check DNS") from None
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "no such name"
        raise TargetError(f"{host!r} has no address: {why.lower()}; check the name") from None
    # An address with a zone (fe80::1%eth0) means something on this machine only.
    addresses = (str(ip_address(entry[4][0])) for entry in found if "%" not in str(entry[4][0]))
    unique = tuple(dict.fromkeys(addresses))[:MOST_ADDRESSES]
    if not unique:
        raise TargetError(f"{host!r} has no address that can be used here")
    return unique


def endpoints(addresses: Sequence[str], ports: Sequence[int]) -> tuple[Endpoint, ...]:
    """Every address with every port, in order."""
    return tuple(Endpoint(address, port) for address in addresses for port in ports)
