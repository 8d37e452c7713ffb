"""Latches, the kill switch and what was started, on disk."""

from dataclasses import replace
from pathlib import Path

from outkept.model.action import Action, ActionOutcome, Latch, Stop
from outkept.store import Store
from outkept.store.latches import Latches

LATCH = Latch("s1", "disk", 100.0, "it ran 3 times \udc80")
ACTION = Action("s1", "disk", "clean", 100.0, ActionOutcome.DONE, "why")


async def test_a_latch_is_there_until_it_is_released(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    latches = Latches(store)
    await latches.add(LATCH)
    await latches.add(replace(LATCH, sensor="load", at=50.0, reason="why"))
    found = await latches.all()
    assert [(one.sensor, one.at) for one in found] == [("load", 50.0), ("disk", 100.0)]
    assert found[1].reason == "it ran 3 times ?"
    await latches.release("s1", "disk", 200.0)
    assert [one.sensor for one in await latches.all()] == ["load"]
    assert await latches.released() == [Latch("s1", "disk", 200.0, "")]
    await latches.add(replace(LATCH, reason="again"))
    assert await latches.released() == []
    await store.close()


async def test_the_kill_switch_outlives_the_store(tmp_path: Path) -> None:
    stop = Stop(100.0, "ana", "moving the racks")
    store = Store.open(tmp_path)
    assert await Latches(store).stop() is None
    await Latches(store).set_stop(stop)
    await store.close()
    store = Store.open(tmp_path)
    assert await Latches(store).stop() == stop
    await Latches(store).set_stop(None)
    assert await Latches(store).stop() is None
    await store.close()


async def test_what_was_started_is_all_of_late_and_the_last_of_before(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    for at, step, outcome in (
        (10.0, 1, ActionOutcome.DONE),
        (20.0, 1, ActionOutcome.UNKNOWN),
        (30.0, 1, ActionOutcome.DRY_RUN),
        (40.0, 2, ActionOutcome.DONE),
        (50.0, 1, ActionOutcome.NOT_SENT),
        (110.0, 1, ActionOutcome.DONE),
        (120.0, 1, ActionOutcome.INTENDED),
    ):
        await store.intend(replace(ACTION, at=at, step=step, outcome=outcome))
    started = await Latches(store).started(100.0)
    assert [one.at for one in started] == [30.0, 40.0, 110.0, 120.0]
    assert [one.at for one in await Latches(store).started(1000.0)] == [30.0, 40.0, 120.0]
    await store.close()
