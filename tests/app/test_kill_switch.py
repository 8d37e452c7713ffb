"""The kill switch holds all reactions: those to come, those that wait, those about to be sent."""

import asyncio
from pathlib import Path

import pytest

from tests.app.reacting import Gate, held, once_intended, yard

pytestmark = pytest.mark.usefixtures("soon")


async def test_the_kill_switch(tmp_path: Path) -> None:
    async with yard(tmp_path) as one:
        await one.guards.stop("moving the racks", "ana")
        await held(one, "held: all reactions are stopped: ana: moving the racks")
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

        async def stopped() -> None:
            await one.guards.stop("enough", "ana")

        once_intended(one, monkeypatch, stopped)
        one.server(0)
        one.read("s0", 11)
        await one.told_of("the reaction was")
        one.read("s0", 12)
        await one.told_of("held: all reactions are stopped")
        assert one.sent() == []
        (action,) = await one.actions()
        assert action.outcome == "not sent"
