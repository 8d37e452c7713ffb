"""A server with one session per connection (tinyssh): each command gets a new connection."""

import asyncio
from collections.abc import Awaitable, Callable

from outkept.ssh.errors import Lost, SSHError
from outkept.ssh.occupant import Occupant
from outkept.ssh.transport import Transport

OPEN_DEADLINE_S = 3.0
"""A session that was not opened by then is tried on a new connection, which is cheap."""

FIRST_NUDGE_S, LAST_NUDGE_S = 0.01, 1.0
"""tinyssh takes one packet from what it read and then waits for the network, though the next
packet is in its hands already: most opens hung for good. Another packet wakes it (measured,
tinyssh 20230101)."""

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

    async def execute(self, occupant: Occupant) -> None:
        """Run it on a connection of its own. Raises Lost."""
        for _ in range(TRIES):
            transport = await self._transport()
            nudges = _Nudges(transport, occupant)
            try:
                await transport.execute(occupant, OPEN_DEADLINE_S)
                return
            except Lost:
                if occupant.complete:
                    return
                if occupant.opened or occupant.answered:
                    raise
            finally:
                nudges.stop()
                self._current = None
                await transport.close()
        reason = f"{TRIES} connections gave no session"
        self.give_up(reason)
        raise Lost(reason)

    def expect_answers(self, every: float) -> None:
        """No signs of life are asked for: each command has a connection of its own."""

    async def round_trip(self) -> None:
        """Nothing to wait for: no slot is used twice."""

    def round_trip_s(self) -> float | None:
        """As that of the connection there is now; None between two."""
        return None if self._current is None else self._current.round_trip_s()

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


class _Nudges:
    """Packets that mean nothing, ever less often, until stopped. Once the command has its
    answer, the connection is of no more use, and the process may never end."""

    def __init__(self, transport: Transport, occupant: Occupant) -> None:
        self._transport = transport
        self._occupant = occupant
        self._pause = FIRST_NUDGE_S
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(self._pause, self._nudge)
        occupant.awake = self._hasten

    def _hasten(self) -> None:
        """A shell that was idle is asked something."""
        self._timer.cancel()
        self._pause = FIRST_NUDGE_S
        self._timer = self._loop.call_later(self._pause, self._nudge)

    def _nudge(self) -> None:
        if self._occupant.answered:
            self._transport.give_up("its only command was answered")
            return
        if not self._occupant.idle:
            self._transport.nudge()
        self._pause = min(LAST_NUDGE_S, self._pause * 2)
        self._timer = self._loop.call_later(self._pause, self._nudge)

    def stop(self) -> None:
        self._occupant.awake = lambda: None
        self._timer.cancel()
