"""Ask a machine who it is, in one command."""

from outkept.discover.identity import Answer, parse_identity
from outkept.discover.identity_script import IDENTIFY_SCRIPT
from outkept.model.command import CommandFailure, FailureKind
from outkept.ssh.connection import Connection
from outkept.ssh.jobs import Priority

__all__ = ["IDENTIFY_SCRIPT", "identify", "parse_identity"]

MOST_BYTES = 65536
"""Room for a talkative start file and a few hundred addresses."""


async def identify(connection: Connection, *, timeout: float = 20.0) -> Answer | str:
    """The identity and facts of the machine at the other end, or why there are none.

    One exec, at most `timeout` seconds. Safe to cancel.
    """
    outcome = await connection.run(
        IDENTIFY_SCRIPT, timeout=timeout, cap=MOST_BYTES, priority=Priority.URGENT
    )
    if not isinstance(outcome, CommandFailure):
        return parse_identity(outcome.stdout, connection.host_key, connection.server_version)
    if outcome.kind is FailureKind.TIMED_OUT:
        return f"it logs us in, but did not say who it is within {timeout:g} s"
    return f"it logs us in, but did not say who it is: {outcome.reason}"
