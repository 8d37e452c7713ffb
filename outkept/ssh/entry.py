"""A job in the pool."""

from dataclasses import dataclass, field

from outkept.ssh.execution import Execution
from outkept.ssh.jobs import Job
from outkept.ssh.refusals import NONE


@dataclass(slots=True, order=True)
class Entry:
    """One job from its submission to its answer, in the order in which jobs run.

    `since` is when it was submitted, `begun` when it last began to run, 0 while it waits.
    `refused_in` is the period in which its open was refused (see `refusals`), `rerun` says that
    a shell could not answer it.
    """

    priority: int
    due: float
    number: int
    job: Job = field(compare=False)
    since: float = field(compare=False)
    begun: float = field(compare=False, default=0.0)
    refused_in: int = field(compare=False, default=NONE)
    rerun: bool = field(compare=False, default=False)
    answered: bool = field(compare=False, default=False)
    execution: Execution | None = field(compare=False, default=None)
