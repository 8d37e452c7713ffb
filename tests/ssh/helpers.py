"""What the tests of `ssh` share: connecting, and waiting for a condition."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from outkept.model.command import CommandFailure, CommandOutcome, CommandResult
from outkept.model.server import Endpoint
from outkept.ssh.client import Client
from outkept.ssh.connection import Connection
from outkept.ssh.hostkeys import HostKeys
from outkept.ssh.keys import Credentials, load_credentials


def credentials_of(*paths: Path, passphrase: str | None = None) -> Credentials:
    """The keys of these files, all of which must load."""
    credentials, problems = load_credentials(paths, agent=False, passphrase=lambda path: passphrase)
    assert problems == []
    return credentials


def client_with(
    *keys: Path,
    host_keys: HostKeys | None = None,
    connect_timeout: float = 20.0,
    channels: int | None = None,
    keepalive: float = 5.0,
    handshakes: int = 32,
) -> Client:
    """A client that trusts on first use and remembers nothing."""
    return Client(
        credentials_of(*keys),
        host_keys or HostKeys(None, strict=False),
        connect_timeout=connect_timeout,
        channels=channels,
        keepalive=keepalive,
        handshakes=handshakes,
    )


@contextlib.asynccontextmanager
async def connected(
    client: Client, endpoint: Endpoint, user: str, *, channel_limit: int | None = None
) -> AsyncIterator[Connection]:
    """A connection that is closed afterwards."""
    connection = await client.connect(endpoint, user, channel_limit=channel_limit)
    try:
        yield connection
    finally:
        await connection.close()


def result(outcome: CommandOutcome) -> CommandResult:
    """The result, where a failure would be the test's."""
    assert isinstance(outcome, CommandResult), outcome
    return outcome


def failure(outcome: CommandOutcome) -> CommandFailure:
    """The failure, where a result would be the test's."""
    assert isinstance(outcome, CommandFailure), outcome
    return outcome


def answers(outcomes: Sequence[CommandOutcome]) -> list[bytes]:
    """The outputs, without their newlines, of commands that all exited with 0."""
    results = [result(outcome) for outcome in outcomes]
    assert [each.status for each in results] == [0] * len(results)
    return [each.stdout.strip() for each in results]


async def eventually(condition: Callable[[], object], what: str, deadline: float = 20.0) -> None:
    """Wait for a condition. Fails with `what` when the deadline passes."""
    try:
        async with asyncio.timeout(deadline):
            while not condition():  # noqa: ASYNC110 the condition has no event of its own
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"{what}: not within {deadline:g} s") from None
