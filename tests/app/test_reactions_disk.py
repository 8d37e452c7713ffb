"""Once for each incident and step, and nothing that is not on disk: what the store refuses."""

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from outkept.app import insist, steps
from outkept.model.action import Action, AlreadyStartedError
from outkept.store.errors import StoreError
from outkept.store.incidents import Found
from outkept.store.store import Store
from tests.app.reacting import DEPTH, Answer, done, held, lost, outcomes_are, yard
from tests.disk import fill

pytestmark = pytest.mark.usefixtures("soon")


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
        assert most == steps.RECALLED_AT_ONCE


async def _fill_log(store: Store) -> None:
    """Take what room the log has left."""
    for number in range(1000):
        await store.set_meta(f"x{number}", "y" * 4000)


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
        await held(one, "the reaction is not written down: database or disk is full")
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
        await one.until(partial(outcomes_are, one, expected), "it is on disk")


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
