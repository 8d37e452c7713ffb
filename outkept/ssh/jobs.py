"""What the channel pool is asked to run."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from outkept.model.command import CommandOutcome

CAP = 256 * 1024
"""Bytes of standard output a command may print, if its job names no other number."""


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
    """

    key: str
    command: str
    timeout: float
    priority: Priority
    due: float
    every: float | None
    done: "Callable[[Job, CommandOutcome], None]"
    cap: int = CAP
