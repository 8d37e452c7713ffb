"""Log in at an endpoint, and say in the words of the inventory what came of it."""

import socket
import time
from secrets import randbelow

from outkept.discover.backoff import next_retry
from outkept.model.address import AddressOutcome, AddressState
from outkept.model.server import Endpoint
from outkept.ssh.client import Client
from outkept.ssh.connection import Connection
from outkept.ssh.errors import (
    Denied,
    HostKeyRejected,
    NotSSH,
    SSHError,
    TimedOut,
    Unreachable,
)

_OUTCOMES: tuple[tuple[type[SSHError], AddressOutcome], ...] = (
    (Denied, AddressOutcome.REFUSED_KEY),
    (HostKeyRejected, AddressOutcome.HOST_KEY_REJECTED),
    (NotSSH, AddressOutcome.NOT_SSH),
    (TimedOut, AddressOutcome.TIMED_OUT),
    (Unreachable, AddressOutcome.SILENT),
)


async def log_in(
    client: Client,
    endpoint: Endpoint,
    user: str,
    sock: socket.socket | None = None,
    *,
    before: AddressState | None = None,
    channel_limit: int | None = None,
) -> Connection | AddressState:
    """A connection, or how the attempt ended.

    `sock` is the connected socket whose banner was peeked at; it is used or closed whatever
    happens. `before` is how this endpoint ended last time: refusals in a row are counted on
    from there, and `retry_at` grows with them. Safe to cancel.
    """
    try:
        return await client.connect(endpoint, user, sock=sock, channel_limit=channel_limit)
    except SSHError as error:
        return state_after(error, endpoint, time.time(), randbelow(1 << 20) / (1 << 20), before)


def state_after(
    error: SSHError,
    endpoint: Endpoint,
    now: float,
    jitter01: float,
    before: AddressState | None = None,
) -> AddressState:
    """The state that `error` leaves an endpoint in. Pure."""
    outcome = next(
        (outcome for kind, outcome in _OUTCOMES if isinstance(error, kind)), AddressOutcome.ERROR
    )
    if outcome is not AddressOutcome.REFUSED_KEY:
        return AddressState(endpoint, outcome, error.reason, now)
    refusals = (before.refusals if before else 0) + 1
    retry_at = next_retry(refusals, now, jitter01)
    return AddressState(endpoint, outcome, error.reason, now, refusals, retry_at)


def resting(state: AddressState | None, now: float) -> AddressState | None:
    """`state` while its endpoint is to be left alone, else None. For a sweep's `skip`. Pure."""
    return state if state and now < state.retry_at else None
