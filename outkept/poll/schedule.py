"""When sensors fall due: a fixed grid for each interval, shifted by server. Pure.

All sensors of one interval on one server fall due together, so that they can travel
together; servers are spread over the interval by a hash of their id, so that neither a
restart nor chance makes them stampede (Prometheus does the same, `scrape/target.go`).
"""

from hashlib import blake2b


def offset(server: str, every: float) -> float:
    """Where in an interval of `every` seconds the server's ticks lie, 0 <= offset < every."""
    digest = blake2b(server.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64 * every


def next_due(server: str, every: float, now: float) -> float:
    """The first tick after `now` (seconds, any epoch that stays the same)."""
    shift = offset(server, every)
    due = ((now - shift) // every + 1) * every + shift
    return due if due > now else due + every
