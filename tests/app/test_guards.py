"""What holds a reaction, where nothing else does: mode, silence, acknowledgement, blindness,
flapping, zero.

Servers are in memory, so that what they do at which moment can be said exactly. What needs a real
sshd is in test_reactions.py.
"""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from outkept.model.command import CommandOutcome, CommandResult
from outkept.model.event import EventType
from outkept.model.silence import Silence
from tests.app.reacting import DEPTH, Wire, held, once_intended, yard

pytestmark = pytest.mark.usefixtures("soon")


async def test_without_anything_in_the_way_it_runs(tmp_path: Path) -> None:
    async with yard(tmp_path) as one:
        one.server(0)
        one.read("s0", 11)
        await one.told_of("ran `pump`: exit status 0")
        assert one.sent() == ["pump"]
        (action,) = await one.actions()
        assert (action.step, action.by, action.incident) == (1, "", one.told[0].id)
        assert one.schedule.asked["s0", "depth"] >= 1
        one.read("s0", 9)
        await one.told_of("mended in 0 s")


async def test_off_by_a_rule(tmp_path: Path) -> None:
    rules = [{"match": {"hostname": "web*"}, "sensors": ["dep*"], "mode": "off"}]
    async with yard(tmp_path, rules=rules) as one:
        await held(one, "held: reactions.rules.0.mode is off")


@pytest.mark.parametrize("server", ["web0", "10.0.0.1"])
async def test_a_silence_holds_it_until_it_ends(tmp_path: Path, server: str) -> None:
    async with yard(tmp_path) as one:
        now = time.time()
        silence = await one.context.desk.add_silence(
            Silence(now - 1, now + 3600, "backup", "ana", server)
        )
        await held(one, "held: it is silenced: backup (ana)")
        await one.context.desk.end_silence(silence.id, "ana")
        await one.told_of("ran `pump`")


async def test_an_acknowledgement_holds_it_for_good(tmp_path: Path) -> None:
    async with yard(tmp_path) as one:
        one.blind = "we may be blind to all servers"
        one.server(0)
        one.read("s0", 11)
        await one.told_of("held: we may be blind")
        (incident,) = one.context.desk.incidents()
        await one.context.desk.said(incident, EventType.ACKNOWLEDGED, "ana has it", "ana")
        await one.told_of("held: ana has acknowledged the incident")
        await one.until(lambda: not one.context.watched, "nothing is waited for")
        one.blind = ""
        one.read("s0", 12)
        await one.context.herald.drain(5.0)
        assert one.context.herald.alarms.empty()
        assert one.sent() == []


async def test_blindness_holds_it_until_it_clears(tmp_path: Path) -> None:
    async with yard(tmp_path) as one:
        one.blind = "we may be blind to all servers"
        await held(one, "held: we may be blind to all servers")
        one.blind = ""
        await one.told_of("ran `pump`")


async def test_flapping_holds_it_until_it_is_steady(tmp_path: Path) -> None:
    async with yard(tmp_path) as one:
        one.flapping = True
        await held(one, "held: it is flapping")
        one.flapping = False
        await one.told_of("ran `pump`")


async def test_what_is_zero_by_the_time_that_a_silence_ends_runs_nothing(tmp_path: Path) -> None:
    async with yard(tmp_path, replace(DEPTH, zero=True)) as one:
        now = time.time()
        silence = await one.context.desk.add_silence(Silence(now - 1, now + 3600, "backup", "ana"))
        await held(one, "held: it is silenced")
        one.read("s0", 0)
        await one.context.desk.end_silence(silence.id, "ana")
        await one.told_of("held: a value of 0 alarms but runs no reaction")
        assert one.sent() == []


async def test_what_is_zero_after_its_first_step_has_no_second(tmp_path: Path) -> None:
    sensor = replace(DEPTH, zero=True, fallback="drain", mended_within=0.1)
    async with yard(tmp_path, sensor) as one:

        async def zero_by_then(_: Wire, __: str) -> CommandOutcome:
            one.read("s0", 0)
            return CommandResult(0, b"", b"")

        one.answer = zero_by_then
        one.server(0)
        one.read("s0", 11)
        told = await one.until(lambda: one.messages(EventType.NOT_MENDED), "it is told")
        assert told == ["held: a value of 0 alarms but runs no reaction"]
        assert one.sent() == ["pump"]


async def test_a_zero_between_intent_and_send_bars_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with yard(tmp_path, replace(DEPTH, zero=True)) as one:

        async def zero() -> None:
            one.read("s0", 0)

        once_intended(one, monkeypatch, zero)
        one.server(0)
        one.read("s0", 11)
        await one.told_of("not sent: a value of 0 alarms but runs no reaction")
        assert one.sent() == []


async def test_what_waits_is_over_when_the_alarm_is(tmp_path: Path) -> None:
    async with yard(tmp_path) as one:
        one.blind = "we may be blind to all servers"
        await held(one, "held: we may be blind")
        one.read("s0", 1)
        await one.told_of("back to normal")
        one.blind = ""
        await one.until(lambda: not one.context.watched, "nothing is waited for")
        assert one.sent() == []
