"""A kept connection to one server, and the pool of channels on it."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

from outkept.model.command import CommandFailure, CommandOutcome, FailureKind
from outkept.model.server import Endpoint
from outkept.ssh.channels import ChannelPool
from outkept.ssh.jobs import CAP, Heard, Job, Priority
from outkept.ssh.limit import CEILING, ChannelLimit
from outkept.ssh.redial import Redial
from outkept.ssh.scope import Scope
from outkept.ssh.transport import Transport

OPENSSH_SESSIONS = 10
"""MaxSessions where sshd_config doesn't name it (sshd_config(5))."""


class Connection:
    """A logged-in connection. Everything that runs on the server goes through `pool`.

    `host_key` is `TYPE SHA256:…`, `server_version` the banner without `SSH-2.0-`. To a server
    that gives one session per connection (tinyssh) it is a row of connections, one for each
    command; the host key is compared each time.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        user: str,
        transport: Transport,
        dial: Callable[[], Awaitable[Transport]],
        *,
        bound: int | None,
        learned: int | None,
    ) -> None:
        self.endpoint = endpoint
        self.user = user
        self.host_key = transport.host_key
        self.server_version = transport.server_version
        self._numbers = itertools.count(1)
        self._scope = Scope(str(endpoint))
        self._gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        one_session = self.server_version.lower().startswith("tinyssh")
        self._link = Redial(transport, dial) if one_session else transport
        single = one_session or self.server_version.lower().startswith("dropbear")
        limit = ChannelLimit(bound=1 if single else bound, learned=learned)
        self.pool = ChannelPool(
            self._link, self._scope, limit, lambda wanted: _cure(wanted, limit, single)
        )
        self._link.watch(self._lose)

    @property
    def lost(self) -> str | None:
        """Why the connection is gone; None while it is there."""
        return self._gone.result() if self._gone.done() else None

    async def run(
        self,
        command: str,
        *,
        timeout: float,
        cap: int = CAP,
        priority: Priority = Priority.ROUTINE,
        key: str | None = None,
        in_shell: bool = False,
        heard: Heard | None = None,
        bar: Callable[[], str] | None = None,
        posix: bool = False,
    ) -> CommandOutcome:
        """Run `command` through the pool: at most `timeout` seconds from its channel's open,
        at most `cap` bytes of standard output. Remote trouble is a CommandFailure, never raised.

        With `in_shell` it may run in a long-lived shell; what it says on standard error is lost
        there. With a `key`, it is not run while another job of that key is waiting or running.
        `heard` is called with what it prints, as it arrives, and whether that was on standard
        error; it must not block.
        `bar` is asked just before it is sent, and may say why it must not be; with `posix` it is
        given to `sh`, whatever the login shell.
        Cancel-safe: the remote process is ended where the server allows it.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[CommandOutcome] = loop.create_future()

        def done(_: Job, outcome: CommandOutcome) -> None:
            if not answer.done():
                answer.set_result(outcome)

        name = f"#{next(self._numbers)}" if key is None else key
        job = Job(
            name,
            command,
            timeout,
            priority,
            loop.time(),
            None,
            done,
            cap,
            in_shell,
            None,
            bar=bar,
            posix=posix,
            heard=heard,
        )
        if not self.pool.submit(job):
            reason = f"not sent: {name} is still waiting or running, or too much waits"
            return CommandFailure(FailureKind.CANCELLED, reason, started=False)
        try:
            return await answer
        except asyncio.CancelledError:
            self.pool.cancel(job)
            raise

    def expect_answers(self, every: float) -> None:
        """Something will be read every `every` seconds, which shows that the server lives."""
        self._link.expect_answers(every)

    async def wait_lost(self) -> str:
        """Wait for the connection's end, and say why. Cancel-safe."""
        return await asyncio.shield(self._gone)

    async def close(self) -> None:
        """End the connection, the commands on it, and every task under it. Idempotent,
        bounded by seconds; cancel-safe: what was dropped stays dropped."""
        self.pool.end_running("closed")
        self._lose("closed")
        try:
            await self._link.close()
        finally:
            await self._scope.aclose()

    def _lose(self, reason: str) -> None:
        if not self._gone.done():
            self._gone.set_result(reason)
            self.pool.close(reason)


def _cure(wanted: int, limit: ChannelLimit, single: bool) -> str:
    if single:
        return ""
    if limit.learned:
        return f"set MaxSessions to {wanted}"
    # The server refused nothing yet: it is our own bound that holds the channels back.
    sessions = f" and MaxSessions to {wanted}" if wanted > OPENSSH_SESSIONS else ""
    return f"set ssh.channels to {max(wanted, CEILING + 1)}{sessions}"
