"""Each thing that holds a reaction, where nothing else does; caps; what is tried again; clocks.

Servers are in memory, so that what they do at which moment can be said exactly. What needs a real
sshd is in test_reactions.py.
"""

import asyncio
import contextlib
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from outkept.act.policy import Situation
from outkept.app import insist, reactions
from outkept.app.judge import Alarm
from outkept.model.action import Action, AlreadyStartedError
from outkept.model.command import CommandOutcome, CommandResult
from outkept.model.event import Event, EventType
from outkept.model.reading import Reading
from outkept.model.server import Endpoint
from outkept.model.silence import Silence
from outkept.store import incidents
from outkept.store.errors import StoreError
from outkept.store.incidents import Found
from outkept.store.store import Store
from tests.app.reacting import DEPTH, LOST, Answer, Wire, Yard, done, yard
from tests.disk import fill


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reactions, "ASK_AGAIN_S", 0.05)
    monkeypatch.setattr(reactions, "LEAST_BETWEEN_S", 0.02)


class Gate:
    """A command that ends when it is let."""

    def __init__(self) -> None:
        self.open = asyncio.Event()

    async def __call__(self, _: Wire, __: str) -> CommandOutcome:
        await self.open.wait()
        return CommandResult(0, b"", b"")


async def lost(_: Wire, __: str) -> CommandOutcome:
    """A command that is not sent."""
    return LOST


async def _fill_log(store: Store) -> None:
    """Take what room the log has left."""
    for number in range(1000):
        await store.set_meta(f"x{number}", "y" * 4000)


async def _held(one: Yard, why: str) -> None:
    """The alarm of s0 is held, for this reason, and nothing reaches any server."""
    one.server(0)
    one.read("s0", 11)
    await one.told_of(why)
    assert one.sent() == []
    assert await one.actions() == []


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
        await _held(one, "held: reactions.rules.0.mode is off")


async def test_the_kill_switch(tmp_path: Path) -> None:
    async with yard(tmp_path) as one:
        await one.guards.stop("moving the racks", "ana")
        await _held(one, "held: all reactions are stopped: ana: moving the racks")
    async with yard(tmp_path) as one:
        stopped = one.guards.stopped
        assert stopped is not None
        assert stopped.by == "ana"
        one.server(1)
        one.read("s1", 11)
        await one.told_of("all reactions are stopped")
        assert await one.guards.resume("ben")
        assert not await one.guards.resume("ben")
        one.read("s1", 1)
        await one.told_of("back to normal")
        one.read("s1", 11)
        await one.told_of("ran `pump`")
    async with yard(tmp_path) as one:
        assert one.guards.stopped is None


async def test_a_stop_that_comes_while_another_is_lifted_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with yard(tmp_path) as one, asyncio.TaskGroup() as group:
        await one.guards.stop("moving the racks", "ana")
        set_meta, lifting, let = one.context.store.set_meta, asyncio.Event(), asyncio.Event()

        async def slowly(key: str, value: str) -> None:
            if not value:
                lifting.set()
                await let.wait()
            await set_meta(key, value)

        monkeypatch.setattr(one.context.store, "set_meta", slowly)
        resuming = group.create_task(one.guards.resume("ben"))
        await lifting.wait()
        again = group.create_task(one.guards.stop("fire", "eva"))
        await one.told_of("stopped by eva")
        let.set()
        stop = await again
        assert not await resuming
        assert one.guards.stopped == stop
    async with yard(tmp_path) as one:
        assert one.guards.stopped == stop


async def test_the_kill_switch_for_what_waits_for_its_turn(tmp_path: Path) -> None:
    gate = Gate()
    async with yard(tmp_path, answer=gate, at_once=1, share={"fleet": "100%"}) as one:
        for number in (0, 1):
            one.server(number)
            one.read(f"s{number}", 11)
        await one.told_of("reactions.at_once allows no more")
        await one.guards.stop("enough", "ana")
        await one.told_of("held: all reactions are stopped: ana: enough")
        gate.open.set()
        await one.told_of("ran `pump`")
        assert len(one.sent()) == 1


async def test_the_kill_switch_between_intent_and_send(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with yard(tmp_path) as one:
        intend = one.context.store.intend

        async def slowly(action: object) -> object:
            written = await intend(action)  # type: ignore[arg-type]
            await one.guards.stop("enough", "ana")
            return written

        monkeypatch.setattr(one.context.store, "intend", slowly)
        one.server(0)
        one.read("s0", 11)
        await one.told_of("the reaction was")
        one.read("s0", 12)
        await one.told_of("held: all reactions are stopped")
        assert one.sent() == []
        (action,) = await one.actions()
        assert action.outcome == "not sent"


@pytest.mark.parametrize("server", ["web0", "10.0.0.1"])
async def test_a_silence_holds_it_until_it_ends(tmp_path: Path, server: str) -> None:
    async with yard(tmp_path) as one:
        now = time.time()
        silence = await one.context.desk.add_silence(
            Silence(now - 1, now + 3600, "backup", "ana", server)
        )
        await _held(one, "held: it is silenced: backup (ana)")
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
        one.blind = ""
        one.read("s0", 12)
        await asyncio.sleep(0.2)
        assert one.sent() == []


async def test_blindness_holds_it_until_it_clears(tmp_path: Path) -> None:
    async with yard(tmp_path) as one:
        one.blind = "we may be blind to all servers"
        await _held(one, "held: we may be blind to all servers")
        one.blind = ""
        await one.told_of("ran `pump`")


async def test_flapping_holds_it_until_it_is_steady(tmp_path: Path) -> None:
    async with yard(tmp_path) as one:
        one.flapping = True
        await _held(one, "held: it is flapping")
        one.flapping = False
        await one.told_of("ran `pump`")


async def test_what_is_zero_by_the_time_that_a_silence_ends_runs_nothing(tmp_path: Path) -> None:
    async with yard(tmp_path, replace(DEPTH, zero=True)) as one:
        now = time.time()
        silence = await one.context.desk.add_silence(Silence(now - 1, now + 3600, "backup", "ana"))
        await _held(one, "held: it is silenced")
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
        intend = one.context.store.intend

        async def zero_meanwhile(action: Action) -> Action:
            written = await intend(action)
            one.read("s0", 0)
            return written

        monkeypatch.setattr(one.context.store, "intend", zero_meanwhile)
        one.server(0)
        one.read("s0", 11)
        await one.told_of("not sent: a value of 0 alarms but runs no reaction")
        assert one.sent() == []


async def test_what_waits_is_over_when_the_alarm_is(tmp_path: Path) -> None:
    async with yard(tmp_path) as one:
        one.blind = "we may be blind to all servers"
        await _held(one, "held: we may be blind")
        one.read("s0", 1)
        await one.told_of("back to normal")
        one.blind = ""
        await one.until(lambda: not one.context.watched, "nothing is waited for")
        assert one.sent() == []


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("trust", "is not the one that is trusted there now"),
        ("key", "is not the one that the server was seen with last"),
        ("address", "is another server's address by now"),
        ("quarantine", "the server is quarantined: another key"),
    ],
)
async def test_doubt_about_the_server_holds_it(tmp_path: Path, what: str, why: str) -> None:
    async with yard(tmp_path) as one:
        live = one.server(0)
        record = live.record
        if what == "trust":
            one.trust.keys = False
        elif what == "key":
            identity = replace(record.identity, host_key="ssh-ed25519 SHA256:b")
            one.context.fleet.put(replace(record, identity=identity))
        elif what == "address":
            one.context.fleet.put(replace(record, endpoints=()))
            one.context.fleet.put(replace(record, id="other"))
        else:
            one.context.fleet.put(replace(record, quarantine="another key"))
        one.read("s0", 11)
        await one.told_of(why)
        assert one.sent() == []


async def test_doubt_that_comes_between_intent_and_send_bars_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with yard(tmp_path) as one:
        intend = one.context.store.intend

        async def slowly(action: object) -> object:
            one.trust.keys = False
            return await intend(action)  # type: ignore[arg-type]

        monkeypatch.setattr(one.context.store, "intend", slowly)
        one.server(0)
        one.read("s0", 11)
        await one.told_of("not sent: the host key at 10.0.0.1 is not the one that is trusted")
        one.read("s0", 12)
        await one.told_of("held: the host key at 10.0.0.1 is not the one that is trusted there now")
        assert one.sent() == []
        assert [action.outcome.value for action in await one.actions()] == ["not sent"]


async def test_a_server_that_moved_in_mid_incident_is_not_reacted_on(tmp_path: Path) -> None:
    async with yard(tmp_path) as one:
        one.blind = "we may be blind to all servers"
        await _held(one, "held: we may be blind")
        live = one.live("s0")
        elsewhere = Endpoint("10.9.9.9")
        one.context.fleet.put(replace(live.record, endpoints=(elsewhere,)))
        one.connect("s0", elsewhere)
        one.read("s0", 12)
        one.blind = ""
        await one.told_of("held: it is at 10.9.9.9 now, and was at 10.0.0.1 before")
        assert one.sent() == []


async def test_a_server_that_moves_between_intent_and_send_is_not_reacted_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with yard(tmp_path) as one:
        intend, elsewhere = one.context.store.intend, Endpoint("10.9.9.9")

        async def moved_meanwhile(action: Action) -> Action:
            written = await intend(action)
            one.context.fleet.put(replace(one.live("s0").record, endpoints=(elsewhere,)))
            one.connect("s0", elsewhere)
            one.read("s0", 12)
            return written

        monkeypatch.setattr(one.context.store, "intend", moved_meanwhile)
        one.server(0)
        one.read("s0", 11)
        await one.told_of("not sent: it is at 10.9.9.9 now, and was at 10.0.0.1 before")
        assert one.sent() == []


async def test_one_at_a_time_on_a_server(tmp_path: Path) -> None:
    gate = Gate()
    other = replace(DEPTH, name="disk", reactive="clean")
    async with yard(tmp_path, DEPTH, other, answer=gate) as one:
        one.server(0)
        one.read("s0", 11)
        await one.until(one.sent, "the first runs")
        one.read("s0", 11, other)
        await one.told_of("held: the reaction to depth runs on this server")
        assert one.sent() == ["pump"]
        gate.open.set()
        await one.told_of("ran `clean`")
        assert one.sent() == ["pump", "clean"]


async def test_too_many_runs_latch_it_until_a_person_releases_it(tmp_path: Path) -> None:
    latch = {"runs": 2, "within": "1h"}
    async with yard(tmp_path, latch=latch) as one:
        one.server(0)
        for number in (1, 2):
            one.read("s0", 11)
            await one.told_of("ran `pump`", number)
            one.read("s0", 1)
            await one.told_of("mended", number)
        one.read("s0", 11)
        await one.told_of("held: it ran 2 times within 1h, which is the most")
        await one.told_of("the reactions of depth are latched until a person releases them")
        one.read("s0", 1)
    async with yard(tmp_path, latch=latch) as one:
        one.server(0)
        one.read("s0", 11)
        await one.told_of("held: it is latched until a person releases it: it ran 2 times")
        assert not await one.guards.release("s0", "disk", "ana")
        assert await one.guards.release("s0", "depth", "ana")
        one.read("s0", 1)
        await one.told_of("back to normal")
    async with yard(tmp_path, latch=latch) as one:
        assert one.guards.view()["latches"] == []
        one.server(0)
        one.read("s0", 11)
        await one.told_of("ran `pump`")


async def test_a_latch_goes_with_its_server(tmp_path: Path) -> None:
    async with yard(tmp_path) as one:
        await one.guards.latch(one.server(0), DEPTH, "why")
        one.context.herald.announce(Event(time.time(), EventType.REMOVED, "gone", "s0"))
        await one.told_of("gone")
        assert one.guards.view()["latches"] == []
    async with yard(tmp_path) as one:
        assert one.guards.view()["latches"] == []


async def test_the_second_step_runs_where_the_first_has_not_mended_it(tmp_path: Path) -> None:
    sensor = replace(DEPTH, fallback="drain", mended_within=0.1, cooldown=3600.0)
    async with yard(tmp_path, sensor) as one:

        async def drained(_: Wire, command: str) -> CommandOutcome:
            if command.endswith("drain"):
                one.read("s0", 1)
            return CommandResult(0, b"", b"")

        one.answer = drained
        one.server(0)
        one.read("s0", 11)
        await one.told_of("not mended within 100ms by its reaction; its fallback is next")
        await one.told_of("ran `drain`: exit status 0")
        assert [(one.step, one.command) for one in await one.actions()] == [
            (1, "pump"),
            (2, "drain"),
        ]
        await one.until(lambda: one.messages(EventType.MENDED), "it is told to be mended")
        assert one.messages(EventType.NOT_MENDED) == []
        assert one.schedule.asked["s0", "depth"] >= 1


async def test_what_is_not_mended_is_told_once_nothing_is_left_to_try(tmp_path: Path) -> None:
    sensor = replace(DEPTH, fallback="drain", mended_within=0.1)
    async with yard(tmp_path, sensor) as one:
        one.server(0)
        one.read("s0", 11)
        told = await one.until(lambda: one.messages(EventType.NOT_MENDED), "it is told")
        assert told == ["not mended within 100ms by its fallback"]
        incidents = {event.incident for event in one.told if event.type != EventType.CONTROL}
        assert incidents == {one.told[0].id}
        assert one.sent() == ["pump", "drain"]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, "not mended within 100ms by its reaction"),
        ({"fallback": "drain"}, "not mended within 100ms by its fallback"),
        ({"fallback": "drain", "cooldown": 3600.0}, "held: it ran"),
    ],
)
async def test_what_is_not_mended_is_told_once_there_is_room_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any], why: str
) -> None:
    latch = {"runs": 1 if "cooldown" in more else 9, "within": "1h"}
    async with yard(tmp_path, replace(DEPTH, mended_within=0.1, **more), latch=latch) as one:
        announce, refused = one.context.herald.announce, list[Event]()

        def full_at_first(event: Event, alarm: Alarm | None = None) -> bool:
            if event.type is EventType.NOT_MENDED and len(refused) < 3:
                refused.append(event)
                return False
            return announce(event, alarm)

        monkeypatch.setattr(one.context.herald, "announce", full_at_first)
        one.server(0)
        one.read("s0", 11)
        (told,) = await one.until(lambda: one.messages(EventType.NOT_MENDED), "it is told")
        assert told.startswith(why)


async def test_what_was_mended_once_has_no_second_step_after_a_restart(tmp_path: Path) -> None:
    sensor = replace(DEPTH, warning=5, fallback="drain")
    async with yard(tmp_path, sensor) as one:
        one.server(0)
        one.read("s0", 11)
        await one.told_of("ran `pump`")
        one.read("s0", 6)
        await one.told_of("mended in")
        one.read("s0", 11)
        await one.told_of("held: step 1 was started for this incident before")
    async with yard(tmp_path, sensor) as one:
        one.server(0)
        one.read("s0", 11)
        await one.told_of("held: step 1 was started for this incident before")
        assert one.sent() == []


async def test_what_is_not_mended_is_told_once_over_restarts_however_much_is_told_besides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incidents, "MOST_EVENTS", 1)
    sensor = replace(DEPTH, mended_within=0.1)
    async with yard(tmp_path, sensor) as one:
        one.server(0)
        one.read("s0", 11)
        await one.told_of("not mended within 100ms")
        (incident,) = one.context.desk.incidents()
        await one.context.desk.said(incident, EventType.NOTE, "I see", "ana")
    async with yard(tmp_path, sensor) as one:
        one.server(0)
        one.read("s0", 11)
        await one.told_of("held: step 1 was started for this incident before")
        assert one.messages(EventType.NOT_MENDED) == []


async def test_what_ran_before_a_restart_is_looked_at_again_once_the_state_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insist, "RETRY_AFTER", 0.01)
    async with yard(tmp_path, replace(DEPTH, mended_within=3600.0)) as one:
        one.server(0)
        one.read("s0", 11)
        await one.until(partial(_outcomes, one, ["done"]), "it ran")
    for name in ("incident", "last_told"):
        monkeypatch.setattr(Store, name, _busy_at_first(getattr(Store, name)))
    async with yard(tmp_path, replace(DEPTH, mended_within=0.1)) as one:
        one.server(0)
        one.read("s0", 11)
        await one.told_of("not mended within 100ms by its reaction")


def _busy_at_first(read: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    tries = 0

    async def busy(*args: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries <= 3:
            raise StoreError("200 reads wait already: ask again later")
        return await read(*args)

    return busy


async def test_the_second_step_minds_the_same_guards(tmp_path: Path) -> None:
    sensor = replace(DEPTH, fallback="drain", mended_within=0.1)
    async with yard(tmp_path, sensor, latch={"runs": 1, "within": "1h"}) as one:
        one.server(0)
        one.read("s0", 11)
        told = await one.until(lambda: one.messages(EventType.NOT_MENDED), "it is told")
        assert told == ["held: it ran once within 1h, which is the most"]
        assert one.sent() == ["pump"]


async def test_without_a_reading_there_is_no_second_step(tmp_path: Path) -> None:
    sensor = replace(DEPTH, fallback="drain", mended_within=0.1)
    async with yard(tmp_path, sensor) as one:

        async def unread_from_then_on(wire: Wire, _: str) -> CommandOutcome:
            failed = Reading("s0", "depth", 1e9, failure="no answer")
            one.context.take(wire, sensor, failed)  # type: ignore[arg-type]
            return CommandResult(0, b"", b"")

        one.answer = unread_from_then_on
        one.server(0)
        one.read("s0", 11)
        told = await one.until(lambda: one.messages(EventType.NOT_MENDED), "it is told")
        assert told[0].endswith("by its reaction, as far as is known: it is not read")
        assert one.sent() == ["pump"]


async def test_what_was_not_sent_is_tried_again_at_a_newer_reading_three_times(
    tmp_path: Path,
) -> None:
    async with yard(tmp_path, answer=lost) as one:
        one.server(0)
        for number in (1, 2, 3):
            one.read("s0", 10 + number)
            await one.told_of("the reaction was", number)
            # However long nothing is read.
            for _ in range(20):
                assert len(await one.actions()) == number
        await one.told_of("not mended: 3 times it was not sent")
        one.read("s0", 15)
        await one.until(lambda: not one.context.watched, "it is given up")
        actions = await one.actions()
        assert [action.outcome.value for action in actions] == ["not sent"] * 3
        assert {action.incident for action in actions} == {one.told[0].id}


async def test_what_was_not_sent_for_a_lost_connection_is_sent_over_the_next(
    tmp_path: Path,
) -> None:
    async with yard(tmp_path) as one:
        one.server(0)
        one.wires["s0"].lost = "gone"
        one.read("s0", 11)
        again = one.connect("s0")
        await one.until(lambda: one.context.watched, "it waits")
        assert again.sent == []
        one.read("s0", 12)
        await one.told_of("ran `pump`")
        assert len(again.sent) == 1


async def test_the_disk_refuses_a_second_start_whatever_the_memory_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with yard(tmp_path) as one:
        one.server(0)
        one.read("s0", 11)
        await one.told_of("ran `pump`")
        one.read("s0", 6)  # not alarmed, and the incident of a sensor with warning goes on
        (action,) = await one.actions()
        with pytest.raises(AlreadyStartedError):
            await one.context.store.intend(replace(action, id=0))
        # By hand it may be run as often as somebody wants.
        await one.context.store.intend(replace(action, id=0, by="ana"))
        await one.context.store.intend(replace(action, id=0, step=2))


async def test_a_second_alarm_of_one_incident_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensor = replace(DEPTH, warning=5)
    async with yard(tmp_path, sensor) as one:
        one.server(0)
        one.read("s0", 11)
        await one.told_of("ran `pump`")
        one.read("s0", 6)
        await one.told_of("mended")
        # Not even the disk is asked.
        monkeypatch.setattr(one.context.store, "intend", None)
        one.read("s0", 11)
        await one.told_of("held: step 1 was started for this incident before")
        assert one.sent() == ["pump"]


async def test_an_alarm_that_opens_its_incident_has_nothing_to_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with yard(tmp_path) as one:
        monkeypatch.setattr(one.context.store, "incident", None)
        one.server(0)
        one.read("s0", 11)
        await one.told_of("ran `pump`: exit status 0")


async def test_alarms_that_have_something_to_read_take_turns_and_wait_until_they_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insist, "RETRY_AFTER", 0.01)
    servers, asked, at_once, most = 20, 0, 0, 0
    sensor = replace(DEPTH, warning=5)
    async with yard(tmp_path, sensor, share={"fleet": "100%"}, at_once=servers) as one:
        read, all_alarmed = one.context.store.incident, asyncio.Event()

        async def busy(event: int) -> Found | None:
            nonlocal asked, at_once, most
            asked, at_once = asked + 1, at_once + 1
            most = max(most, at_once)
            try:
                await all_alarmed.wait()
                if asked <= servers:
                    raise StoreError("200 reads wait already: ask again later")
                return await read(event)
            finally:
                at_once -= 1

        monkeypatch.setattr(one.context.store, "incident", busy)
        for number in range(servers):
            one.server(number)
            one.read(f"s{number}", 6)
            one.read(f"s{number}", 11)
        await one.told_of("(alarmed)", servers)
        all_alarmed.set()
        await one.told_of("ran `pump`", servers)
        assert most == reactions.RECALLED_AT_ONCE


async def test_on_a_full_disk_nothing_runs_until_there_is_room(
    small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with yard(small_disk / "state") as one:
        one.server(0)
        ballast = small_disk / "ballast"
        fill(ballast)
        with pytest.raises(StoreError, match="disk"):
            await _fill_log(one.context.store)
        one.read("s0", 11)
        refused = "an event is waiting for the disk"
        await one.until(lambda: refused in caplog.text, refused)
        assert one.sent() == []
        ballast.unlink()
        await one.told_of("ran `pump`: exit status 0")
        assert one.sent() == ["pump"]
        (action,) = await one.actions()
        assert action.outcome == "done"


async def test_without_an_intent_on_disk_nothing_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with yard(tmp_path) as one:

        async def full(_: object) -> object:
            raise StoreError("database or disk is full")

        monkeypatch.setattr(one.context.store, "intend", full)
        await _held(one, "the reaction is not written down: database or disk is full")
        # It counts for nothing, and the place is free for another.
        assert one.guards.view()["share"]["fleet"]["now"] == 0
        assert one.guards.view()["running"] == []


@pytest.mark.parametrize("answer", [done, lost])
async def test_what_came_of_it_is_written_down_once_the_disk_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    monkeypatch.setattr(insist, "RETRY_AFTER", 0.01)
    async with yard(tmp_path, answer=answer) as one:
        finish = one.context.store.finish
        tries = 0

        async def full(action: Action) -> None:
            nonlocal tries
            tries += 1
            if tries <= 3:
                raise StoreError("database or disk is full")
            await finish(action)

        monkeypatch.setattr(one.context.store, "finish", full)
        one.server(0)
        one.read("s0", 11)
        await one.until(lambda: tries > 3, "it is tried again")
        one.read("s0", 12)
        expected = ["done"] if answer is done else ["not sent"] * 2
        await one.until(partial(_outcomes, one, expected), "it is on disk")


async def _outcomes(one: Yard, expected: list[str]) -> bool:
    return [action.outcome.value for action in await one.actions()] == expected


async def test_what_is_mended_is_told_before_the_disk_takes_what_came_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insist, "RETRY_AFTER", 0.01)
    async with yard(tmp_path) as one:

        async def full(_: Action) -> None:
            raise StoreError("database or disk is full")

        monkeypatch.setattr(one.context.store, "finish", full)
        one.server(0)
        one.read("s0", 11)
        await one.told_of("ran `pump`")
        one.read("s0", 1)
        await one.told_of("mended in")


async def test_a_clock_that_is_set_lets_nothing_run_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensor = replace(DEPTH, cooldown=600.0)
    async with yard(tmp_path, sensor, share={"fleet": "10%"}) as one:
        for number in (0, 1):
            one.server(number)
        real = time.time
        one.read("s0", 11)
        await one.told_of("ran `pump`")
        one.read("s0", 1)
        await one.told_of("mended")
        monkeypatch.setattr(time, "time", lambda: real() + 86400.0)
        one.read("s0", 11)
        await one.told_of("held: it ran 0 s ago; its cooldown lasts another 600 s")
        one.read("s1", 11)
        await one.told_of("held: 1 server of the fleet was reacted on within 10m")
        one.read("s0", 1)
        await one.told_of("back to normal", 2)
        monkeypatch.setattr(time, "time", lambda: real() - 3600.0)
        one.read("s0", 11)
        await one.told_of("held: the clock was set back")
        assert one.sent() == ["pump"]


async def test_five_hundred_servers_that_trip_at_once_react_no_more_than_the_caps_allow(
    tmp_path: Path,
) -> None:
    begun = at_once = most_at_once = 0
    more = asyncio.Condition()

    async def counted(_: Wire, __: str) -> CommandOutcome:
        """Ends once seven are under way, or the last of all has begun."""
        nonlocal begun, at_once, most_at_once
        begun, at_once = begun + 1, at_once + 1
        most_at_once = max(at_once, most_at_once)
        enough = min(20, -(-begun // 7) * 7)
        async with more:
            more.notify_all()
            await more.wait_for(lambda: begun >= enough)
        at_once -= 1
        return CommandResult(0, b"", b"")

    share = {"fleet": "10%", "labels": {"site": "4%"}, "within": "10m"}
    async with yard(tmp_path, answer=counted, at_once=7, share=share) as one:
        for number in range(500):
            # A site of 300, whose share is 12, and one of 200, whose share is 8.
            one.server(number, site="lisbon" if number < 300 else "porto")
        for number in range(500):
            one.read(f"s{number}", 11)
        await one.until(lambda: _settled(one), "every alarm ran or is held for good")
        assert most_at_once == 7
        reacted = {id_ for id_, wire in one.wires.items() if wire.sent}
        sites = [one.live(id_).record.labels["site"] for id_ in reacted]
        assert sorted(sites) == ["lisbon"] * 12 + ["porto"] * 8
        assert all(len(wire.sent) <= 1 for wire in one.wires.values())
        assert len(await one.actions()) == 20


def _settled(one: Yard) -> bool:
    told = one.messages()
    ran = sum("ran `pump`" in text for text in told)
    held = sum("% of" in text for text in told)
    return ran + held == 500


async def test_asking_again_costs_each_that_waits_the_same_however_many_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reactions, "ASK_AGAIN_S", 3600.0)
    costs = []
    for servers in (50, 200):
        async with yard(tmp_path / str(servers)) as one:
            await _waiting(one, servers)
            with _lines(reactions.__file__) as ran, _asked(one) as asked:
                for number in range(servers):
                    one.read(f"s{number}", 12)
                await one.until(partial(_are, servers, asked), "all were asked about")
            costs.append(sum(ran.values()) / servers)
    assert costs[1] < 1.5 * costs[0]


async def test_a_stop_that_thousands_wait_for_leaves_the_loop_its_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reactions, "ASK_AGAIN_S", 3600.0)
    monkeypatch.setattr(reactions, "WOKEN_AT_ONCE", 10)
    async with yard(tmp_path) as one:
        await _waiting(one, 60)
        with _asked(one) as asked:
            await one.guards.stop("moving the racks", "ana")
            await one.told_of("held: all reactions are stopped", 60)
        assert max(asked.values()) <= 10
        assert sum(asked.values()) == 60


async def _waiting(one: Yard, servers: int) -> None:
    """So many reactions wait for a silence to end."""
    now = time.time()
    await one.context.desk.add_silence(Silence(now - 1, now + 3600, "backup", "ana"))
    for number in range(servers):
        one.server(number)
        one.read(f"s{number}", 11)
    await one.told_of("held: it is silenced", servers)


def _are(servers: int, asked: Counter[int]) -> bool:
    return sum(asked.values()) >= servers


@contextlib.contextmanager
def _asked(one: Yard) -> Iterator[Counter[int]]:
    """How often the policy is asked in each turn of the loop."""
    asked: Counter[int] = Counter()
    situation, loop = one.guards.situation, asyncio.get_running_loop()
    turn, over = 0, False

    def turned() -> None:
        nonlocal turn
        turn += 1
        if not over:
            loop.call_soon(turned)

    def counted(*args: Any, **more: Any) -> Situation:
        asked[turn] += 1
        return situation(*args, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(one.guards, "situation", counted)
        loop.call_soon(turned)
        yield asked
    over = True


@contextlib.contextmanager
def _lines(path: str) -> Iterator[Counter[int]]:
    """How often each line of a file is run; one that loops, at each turn."""
    ran: Counter[int] = Counter()

    def note(frame: FrameType, what: str, _: object) -> Any:
        if frame.f_code.co_filename != path:
            return None
        ran[frame.f_lineno] += what == "line"
        return note

    before = sys.gettrace()
    sys.settrace(note)
    try:
        yield ran
    finally:
        sys.settrace(before)


async def test_a_dry_run_shows_what_the_caps_would_let_run(tmp_path: Path) -> None:
    async with yard(tmp_path, mode="dry-run", share={"fleet": "20%"}) as one:
        for number in range(10):
            one.server(number)
        for number in range(10):
            one.read(f"s{number}", 11)
        await one.told_of("would have run `pump` (dry run)", 2)
        await one.told_of("held: 2 servers of the fleet were reacted on", 8)
        assert one.sent() == []
        assert [action.outcome.value for action in await one.actions()] == ["dry-run"] * 2
