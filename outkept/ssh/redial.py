"""A server with one session per connection (tinyssh): each command gets a new connection."""

from collections.abc import Awaitable, Callable

from outkept.ssh.errors import Lost, SSHError
from outkept.ssh.execution import Execution
from outkept.ssh.transport import Transport

OPEN_DEADLINE_S = 3.0
"""tinyssh's first open sometimes hangs; a new connection is the cure, and cheap."""

TRIES = 3


class Redial:
    """A link that dials for each command. It is lost when dialling fails."""

    def __init__(self, first: Transport, dial: Callable[[], Awaitable[Transport]]) -> None:
        self._host_key = first.host_key
        self._dial = dial
        self._current: Transport | None = first
        self._reason: str | None = None
        self._on_lost: Callable[[str], None] | None = None
        first.mute()

    def watch(self, on_lost: Callable[[str], None]) -> None:
        """Call `on_lost` with the reason once, when the server can't be reached any more."""
        self._on_lost = on_lost

    async def execute(self, execution: Execution) -> None:
        """Run it on a connection of its own. Raises Lost."""
        for _ in range(TRIES):
            transport = await self._transport()
            try:
                await transport.execute(execution, OPEN_DEADLINE_S)
                return
            except Lost:
                if execution.complete:
                    return
                if execution.opened or execution.answered:
                    raise
            finally:
                self._current = None
                await transport.close()
        reason = f"{TRIES} connections gave no session"
        self.give_up(reason)
        raise Lost(reason)

    async def round_trip(self) -> None:
        """Nothing to wait for: no slot is used twice."""

    def give_up(self, reason: str) -> None:
        """Say that the server is gone, for `reason`."""
        if self._reason is None:
            self._reason = reason
            if self._on_lost is not None:
                self._on_lost(reason)
        if self._current is not None:
            self._current.give_up(reason)

    async def close(self) -> None:
        """End what is open. Idempotent."""
        self.give_up("closed")
        if self._current is not None:
            await self._current.close()

    async def _transport(self) -> Transport:
        if self._reason is not None:
            raise Lost(self._reason)
        if self._current is not None and not self._current.lost.done():
            return self._current
        try:
            transport = await self._dial()
        except SSHError as error:
            self.give_up(error.reason)
            raise Lost(error.reason) from None
        transport.mute()
        if transport.host_key != self._host_key:
            await transport.close()
            self.give_up("its host key is another now")
            raise Lost("its host key is another now")
        self._current = transport
        return transport
