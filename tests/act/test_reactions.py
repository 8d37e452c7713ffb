"""Whether a reaction runs, and what is on disk at each moment of its run."""

from dataclasses import replace

import pytest

from outkept.act.policy import decide
from outkept.act.runner import carry_out, intend, record
from outkept.config.settings import ReactionMode
from outkept.model.action import Action, ActionOutcome
from outkept.model.command import CommandFailure, CommandOutcome, CommandResult, FailureKind
from outkept.model.sensor import Sensor

NGINX = Sensor("nginx", "cmd", alarm=10, reactive="systemctl restart nginx", cooldown=60)
ACTION = Action("s1", "nginx", "systemctl restart nginx", 100.0, ActionOutcome.INTENDED, "why")


class ListJournal:
    """A journal in memory that remembers each write in order."""

    def __init__(self) -> None:
        self.writes: list[Action] = []

    async def intend(self, action: Action) -> Action:
        self.writes.append(replace(action, id=1))
        return self.writes[-1]

    async def finish(self, action: Action) -> None:
        self.writes.append(action)


def decision(
    mode: ReactionMode = ReactionMode.ON,
    sensor: Sensor = NGINX,
    *,
    by_zero: bool = False,
    last: Action | None = None,
    now: float = 100.0,
) -> tuple[bool, bool]:
    decided = decide(mode, sensor, by_zero=by_zero, last=last, now=now, cause="12 >= 10")
    assert decided.reason
    return decided.run, decided.record


def test_a_reaction_runs_when_it_is_on_and_is_written_down_in_dry_run() -> None:
    assert decision(ReactionMode.ON) == (True, True)
    assert decision(ReactionMode.DRY_RUN) == (False, True)
    assert decision(ReactionMode.OFF) == (False, False)


def test_a_zero_alarm_and_a_sensor_without_reaction_run_nothing() -> None:
    assert decision(by_zero=True) == (False, False)
    assert decision(sensor=replace(NGINX, reactive=None)) == (False, False)


@pytest.mark.parametrize("outcome", list(ActionOutcome))
def test_the_cooldown_counts_from_the_intent_whatever_came_of_it(outcome: ActionOutcome) -> None:
    last = replace(ACTION, outcome=outcome)
    assert decision(last=last, now=159.0) == (False, False)
    assert decision(last=last, now=160.0) == (True, True)


def test_a_clock_set_back_holds_the_reaction() -> None:
    assert decision(last=ACTION, now=10.0) == (False, False)


async def test_the_intent_is_on_disk_before_the_command_is_sent() -> None:
    journal = ListJournal()
    seen: list[list[ActionOutcome]] = []

    async def send(_: str) -> CommandOutcome:
        seen.append([action.outcome for action in journal.writes])
        return CommandResult(3, b"out ", b"err")

    done = await carry_out(journal, await intend(journal, ACTION), send, lambda: 101.0)
    assert seen == [[ActionOutcome.INTENDED]]
    assert (done.outcome, done.status, done.output) == (ActionOutcome.DONE, 3, "out err")
    assert journal.writes[-1] == done


@pytest.mark.parametrize(
    ("started", "outcome"), [(True, ActionOutcome.UNKNOWN), (False, ActionOutcome.NOT_SENT)]
)
async def test_a_lost_connection_is_unknown_unless_nothing_was_sent(
    started: bool, outcome: ActionOutcome
) -> None:
    async def send(_: str) -> CommandOutcome:
        return CommandFailure(FailureKind.LOST, "connection lost", started=started)

    done = await carry_out(ListJournal(), ACTION, send, lambda: 101.0)
    assert done.outcome is outcome
    assert "connection lost" in done.reason


async def test_a_dry_run_is_written_down_as_such() -> None:
    journal = ListJournal()
    assert (await record(journal, ACTION)).outcome is ActionOutcome.DRY_RUN
    assert [action.outcome for action in journal.writes] == [ActionOutcome.DRY_RUN]
