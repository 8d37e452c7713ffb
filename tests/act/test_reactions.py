"""What is on disk at each moment of a reaction's run."""

from dataclasses import replace

import pytest

from outkept.act.runner import intend, perform, record
from outkept.model.action import Action, ActionOutcome
from outkept.model.command import CommandFailure, CommandOutcome, CommandResult, FailureKind

ACTION = Action("s1", "nginx", "systemctl restart nginx", 100.0, ActionOutcome.INTENDED, "why")


class ListJournal:
    """A journal in memory that remembers each write in order."""

    def __init__(self) -> None:
        self.writes: list[Action] = []

    async def intend(self, action: Action) -> Action:
        self.writes.append(replace(action, id=1))
        return self.writes[-1]


async def test_the_intent_is_on_disk_before_the_command_is_sent() -> None:
    journal = ListJournal()
    seen: list[list[ActionOutcome]] = []

    async def send(_: str) -> CommandOutcome:
        seen.append([action.outcome for action in journal.writes])
        return CommandResult(3, b"out ", b"err")

    done = await perform(await intend(journal, ACTION), send, lambda: 101.0)
    assert seen == [[ActionOutcome.INTENDED]]
    assert (done.outcome, done.status, done.output) == (ActionOutcome.DONE, 3, "out err")
    assert done.finished_at == 101.0


@pytest.mark.parametrize(
    ("started", "outcome"), [(True, ActionOutcome.UNKNOWN), (False, ActionOutcome.NOT_SENT)]
)
async def test_a_lost_connection_is_unknown_unless_nothing_was_sent(
    started: bool, outcome: ActionOutcome
) -> None:
    async def send(_: str) -> CommandOutcome:
        return CommandFailure(FailureKind.LOST, "connection lost", started=started)

    done = await perform(ACTION, send, lambda: 101.0)
    assert done.outcome is outcome
    assert "connection lost" in done.reason


async def test_a_dry_run_is_written_down_as_such() -> None:
    journal = ListJournal()
    assert (await record(journal, ACTION)).outcome is ActionOutcome.DRY_RUN
    assert [action.outcome for action in journal.writes] == [ActionOutcome.DRY_RUN]
