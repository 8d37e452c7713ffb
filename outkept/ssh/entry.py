"""A job in the pool."""

from dataclasses import dataclass

from outkept.ssh.execution import Execution
from outkept.ssh.jobs import Job
from outkept.ssh.refusals import NONE


@dataclass(slots=True, eq=False)
class Entry:
    """One job from its submission to its answer, in the order in which jobs run.

    `since` is when it was submitted, `begun` when it last began to run, 0 while it waits.
    `refused_in` is the period in which its open was refused (see `refusals`), `rerun` says that
    a shell could not answer it.
    """

    priority: int
    due: float
    number: int
    job: Job
    since: float
    begun: float = 0.0
    refused_in: int = NONE
    rerun: bool = False
    answered: bool = False
    execution: Execution | None = None

    def __lt__(self, other: "Entry") -> bool:
        """Written out: two generated tuples for each comparison are most of a sort's cost."""
        if self.priority != other.priority:
            return self.priority < other.priority
        if self.due != other.due:
            return self.due < other.due
        return self.number < other.number
