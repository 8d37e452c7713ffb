"""What the channel pool is asked to run."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from outkept.model.command import CommandOutcome

CAP = 256 * 1024
"""Bytes of standard output a command may print, if its job names no other number."""


Heard = Callable[[bytes, bool], None]


class Priority(IntEnum):
    """Who goes first. A lower number never waits behind a higher one."""

    REACTION = 0
    URGENT = 1
    ROUTINE = 2


@dataclass(slots=True)
class Job:
    """One command to be run once.

    `key` names it: of two jobs with one key only one waits or runs. `due` is the loop's time
    at which it fell due; among jobs of one priority the earliest goes first. `every` is the
    interval in seconds of a job that comes back, None for a one-off. `timeout` is how many
    seconds it may run, from the open of its channel to its exit status. `cap` bounds its
    standard output in bytes.

    `done` is called exactly once, from the event loop, with the outcome; it must not block,
    and may submit again.

    With `in_shell` it may run in a long-lived shell among others, where the server has one. A
    shell drops standard error, so what ends there with a status that isn't `fine`, or says
    nothing, is run again by itself to learn why. `fine` None: whatever it says is an answer.

    `heard` is called with what a command that runs alone prints, as it arrives, and whether that
    was on standard error; the same bytes are in the outcome. It must not block either.
    `bar` is asked at the last moment, when its channel is open: where it says why not, the command
    is not sent, and answered with CANCELLED, `started` false. With `posix` an exec goes to `sh`,
    whatever the login shell is.
    """

    key: str
    command: str
    timeout: float
    priority: Priority
    due: float
    every: float | None
    done: "Callable[[Job, CommandOutcome], None]"
    cap: int = CAP
    in_shell: bool = False
    fine: tuple[int, ...] | None = (0,)
    heard: Heard | None = None
    bar: "Callable[[], str] | None" = None
    posix: bool = False

    def answered_by(self, status: int, stdout: bytes) -> bool:
        """Whether this is an answer as good as one with its standard error."""
        said = bool(stdout.strip())
        return said or status == 0 if self.fine is None else said and status in self.fine
