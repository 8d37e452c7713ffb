"""What holds a channel: one command, or a long-lived shell."""

import asyncio
from abc import abstractmethod
from collections.abc import Callable

import asyncssh


class Occupant(asyncssh.SSHClientSession[bytes]):
    """Takes one channel from its open to its close. `command` is what the server executes;
    `over` is done when the server has closed the channel."""

    command: str
    answered: bool
    """Nothing more is expected of it."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.over: asyncio.Future[None] = self.loop.create_future()
        self.awake: Callable[[], None] = _nothing
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None

    @property
    def opened(self) -> bool:
        """Whether the server gave a channel: from then on the command may have run."""
        return self._channel is not None

    @property
    def complete(self) -> bool:
        """Whether all that was asked arrived, whatever became of the connection."""
        return False

    @property
    def idle(self) -> bool:
        """Whether nothing is expected of the server just now. `awake` is called when that
        ends."""
        return False

    @abstractmethod
    def begin(self) -> None:
        """The open is being sent: deadlines run from now."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is over. Whether the connection is, the link finds out."""
        if not self.over.done():
            self.over.set_result(None)


def _nothing() -> None:
    """Nobody wants to know."""
