"""What comes of a command on a server: an answer, or a failure that is data."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class CommandResult(NamedTuple):
    """A command that ran to its end and reported an exit status. A named tuple, because one is
    made for each reading.

    `waited` is how long it queued for a channel, `took` how long it ran, in seconds.
    """

    status: int
    stdout: bytes
    stderr: bytes
    waited: float = 0.0
    took: float = 0.0


class FailureKind(StrEnum):
    """Why there is no answer."""

    TIMED_OUT = "timed out"
    TOO_LONG = "too much output"
    LOST = "connection lost"
    NO_STATUS = "no exit status"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class CommandFailure:
    """A command without an answer. Whether it ran on the server is not known unless
    `started` is false, which says that nothing was sent."""

    kind: FailureKind
    reason: str
    started: bool = True
    waited: float = 0.0
    took: float = 0.0
    stdout: bytes = b""
    stderr: bytes = b""


CommandOutcome = CommandResult | CommandFailure
