"""Running one reaction: its intent on disk, the command on the very connection that gave
the reading, what came of it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

from outkept.model.action import Action, ActionOutcome
from outkept.model.command import CommandFailure, CommandOutcome

LONGEST_OUTPUT = 4000
"""Characters of a reaction's output that are kept."""

Send = Callable[[str], Awaitable[CommandOutcome]]
"""Sends a command ahead of all readings on one connection; never raises for remote trouble."""


class Journal(Protocol):
    """Where actions are written; implemented by the store."""

    async def intend(self, action: Action) -> Action:
        """On disk, with its id, when this returns. Raises AlreadyStartedError where its step was
        started for its incident before, unless somebody has it run."""
        ...


async def record(journal: Journal, action: Action) -> Action:
    """Write down a reaction that would have run (`reactions.mode: dry-run`)."""
    return await journal.intend(replace(action, outcome=ActionOutcome.DRY_RUN))


async def intend(journal: Journal, action: Action) -> Action:
    """Write down that `action` is about to run; on disk, with its id, when this returns.

    Whoever finds it unfinished knows that the command may have run. Raises AlreadyStartedError
    where its step was started for its incident before.
    """
    return await journal.intend(replace(action, outcome=ActionOutcome.INTENDED))


async def perform(intended: Action, send: Send, clock: Callable[[], float]) -> Action:
    """Send the command of an intent that is on disk, once; the action with its outcome, which is
    not on disk yet.

    Cancelled in between, the intent stays unfinished, which is the truth.
    """
    return _finished(intended, await send(intended.command), clock())


def _finished(action: Action, outcome: CommandOutcome, now: float) -> Action:
    output = (outcome.stdout + outcome.stderr).decode("utf-8", errors="replace")
    finished = replace(action, finished_at=now, output=output[:LONGEST_OUTPUT])
    if not isinstance(outcome, CommandFailure):
        return replace(finished, outcome=ActionOutcome.DONE, status=outcome.status)
    if not outcome.started:
        reason = f"{action.reason}; not sent: {outcome.reason}"
        return replace(finished, outcome=ActionOutcome.NOT_SENT, reason=reason)
    reason = f"{action.reason}; whether it ran is not known: {outcome.reason}"
    return replace(finished, outcome=ActionOutcome.UNKNOWN, reason=reason)
