"""What a power cut and a full disk may leave of a page: nothing older than the last second."""

import asyncio
import os
import random
import shutil
from pathlib import Path

import pytest

from outkept.model.reading import Reading, Sample
from outkept.store import Store, StoreError
from tests.disk import fill
from tests.store.history_contract import HOUR, START
from tests.store.values import reading

COMMITS = 25


@pytest.fixture
def torn(tmp_path: Path) -> Path:
    """A state as it is on disk while its store is open, every reading a commit of its own, some
    of them sealed and rolled up."""

    async def make() -> None:
        store = Store.open(tmp_path / "state")
        for number in range(COMMITS):
            store.add_readings([reading(float(number), START + number * 600)])
            await store.flush()
            if number % 5 == 4:
                await store.maintain(START + number * 600 + 60)
        store.add_readings([reading(float(COMMITS), START + COMMITS * 600)])
        await store.flush()
        shutil.copytree(tmp_path / "state", tmp_path / "torn")
        await store.close()

    asyncio.run(make())
    return tmp_path / "torn"


async def kept(directory: Path) -> list[float]:
    store = Store.open(directory)
    end = START + 600 * (COMMITS + 5)
    points = await store.history("a", "load", None, START, end, COMMITS + 5)
    await store.maintain(end + 2 * HOUR)
    assert await store.history("a", "load", None, START, end, COMMITS + 5) == points
    await store.close()
    return [mean for _, _, mean, _ in points]


def test_a_torn_last_page_costs_the_last_commit_at_most(torn: Path, tmp_path: Path) -> None:
    rng = random.Random(7)
    log = "outkept.db-wal"
    for number in range(24):
        copy = tmp_path / f"copy{number}"
        shutil.copytree(torn, copy)
        size = (copy / log).stat().st_size
        if number % 2:
            os.truncate(copy / log, size - rng.randint(1, 4119))
        else:
            with (copy / log).open("r+b") as file:
                file.seek(size - rng.randint(1, 4119))
                file.write(rng.randbytes(64))
        found = asyncio.run(kept(copy))
        assert found in ([float(n) for n in range(COMMITS + more)] for more in (0, 1))


async def test_a_full_disk_stops_sealing_and_nothing_is_lost(small_disk: Path) -> None:
    store = Store.open(small_disk / "state")
    before = await filled_hours(store)
    ballast = small_disk / "ballast"
    fill(ballast)
    with pytest.raises(StoreError, match="disk"):
        await fill_log(store)
    with pytest.raises(StoreError, match="disk"):
        await store.maintain(START + 9 * HOUR)
    assert await points(store) == before
    ballast.unlink()
    assert not await store.maintain(START + 9 * HOUR)
    assert await points(store) == before
    await store.close()


async def fill_log(store: Store) -> None:
    """Take what room the log has left."""
    for number in range(1000):
        await store.set_meta(f"x{number}", "y" * 4000)


async def filled_hours(store: Store) -> list[tuple[float, float, float, float]]:
    for minute in range(180):
        at = START + minute * 60
        store.add_readings(
            Reading(f"s{n}", "load", at, (Sample(None, float(minute * 7 % 50 + n)),))
            for n in range(20)
        )
    await store.flush()
    return await points(store)


async def points(store: Store) -> list[tuple[float, float, float, float]]:
    found = await store.history("s7", "load", None, START, START + 3 * HOUR, 180)
    assert len(found) == 180
    return found
