"""A recording: what a daemon wrote, read back beside it, whichever place it has come to."""

import gzip
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from outkept.model.event import EventType
from outkept.store import Retention, StateDamaged, StateNewer, StateOlder, Store, StoreError
from outkept.store.errors import StateError
from outkept.store.recorded import Recorded, Recording, Tier
from outkept.store.schema import MIGRATIONS
from tests.store.test_migration import SCHEMA_1
from tests.store.values import event, reading, server

HOUR = 3600.0
START = 1_699_999_200.0
"""The beginning of an hour."""


def everything(recording: Recording, from_: float, to: float) -> list[tuple[float, float]]:
    """Times and values of all there is; of rows, their means."""
    found = []
    for stretch in recording.stretches(from_, to):
        with recording.reading(stretch) as reader:
            for groups in recording.groups.values():
                for group in groups:
                    for one in reader.group(group):
                        found += one.readings()
                        found += [(row.start, row.mean) for row in one.rows()]
    return found


async def test_readings_come_back_from_journal_and_chunks_beside_the_daemon(
    store: Store, tmp_path: Path
) -> None:
    expected = []
    store.save_server(server("a"))
    for number in range(6):
        at = START + number * HOUR / 2
        expected.append((at, float(number)))
        store.add_readings([reading(float(number), at)])
        await store.flush()
        if number % 2:
            await store.maintain(at)
        with closing(Recording.open(tmp_path / "state")) as recording:
            assert everything(recording, START, at + 1) == expected
            assert (recording.oldest, recording.newest) == (START, at)
            assert [one.id for one in recording.servers] == ["a"]


async def test_what_is_sealed_and_packed_meanwhile_is_found_once(
    store: Store, tmp_path: Path
) -> None:
    expected = [(START + 10 * n, float(n)) for n in range(800)]
    store.add_readings([reading(value, at) for at, value in expected])
    await store.flush()
    with closing(Recording.open(tmp_path / "state")) as recording:
        assert everything(recording, START, START + 3 * HOUR) == expected
        while await store.maintain(START + 200.0):
            pass
        assert everything(recording, START, START + 3 * HOUR) == expected
        while await store.maintain(START + 5 * HOUR):
            pass
        assert everything(recording, START, START + 3 * HOUR) == expected


async def test_what_expires_meanwhile_is_found_as_minutes(tmp_path: Path) -> None:
    store = Store.open(tmp_path, Retention(raw=HOUR, minutes=10 * 86400.0))
    try:
        store.add_readings([reading(float(n), START + 10 * n) for n in range(12)])
        await store.flush()
        with closing(Recording.open(tmp_path)) as recording:
            assert recording.tier(START) is Tier.READINGS
            (stretch,) = recording.stretches(START, START + HOUR)
            while await store.maintain(START + 5 * HOUR):
                pass
            with recording.reading(stretch) as reader:
                assert reader.tier is Tier.MINUTES
                (one,) = reader.group(recording.groups["load"][0])
                assert [(row.n, row.low, row.high) for row in one.rows()] == [(6, 0, 5), (6, 6, 11)]
                assert one.span() == (0, 11)
                assert one.count == 2
                assert one.readings() == []
    finally:
        await store.close()


async def test_every_tier_is_walked_each_time_in_the_finest_that_has_it(tmp_path: Path) -> None:
    (tmp_path / "outkept.db").write_bytes(gzip.decompress(SCHEMA_1.read_bytes()))
    await Store.open(tmp_path).close()
    with closing(Recording.open(tmp_path)) as recording:
        assert recording.oldest is not None
        assert recording.newest is not None
        stretches = recording.stretches(recording.oldest, recording.newest + 1)
        assert stretches == sorted(stretches, key=lambda one: one.start)
        tiers: dict[Tier, int] = {}
        for stretch in stretches:
            with recording.reading(stretch) as reader:
                assert reader.tier is recording.tier(stretch.start)
                found = [one for group in recording.groups["load"] for one in reader.group(group)]
                count = sum(len(one.readings()) + len(one.rows()) for one in found)
                assert all(_is_span(one) for one in found)
                tiers[reader.tier] = tiers.get(reader.tier, 0) + count
        assert tiers.keys() == set(Tier)
        assert tiers[Tier.READINGS] > tiers[Tier.MINUTES] > tiers[Tier.HOURS]


def _is_span(one: Recorded) -> bool:
    values = [value for _, value in one.readings()]
    values += [value for row in one.rows() for value in (row.low, row.high)]
    low, high = one.span()
    return not values or low <= min(values) <= max(values) <= high


async def test_a_window_is_cut_to_the_second(store: Store, tmp_path: Path) -> None:
    store.add_readings([reading(float(n), START + n) for n in range(5)])
    await store.flush()
    await store.maintain(START)
    with closing(Recording.open(tmp_path / "state")) as recording:
        assert everything(recording, START + 1, START + 3) == [(START + 1, 1), (START + 2, 2)]
        assert recording.stretches(START + 2, START + 1) == []
        assert recording.stretches(START + HOUR, START + 2 * HOUR) == []


async def test_nothing_is_written_and_no_lock_is_taken(store: Store, tmp_path: Path) -> None:
    store.add_readings([reading(1.0, START)])
    await store.close()
    database = tmp_path / "state" / "outkept.db"
    before = database.read_bytes()
    with closing(Recording.open(tmp_path / "state")) as recording:
        with pytest.raises(sqlite3.OperationalError):
            recording._connection.execute("DELETE FROM series")
        await Store.open(tmp_path / "state").close()
    assert database.read_bytes()[100:] == before[100:]


async def test_removed_servers_are_not_there(store: Store, tmp_path: Path) -> None:
    store.add_readings([reading(1.0, START), reading(2.0, START, server="b")])
    await store.flush()
    await store.maintain(START)
    await store.add_event(event("not seen for 4d", server="b", type=EventType.REMOVED))
    with closing(Recording.open(tmp_path / "state")) as recording:
        assert everything(recording, START, START + 1) == [(START, 1)]


async def test_a_state_of_another_schema_is_refused_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "outkept.db"
    path.write_bytes(gzip.decompress(SCHEMA_1.read_bytes()))
    before = path.read_bytes()
    with pytest.raises(
        StateOlder, match=r"older Outkept \(schema 1, .*start the daemon on it once"
    ):
        Recording.open(tmp_path)
    assert path.read_bytes() == before
    await Store.open(tmp_path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(StateNewer):
        Recording.open(tmp_path)


def test_what_is_no_state_is_named(tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"holds no outkept\.db: name the daemon's"):
        Recording.open(tmp_path)
    (tmp_path / "outkept.db").write_bytes(b"not a database, whatever its name says, at all" * 9)
    with pytest.raises(StateDamaged, match="it is not a database"):
        Recording.open(tmp_path)


async def test_a_damaged_chunk_is_an_error_of_one_line(store: Store, tmp_path: Path) -> None:
    store.add_readings([reading(1.0, START)])
    await store.flush()
    await store.maintain(START)
    await store.close()
    with closing(sqlite3.connect(tmp_path / "state" / "outkept.db")) as connection:
        connection.execute("UPDATE chunks SET data = ?", (b"\0\0\0\1" + os.urandom(20),))
        connection.commit()
    with closing(Recording.open(tmp_path / "state")) as recording:
        with pytest.raises(StoreError, match="can't be unpacked") as raised:
            everything(recording, START, START + 1)
        assert "\n" not in str(raised.value)


async def test_a_copy_without_its_log_can_be_read(store: Store, tmp_path: Path) -> None:
    store.add_readings([reading(1.0, START)])
    await store.close()
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(tmp_path / "state" / "outkept.db", copy)
    with closing(Recording.open(copy)) as recording:
        assert everything(recording, START, START + 1) == [(START, 1)]
