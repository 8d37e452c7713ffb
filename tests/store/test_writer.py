"""The writer's lanes: what full means, what a cancel and a failing disk cost."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from outkept.model.reading import Reading, Sample
from outkept.store import Store, StoreError
from outkept.store.database import open_database
from outkept.store.writer import LAZY_S, URGENT_AT_ONCE, Writer
from tests.disk import fill
from tests.store.values import NOW, action, event, reading, server


def hold(store: Store) -> threading.Event:
    """Keep the writer busy until the event is set."""
    go, busy = threading.Event(), threading.Event()

    def wait() -> None:
        busy.set()
        assert go.wait(30)

    store._writer.submit(wait)
    assert busy.wait(30)
    return go


async def flood(store: Store) -> None:
    """More events than a small disk takes."""
    for number in range(1000):
        await store.add_event(event(f"{number} {'x' * 1000}"))


def tick(number: int, servers: int = 1000) -> list[Reading]:
    """Twelve sensors of each server, in the second `number`."""
    return [
        Reading(f"s{s}", f"sensor{k}", NOW + number, (Sample(None, float(s + k)),))
        for s in range(servers)
        for k in range(12)
    ]


async def test_the_readings_of_the_largest_fleet_are_taken(store: Store) -> None:
    for second in range(3):
        store.add_readings(tick(second))
    await store.flush()
    assert store.stats().dropped == store.stats().refused == store.stats().waiting == 0
    assert len(await store.last_readings()) == 12_000
    points = await store.history("s999", "sensor11", None, NOW, NOW + 3, 3)
    assert points == [(NOW + second, 1010.0, 1010.0, 1010.0) for second in range(3)]


async def test_a_full_queue_drops_the_oldest_readings_and_counts_them(tmp_path: Path) -> None:
    store = Store.open(tmp_path, most_samples=3000)
    go = hold(store)
    for second in range(5):
        store.add_readings(reading(float(k), NOW + second + k / 1e4) for k in range(1000))
    assert (store.stats().waiting, store.stats().dropped) == (3000, 2000)
    go.set()
    await store.flush()
    points = await store.history("a", "load", None, NOW, NOW + 5, 5)
    assert [point[0] - NOW for point in points] == [2, 3, 4]
    await store.close()


async def test_a_full_urgent_lane_turns_callers_away(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outkept.store.writer.MOST_URGENT", 3)
    go = hold(store)
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(store.add_event(event(str(n)))) for n in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(StoreError, match="wait already"):
            await store.add_event(event("one too many"))
        go.set()
    assert [task.result().id for task in waiting] == [1, 2, 3]


async def test_a_cancelled_caller_takes_nothing_back(store: Store) -> None:
    go = hold(store)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(store.intend(action()), 0.01)
    go.set()
    await store.flush()
    assert len((await store.actions()).items) == 1


async def test_an_event_does_not_wait_for_readings(store: Store) -> None:
    go = hold(store)
    store.add_readings(tick(0))
    async with asyncio.TaskGroup() as group:
        adding = group.create_task(store.add_event(event()))
        await asyncio.sleep(0)
        go.set()
        await adding
    assert (await store.events()).items


async def test_the_server_that_an_event_is_about_is_on_disk_before_it(
    store: Store, tmp_path: Path
) -> None:
    for number in range(20):
        id = f"server{number}"
        store.save_server(replace(server(), id=id))
        await store.add_event(event(server=id))
        with closing(sqlite3.connect(tmp_path / "state" / "outkept.db")) as other:
            (found,) = other.execute("SELECT count(*) FROM servers WHERE id = ?", [id]).fetchone()
        assert found == 1


async def test_an_event_goes_before_maintenance_that_waits(store: Store) -> None:
    go = hold(store)
    done: list[str] = []
    async with asyncio.TaskGroup() as group:
        maintaining = group.create_task(store.maintain(NOW))
        await asyncio.sleep(0)
        adding = group.create_task(store.add_event(event()))
        await asyncio.sleep(0)
        maintaining.add_done_callback(lambda _: done.append("maintained"))
        adding.add_done_callback(lambda _: done.append("event"))
        go.set()
    assert done == ["event", "maintained"]


class NoHooks:
    def before_commit(self) -> None:
        pass

    def rolled_back(self) -> None:
        pass


@pytest.mark.parametrize("behind", [False, True])
def test_readings_that_are_due_wait_for_one_transaction_at_most(
    tmp_path: Path, behind: bool
) -> None:
    """Half a second and a transaction: with what a commit takes, less than a second is lost."""
    path, connection = open_database(tmp_path)
    now = 0.0
    writer = Writer(path, connection, NoHooks(), clock=lambda: now)
    go, busy = threading.Event(), threading.Event()

    def wait() -> None:
        busy.set()
        assert go.wait(30)

    done: list[str] = []
    writer.submit(wait)
    assert busy.wait(30)
    writer.add_samples(lambda: done.append("readings"), 1)
    others = [
        writer.submit(lambda: done.append("other"), behind=behind)
        for _ in range(3 * URGENT_AT_ONCE)
    ]
    now = LAZY_S
    go.set()
    for other in others:
        other.result(30)
    writer.stop().result(30)
    assert LAZY_S <= 0.5
    assert done.index("readings") <= (0 if behind else URGENT_AT_ONCE)


async def test_readings_are_on_disk_without_being_asked_for(store: Store) -> None:
    store.add_readings([reading(1.0)])
    async with asyncio.timeout(30):
        while not await store.last_readings():  # noqa: ASYNC110 - it is the disk that is watched
            await asyncio.sleep(0.01)


async def test_reads_go_on_while_the_writer_writes(store: Store) -> None:
    for second in range(3):
        store.add_readings(tick(second, 200))
    async with asyncio.TaskGroup() as group:
        adding = [group.create_task(store.add_event(event(f"number {n}"))) for n in range(100)]
        for number in range(100):
            group.create_task(store.history(f"s{number}", "sensor0", None, NOW, NOW + 9, 9))
        group.create_task(store.maintain(NOW + 7200))
    assert [task.result().id for task in adding] == list(range(1, 101))


async def test_too_many_reads_at_once_are_turned_away(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outkept.store.readers.MOST_WAITING", 5)
    found = await asyncio.gather(*(store.events() for _ in range(20)), return_exceptions=True)
    assert [type(each) for each in found[5:]] == [StoreError] * 15


async def test_one_value_that_can_not_be_written_costs_only_itself(store: Store) -> None:
    go = hold(store)
    store.save_server(server("good"))
    store.save_server(replace(server("bad"), last_seen=float("nan")))
    store.add_readings([reading(1.0)])
    go.set()
    await store.flush()
    assert [each.id for each in await store.load_servers()] == ["good"]
    assert len(await store.last_readings()) == 1


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    await store.close()
    await store.close()
    store.add_readings([reading(1.0)])
    assert store.stats().dropped == 1
    with pytest.raises(StoreError, match="closed"):
        await store.add_event(event())
    with pytest.raises(StoreError, match="closed"):
        await store.events()
    with pytest.raises(StoreError, match="closed"):
        store.save_server(server())


async def test_closing_writes_what_is_queued(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.add_readings(tick(0, 10))
    store.save_server(server())
    await store.close()
    assert not (tmp_path / "outkept.db-wal").exists()
    store = Store.open(tmp_path)
    assert len(await store.last_readings()) == 120
    assert await store.load_servers() == [server()]
    await store.close()


async def test_closing_has_a_deadline(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    go = hold(store)
    with pytest.raises(StoreError, match="within"):
        await store.close(0.05)
    go.set()
    await store.close()


async def test_a_full_disk_costs_readings_and_says_so_and_heals(small_disk: Path) -> None:
    store = Store.open(small_disk / "state")
    await store.add_event(event("before"))
    ballast = small_disk / "ballast"
    fill(ballast)

    with pytest.raises(StoreError) as refused:
        await flood(store)
    assert "full" in str(refused.value)
    assert "\n" not in str(refused.value)
    store.add_readings(tick(0, 100))
    store.save_server(server())
    await store.flush()
    assert store.stats().dropped == 1200
    assert "free some space" in store.stats().trouble
    assert (await store.events(1)).items

    ballast.unlink()
    kept = await store.add_event(event("after"))
    assert (await store.events(1)).items == (kept,)
    store.add_readings(tick(1, 10))
    await store.flush()
    assert store.stats().trouble == ""
    assert len(await store.last_readings()) == 120
    assert await store.load_servers() == [server()]
    await store.close()


async def test_another_program_that_locks_the_database_is_one_line(
    store: Store, tmp_path: Path
) -> None:
    store._connection.execute("PRAGMA busy_timeout = 10")
    with closing(sqlite3.connect(tmp_path / "state" / "outkept.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="close the other program"):
            await store.add_event(event())
    assert (await store.add_event(event())).id == 1
