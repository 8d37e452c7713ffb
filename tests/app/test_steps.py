"""What comes after the first step: mended, the second step, not mended, tried again."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from outkept.app import insist, steps
from outkept.app.judge import Alarm
from outkept.model.command import CommandOutcome, CommandResult
from outkept.model.event import Event, EventType
from outkept.model.reading import Reading
from outkept.store import incidents
from outkept.store.errors import StoreError
from outkept.store.store import Store
from tests.app.reacting import DEPTH, Wire, lost, outcomes_are, yard

pytestmark = pytest.mark.usefixtures("soon")


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
    monkeypatch.setattr(steps, "RETRY_AFTER", 0.01)
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
        await one.until(partial(outcomes_are, one, ["done"]), "it ran")
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
