"""What comes after the first step: mended, the second step, not mended, tried again."""

from dataclasses import replace
from pathlib import Path

import pytest

from outkept.model.event import EventType
from outkept.model.reading import Reading
from outkept.store import incidents
from tests.app.reacting import DEPTH, lost, yard

pytestmark = pytest.mark.usefixtures("soon")


async def test_the_second_step_runs_where_the_first_has_not_mended_it(tmp_path: Path) -> None:
    sensor = replace(DEPTH, fallback="drain", mended_within=0.2, cooldown=3600.0)
    async with yard(tmp_path, sensor) as one:
        one.server(0)
        one.read("s0", 11)
        await one.told_of("not mended within 200ms by its reaction; its fallback is next")
        await one.told_of("ran `drain`: exit status 0")
        assert [(one.step, one.command) for one in await one.actions()] == [
            (1, "pump"),
            (2, "drain"),
        ]
        assert one.messages(EventType.NOT_MENDED) == []
        one.read("s0", 1)
        await one.until(lambda: one.messages(EventType.MENDED), "it is told to be mended")
        assert one.schedule.asked["s0", "depth"] > 2


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


async def test_what_was_mended_once_has_no_second_step_after_a_restart(tmp_path: Path) -> None:
    sensor = replace(DEPTH, warning=5, fallback="drain", mended_within=0.2)
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


async def test_the_second_step_minds_the_same_guards(tmp_path: Path) -> None:
    sensor = replace(DEPTH, fallback="drain", mended_within=0.1)
    async with yard(tmp_path, sensor, latch={"runs": 1, "within": "1h"}) as one:
        one.server(0)
        one.read("s0", 11)
        told = await one.until(lambda: one.messages(EventType.NOT_MENDED), "it is told")
        assert told == ["held: it ran once within 1h, which is the most"]
        assert one.sent() == ["pump"]


async def test_without_a_reading_there_is_no_second_step(tmp_path: Path) -> None:
    sensor = replace(DEPTH, fallback="drain", mended_within=0.2)
    async with yard(tmp_path, sensor) as one:
        one.server(0)
        one.read("s0", 11)
        await one.told_of("ran `pump`")
        failed = Reading("s0", "depth", 1e9, failure="no answer")
        one.context.take(one.wires["s0"], sensor, failed)  # type: ignore[arg-type]
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
