"""A state of schema 1, made by the code of that time, opens with all that was in it."""

import asyncio
import gzip
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from outkept.store import Store
from outkept.store.database import open_database
from outkept.store.history import SeriesKey
from outkept.store.schema import MIGRATIONS
from tests.store.history_contract import DAY, HOUR, START
from tests.store.values import reading

SCHEMA_1 = Path(__file__).parent / "schema1.db.gz"
"""Three hours of readings on days 0, 20 and 39.8 of 40, every 30 s: of the first there are
hours, of the second minutes, of the last readings; a removed server, a failure, texts."""
NOW = START + 40 * DAY


async def opened(directory: Path) -> Store:
    (directory / "outkept.db").write_bytes(gzip.decompress(SCHEMA_1.read_bytes()))
    return Store.open(directory)


async def test_every_tier_of_schema_1_is_kept(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    for maintained in range(2):
        for day, buckets in ((0.0, 1), (20.0, 60), (39.8, 120)):
            from_ = START + day * DAY
            points = await store.history("b", "load", None, from_, from_ + HOUR, 120)
            assert len(points) == buckets
            means = [mean for _, _, mean, _ in points]
            assert round(sum(means) / len(means), 9) == round(
                sum(k % 7 for k in range(0, 3600, 30)) / 120, 9
            )
            assert (min(p[1] for p in points), max(p[3] for p in points)) == (0, 6)
        if not maintained:
            assert not await store.maintain(NOW + 2 * HOUR)
    await store.close()


async def test_names_texts_and_last_readings_of_schema_1_are_kept(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    last = {(each.server, each.sensor, each.instance): each for each in await store.last_readings()}
    assert set(last) == {
        ("a1b2c3", "load", None),
        ("a1b2c3", "disk", "/"),
        ("a1b2c3", "disk", "/var"),
        ("a1b2c3", "net", None),
        ("a1b2c3", "kernel", None),
        ("b", "load", None),
    }
    assert last[("a1b2c3", "load", None)].value == 0.77
    assert last[("b", "load", None)].failure == "timed out"
    texts = await store.texts(SeriesKey("a1b2c3", "kernel"), START, NOW)
    assert [text for _, text in texts] == ["6.20", "6.39"]
    assert [each.id for each in await store.load_servers()] == ["a1b2c3"]
    assert len((await store.events()).items) == 1
    await store.close()


async def test_a_migrated_series_goes_on(tmp_path: Path) -> None:
    store = await opened(tmp_path)

    store.add_readings([reading(0.9, NOW + 5, server="a1b2c3")])
    await store.flush()
    points = await store.history("a1b2c3", "load", None, NOW - 60, NOW + 60, 120)
    assert [mean for _, _, mean, _ in points] == [0.77, 0.9]
    rows = await store.heatmap("load", NOW - HOUR, NOW + HOUR, 2)
    assert [row.server for row in rows] == ["a1b2c3"]
    assert rows[0].cells == pytest.approx((0.77, 0.9))
    await store.close()


def test_nothing_of_schema_1_is_left(tmp_path: Path) -> None:

    async def go() -> None:
        await (await opened(tmp_path)).close()

    asyncio.run(go())
    with closing(sqlite3.connect(tmp_path / "outkept.db")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]
    assert not [name for name in names if name.startswith("old_")]


EARLIER = 3
"""The schema before incidents were stored."""


def before_incidents(directory: Path) -> None:
    """A state whose events and actions were written when there were no incidents."""
    path, connection = open_database(directory, MIGRATIONS[:EARLIER])
    with closing(connection):
        rows = [
            (1, "warned", "a", "disk[/]"),
            (2, "alarmed", "a", "disk[/]"),
            (3, "fired", "a", "disk[/]"),
            (4, "connected", "a", None),
            (5, "recovered", "a", "disk[/]"),
            (6, "warned", "a", "disk[/]"),
            (7, "alarmed", "b", "load"),
            (8, "removed", "b", None),
            (9, "recovered", "c", "load"),
        ]
        connection.executemany(
            "INSERT INTO events (id, at, type, server, sensor, value, message)"
            " VALUES (?, ? + 100, ?, ?, ?, 1.0, 'told')",
            [(id_, id_, *rest) for id_, *rest in rows],
        )
        # Two of one incident: at that time only the cooldown was between them.
        connection.executemany(
            "INSERT INTO actions (id, at, server, sensor, instance, command, outcome, reason,"
            " output) VALUES (?, ?, 'a', 'disk', '/', 'clean', 'done', 'alarm', '')",
            [(1, 102.5), (2, 104.5), (3, 106.5)],
        )
    assert path.exists()


async def test_incidents_are_made_of_events_that_are_older_than_they(tmp_path: Path) -> None:
    before_incidents(tmp_path)
    store = Store.open(tmp_path)
    found = {one.incident.id: one for one in (await store.incidents()).items}
    assert {id_: [event.id for event in one.events] for id_, one in found.items()} == {
        6: [6],
        7: [7],
        1: [1, 2, 3, 5],
    }
    assert {id_: [action.id for action in one.actions] for id_, one in found.items()} == {
        6: [3],
        7: [],
        1: [1, 2],
    }
    assert [(one.ended, one.worst.value) for one in (found[1].incident, found[7].incident)] == [
        (105.0, "alarmed"),
        (108.0, "alarmed"),
    ]
    assert [one.id for one in await store.open_incidents()] == [6]
    await store.close()
