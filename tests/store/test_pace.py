"""Maintenance rests between its slices, and falls behind no further than it is meant to."""

import asyncio
from itertools import count
from pathlib import Path

import pytest

from outkept.model.reading import Reading, Sample
from outkept.store import Pace, Store
from outkept.store.history import MOST_BACKLOG
from tests.store.history_contract import DAY, HOUR, START
from tests.store.test_history_chunks import ChunkBench
from tests.store.values import reading

SERVERS = 300


def fill(store: Store, hours: int = 1) -> None:
    """Enough groups of series for many slices."""
    for minute in range(0, hours * 60, 6):
        store.add_readings(
            Reading(f"s{n}", "load", START + minute * 60, (Sample(None, float(n + minute)),))
            for n in range(SERVERS)
        )


class Watch:
    """Of processor time: every look at it is a hundredth of a second after the last."""

    def __init__(self) -> None:
        self._looks = count()
        self.slept: list[float] = []

    def clock(self) -> float:
        return next(self._looks) / 100

    async def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 9))
        await asyncio.sleep(0)


def test_the_rest_is_a_multiple_of_the_work() -> None:
    pace = Pace(6.0)
    assert pace.pause(0.02, 0) == pace.pause(0.02, 1) == pytest.approx(0.12)


def test_the_rest_shrinks_with_the_backlog_and_ends() -> None:
    pace = Pace(6.0)
    rests = [pace.pause(0.02, backlog) for backlog in range(1, MOST_BACKLOG + 1)]
    assert rests[:2] == pytest.approx([0.12, 0.06])
    assert rests == sorted(rests, reverse=True)
    assert rests[-1] == 0


async def test_maintenance_rests_after_every_slice(store: Store) -> None:
    fill(store)
    await store.flush()
    watch = Watch()
    pace = Pace(6.0, watch.clock, watch.sleep)
    while await store.maintain(START + HOUR + 61, pace):
        pass
    assert len(watch.slept) > 1
    assert set(watch.slept) == {0.06}


async def test_maintenance_that_is_far_behind_does_not_rest(store: Store) -> None:
    fill(store, MOST_BACKLOG + 2)
    await store.flush()
    watch = Watch()
    pace = Pace(6.0, watch.clock, watch.sleep)
    while await store.maintain(START + (MOST_BACKLOG + 2) * HOUR + 61, pace):
        pass
    assert watch.slept[0] == 0
    assert watch.slept == sorted(watch.slept)
    assert watch.slept[-1] == 0.06


async def test_a_stop_does_not_wait_for_a_rest(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    fill(store)
    await store.flush()
    resting = asyncio.Event()

    async def sleep(_: float) -> None:
        resting.set()
        await asyncio.Event().wait()

    async with asyncio.timeout(30):
        pace = Pace(6.0, sleep=sleep)
        async with asyncio.TaskGroup() as group:
            maintaining = group.create_task(store.maintain(START + HOUR + 61, pace))
            await resting.wait()
            maintaining.cancel()
        assert maintaining.cancelled()
        await store.close()


async def test_what_a_stop_left_is_done_by_the_next_daemon(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    fill(store)
    await store.flush()
    before = await store.history("s7", "load", None, START, START + HOUR, 10)

    async def sleep(_: float) -> None:
        raise TimeoutError

    stops = 0
    while True:
        try:
            assert not await store.maintain(START + HOUR + 61, Pace(6.0, sleep=sleep))
            break
        except TimeoutError:
            stops += 1
            assert stops < 1000
            await store.close()
            store = Store.open(tmp_path)
    assert stops > 2
    assert await store.history("s7", "load", None, START, START + HOUR, 10) == before
    await store.close()


def test_the_backlog_is_the_hours_to_pack_and_the_days_to_expire() -> None:
    bench = ChunkBench()
    assert bench.history.backlog(START) == 0
    bench.add(*(reading(1, START + hour * HOUR) for hour in range(3)))
    assert bench.history.backlog(START + HOUR) == 0
    assert bench.history.backlog(START + HOUR + 60) == 1
    assert bench.history.backlog(START + 3 * HOUR + 60) == 3
    bench.maintain(START + 3 * HOUR + 60)
    assert bench.history.backlog(START + 3 * HOUR + 60) == 0
    assert bench.history.backlog(START + 2 * DAY + 3 * HOUR) == 2
    assert bench.history.backlog(START + 99 * DAY) == MOST_BACKLOG
    bench.close()
