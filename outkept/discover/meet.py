"""Log in and ask who is there: the part of a visit that is the same for everybody."""

import socket
import time
from dataclasses import dataclass

from outkept.discover.identify import identify
from outkept.discover.login import log_in
from outkept.model.address import AddressOutcome, AddressState
from outkept.model.server import Endpoint, Facts, Identity
from outkept.ssh.client import Client
from outkept.ssh.connection import Connection


@dataclass(frozen=True, slots=True)
class Met:
    """A machine that told us who it is. The connection is the receiver's to close."""

    connection: Connection
    identity: Identity
    facts: Facts


async def meet(
    client: Client,
    endpoint: Endpoint,
    user: str,
    sock: socket.socket | None = None,
    *,
    before: AddressState | None = None,
    channel_limit: int | None = None,
    timeout: float = 20.0,
) -> Met | AddressState:
    """Who is at `endpoint`, or how the attempt ended. `sock`, `before` and `channel_limit` as
    for `log_in`; `timeout` (seconds) bounds the identification. Safe to cancel: no connection
    is left."""
    connection = await log_in(
        client, endpoint, user, sock, before=before, channel_limit=channel_limit
    )
    if isinstance(connection, AddressState):
        return connection
    met: Met | None = None
    try:
        answer = await identify(connection, timeout=timeout)
        if isinstance(answer, str):
            return AddressState(endpoint, AddressOutcome.ERROR, answer, time.time())
        met = Met(connection, *answer)
        return met
    finally:
        if met is None:
            await connection.close()
