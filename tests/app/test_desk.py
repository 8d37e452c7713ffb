"""The desk with a real store and herald: what is told of silences, also late and after restarts."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from math import inf
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outkept.app.desk import Desk, Kind
from outkept.app.herald import Herald
from outkept.model.event import Condition, Event, EventType
from outkept.model.incident import Incident
from outkept.model.silence import Silence, Subject
from outkept.store.errors import StoreError
from outkept.store.silences import Silences
from outkept.store.store import Store
from tests.app.harness import until

SUBJECT = Subject("a", "db1", {}, "disk")


def silence(starts: float, ends: float) -> Silence:
    """One on all databases; times count from now."""
    now = time.time()
    return Silence(now + starts, now + ends, "disk swap", "ada", "db*")


@asynccontextmanager
async def desk_of(store: Store) -> AsyncIterator[Desk]:
    """A desk that knows what is in the store, at work."""
    herald = Herald(store.add_event)
    silences = Silences(store)
    desk = Desk(herald, silences, await store.open_incidents(), await silences.going_on())
    herald.listeners.append(desk.take)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(herald.run()), group.create_task(desk.run())]
        yield desk
        tasks[1].cancel()
        await herald.drain(30)
        tasks[0].cancel()


def counted(desk: Desk) -> dict[Kind, int]:
    """What the desk says of how many are open."""
    return {kind: number for kind, number in desk.counts.items() if number}


def recounted(desk: Desk) -> dict[Kind, int]:
    """The same, counted one by one."""
    return Counter((one.condition, one.level, one.acknowledged) for one in desk.incidents())


async def told(store: Store) -> list[str]:
    """What was told of silences, the oldest first, without its end."""
    page = await store.events(1000, type="silenced")
    return [event.message.partition(":")[0] for event in reversed(page.items)]


async def count(store: Store, wanted: int) -> list[str]:
    """The same, once there are so many."""

    async def enough() -> list[str]:
        found = await told(store)
        return found if len(found) >= wanted else []

    return list(await until(enough, f"{wanted} events of silences"))


async def test_what_began_and_ended_while_nobody_ran_is_told_once(store: Store) -> None:
    silences = Silences(store)
    await silences.add(silence(-100, -10), time.time() - 200)
    await silences.add(silence(-100, 100), time.time() - 200)
    await silences.add(silence(100, 200), time.time() - 200)
    never = await silences.add(silence(100, 200), time.time() - 200)
    await silences.end(never.id, time.time() - 50, "bob")
    expected = [
        "silence 1 begins",
        "silence 1 ends",
        "silence 2 begins",
        "silence 4 is ended by bob",
    ]
    for _ in range(2):
        async with desk_of(store) as desk:
            assert await count(store, 4) == expected
            await until(lambda: set(desk._silences.by_id) == {2, 3}, "the desk has looked")
    assert await told(store) == expected
    assert [one.id for one in await silences.going_on()] == [2, 3]


async def test_a_silence_holds_from_the_moment_it_is_added_until_it_is_ended(store: Store) -> None:
    async with desk_of(store) as desk:
        assert desk.silence(SUBJECT, time.time()) is None
        added = await desk.add_silence(silence(0, 100))
        longer = await desk.add_silence(replace(silence(0, 0), ends=inf, server="db1"))
        now = time.time()
        assert desk.silence(SUBJECT, now) == replace(longer, told_begin=True)
        await desk.end_silence(longer.id, "bob")
        assert (desk.silence(SUBJECT, now + 1) or longer).id == added.id
        assert desk.silence(replace(SUBJECT, hostname="web1"), now) is None
        assert await desk.end_silence(longer.id, "bob") is None
        await desk.end_silence(added.id, "bob")
        assert desk.silence(SUBJECT, now + 1) is None
        await count(store, 4)
    assert sorted(await told(store)) == [
        "silence 1 begins",
        "silence 1 is ended by bob",
        "silence 2 begins",
        "silence 2 is ended by bob",
    ]


async def test_what_finds_no_room_is_told_at_the_next_look(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk_of(store) as desk:
        announce: Callable[..., bool] = desk._herald.announce
        refused: list[Event] = []

        def full(event: Event) -> bool:
            refused.append(event)
            return False

        monkeypatch.setattr(desk._herald, "announce", full)
        await desk.add_silence(silence(0, 100))
        await until(lambda: len(refused) > 1, "it was tried again")
        monkeypatch.setattr(desk._herald, "announce", announce)
        assert await count(store, 1) == ["silence 1 begins"]


async def test_a_disk_that_forgets_what_was_told_stops_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk_of(store) as desk:

        async def broken(_: Silence) -> None:
            raise StoreError("no space")

        monkeypatch.setattr(desk._stored, "save_told", broken)
        await desk.add_silence(silence(0, 100))
        await desk.add_silence(silence(0, 0.05))
        assert await count(store, 3) == ["silence 1 begins", "silence 2 begins", "silence 2 ends"]


async def test_the_desk_keeps_step_with_the_store(store: Store) -> None:
    async with desk_of(store) as desk:
        for server in ("a", "b"):
            for sensor in ("load", "disk[/]"):
                desk._herald.announce(Event(1.0, EventType.WARNED, "w", server, sensor))
        gone = Event(2.0, EventType.GONE, "g", "a", condition=Condition.GONE)
        blind = Event(2.0, EventType.BLIND, "b", condition=Condition.BLIND)
        for event in (gone, blind):
            desk._herald.announce(event)
        await desk._herald.drain(30)
        await until(lambda: len(desk.incidents()) == 6, "all have come")

        async def same() -> list[Incident]:
            opened = desk.incidents()
            assert opened == await store.open_incidents()
            assert [desk.by_id(one.id) for one in opened] == opened
            assert [desk.incident(one.key) for one in opened] == opened
            assert counted(desk) == recounted(desk)
            return opened

        await same()
        assert [one.condition for one in desk.incidents("a")] == ["level", "level", "gone"]
        await desk.said(desk.incidents()[0], EventType.ACKNOWLEDGED, "mine", "ada")
        assert (await same())[0].acknowledged_by == "ada"
        desk._herald.announce(Event(3.0, EventType.RECOVERED, "r", "b", "load"))
        desk._herald.announce(Event(3.0, EventType.REMOVED, "r", "a"))
        await until(lambda: len(desk.incidents()) == 2, "some are over")
        assert [one.server for one in await same()] == ["b", None]
        assert desk.incidents("a") == []
        assert desk.by_id(1) is None


happenings = st.lists(
    st.tuples(
        st.sampled_from(
            [
                EventType.WARNED,
                EventType.ALARMED,
                EventType.FLAPPING,
                EventType.FAILING,
                EventType.ACKNOWLEDGED,
                EventType.UNACKNOWLEDGED,
                EventType.RECOVERED,
                EventType.REMOVED,
                EventType.NOTE,
            ]
        ),
        st.sampled_from(["a", "b", None]),
        st.sampled_from(["load", None]),
        st.sampled_from([None, Condition.FAILED, Condition.GONE]),
    ),
    max_size=30,
)


@given(happenings)
def test_what_is_open_is_counted_right_whatever_happens(
    happened: list[tuple[EventType, str | None, str | None, Condition | None]],
) -> None:
    async def write(event: Event) -> Event:
        return event

    desk = Desk(Herald(write), cast(Silences, None), (), ())
    for id_, (type_, server, sensor, condition) in enumerate(happened, start=1):
        desk.take(Event(1.0, type_, "", server, sensor, id=id_, condition=condition, by="ada"))
        assert counted(desk) == recounted(desk)
    again = Desk(Herald(write), cast(Silences, None), desk.incidents(), ())
    assert counted(again) == counted(desk)
