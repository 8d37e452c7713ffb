"""Inventory, events and actions: what goes in comes out, in pages."""

from dataclasses import replace
from pathlib import Path

import pytest

from outkept.model.action import Action, ActionOutcome, AlreadyStartedError
from outkept.model.address import AddressOutcome, AddressState
from outkept.model.event import Event, EventType
from outkept.model.server import Endpoint
from outkept.store import Store, StoreError
from outkept.store.database import open_database
from outkept.store.records import add_action, insert_event, trim
from tests.store.values import NOW, action, event, reading, server


def address(number: int, at: float = NOW) -> AddressState:
    endpoint = Endpoint(f"10.0.0.{number}")
    return AddressState(endpoint, AddressOutcome.REFUSED_KEY, "publickey refused", at, 2, at + 60)


async def test_servers_come_back_as_they_were(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    bare = replace(server("ffffff"), supported=None, channel_limit=None, labels={})
    for each in (server(), bare):
        store.save_server(each)
    await store.close()
    store = Store.open(tmp_path)
    assert await store.load_servers() == [server(), bare]
    await store.close()


async def test_the_newest_state_of_a_server_counts(store: Store) -> None:
    store.save_server(server())
    newer = replace(server(), quarantine="its host key changed", last_seen=NOW + 9)
    store.save_server(newer)
    await store.flush()
    assert await store.load_servers() == [newer]


async def test_a_removed_server_leaves_its_events_and_no_history(store: Store) -> None:
    store.save_server(server("a"))
    store.save_address(replace(address(1), server="a"))
    store.add_readings([reading(1.0)])
    await store.add_event(event(server="a"))
    await store.flush()
    await store.add_event(event("not seen for 4d", server="a", type=EventType.REMOVED))
    assert await store.load_servers() == []
    assert [state.server for state in await store.load_addresses()] == [None]
    assert await store.last_readings() == []
    assert len((await store.events(server="a")).items) == 2


async def test_addresses_are_paged_by_when_they_were_tried(store: Store) -> None:
    states = [address(number, NOW + number % 3) for number in range(7)]
    for state in states:
        store.save_address(state)
    await store.flush()
    assert sorted(await store.load_addresses(), key=str) == sorted(states, key=str)
    paged: list[AddressState] = []
    cursor = None
    while True:
        page = await store.addresses(2, cursor)
        paged += page.items
        cursor = page.next
        if cursor is None:
            break
    assert len(paged) == 7
    assert [state.at for state in paged] == sorted((s.at for s in states), reverse=True)
    assert set(paged) == set(states)


async def test_events_are_numbered_in_order_and_paged_newest_first(store: Store) -> None:
    added = [await store.add_event(event(f"number {number}")) for number in range(5)]
    assert [each.id for each in added] == [1, 2, 3, 4, 5]
    first = await store.events(3)
    assert list(first.items) == added[:1:-1]
    await store.add_event(event("a newer one doesn't shift the pages"))
    second = await store.events(3, first.next)
    assert list(second.items) == added[1::-1]
    assert second.next is None


@pytest.mark.parametrize("value", [None, 3.5, "down", 0.0])
async def test_the_value_of_an_event_keeps_its_type(
    store: Store, value: float | str | None
) -> None:
    sent = Event(NOW, EventType.ALARMED, "load is 3.5", "a", "disk[/]", value)
    kept = await store.add_event(sent)
    assert (await store.events()).items == (kept,)
    assert replace(kept, id=0, incident=None) == sent


async def test_hostile_text_in_an_event_is_kept_as_text(store: Store) -> None:
    await store.add_event(event("'); DROP TABLE events; --\udcff\x00<script>"))
    await store.add_event(Event(NOW, EventType.WARNED, "not a number", value=float("nan")))
    newest, oldest = (await store.events()).items
    assert oldest.message == "'); DROP TABLE events; --?\x00<script>"
    assert newest.value is None


async def test_events_are_found_by_server_type_and_text(store: Store) -> None:
    await store.add_event(event("web1 FOUND at 100%", server="a"))
    await store.add_event(event("web2 found_here", server="b"))
    await store.add_event(event("web1 is gone", server="a", type=EventType.REMOVED))

    async def ids(**filters: str) -> list[int]:
        return [each.id for each in (await store.events(**filters)).items]  # type: ignore[arg-type]

    assert await ids(server="a") == [3, 1]
    assert await ids(type="found") == [2, 1]
    assert await ids(server="a", type="found") == [1]
    assert await ids(q="Found") == [2, 1]
    assert await ids(q="0%") == [1]
    assert await ids(q="%") == [1]
    assert await ids(q="_") == [2]
    assert await ids(q="\\") == []
    assert await ids(q="' OR 1=1 --") == []


@pytest.mark.parametrize("limit", [0, -1, 1001])
async def test_a_limit_out_of_bounds_is_refused(store: Store, limit: int) -> None:
    for ask in (store.events, store.actions, store.addresses):
        with pytest.raises(ValueError, match="1 to 1000"):
            await ask(limit)


@pytest.mark.parametrize(
    "cursor", ["", "x", "WzFd!", "W10", "WyJhIl0", "é", "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5XQ"]
)
async def test_a_cursor_that_no_list_gave_is_refused(store: Store, cursor: str) -> None:
    for ask in (store.events, store.actions, store.addresses):
        with pytest.raises(ValueError, match="cursor"):
            await ask(5, cursor)


async def test_a_search_text_without_end_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="200"):
        await store.events(q="x" * 201)


async def test_events_are_counted_by_type(store: Store) -> None:
    await store.add_event(event(at=NOW - 86401))
    await store.add_event(event(at=NOW))
    await store.add_event(event(at=NOW + 1))
    await store.add_event(event(at=NOW, type=EventType.FEED))
    assert await store.count_events(NOW - 86400) == {"found": 2, "feed": 1}


async def test_an_action_goes_from_intent_to_outcome(store: Store) -> None:
    intent = await store.intend(action())
    assert (await store.actions()).items == (intent,)
    done = replace(
        intent, outcome=ActionOutcome.DONE, finished_at=NOW + 2, status=0, output="restarted\udcff"
    )
    await store.finish(done)
    assert (await store.actions()).items == (replace(done, output="restarted?"),)
    assert await store.close_unfinished(NOW + 3, cut_off) == []


def cut_off(action: Action) -> Event:
    """What is said of an action that was left unfinished."""
    return event("cut off", action.finished_at or 0.0, type=EventType.MESSAGE)


async def test_an_action_stays_unfinished_until_it_can_be_told(store: Store) -> None:
    def full(_: Action) -> Event:
        raise StoreError("no room")

    intent = await store.intend(action())
    with pytest.raises(StoreError, match="no room"):
        await store.close_unfinished(NOW + 3, full)
    assert (await store.actions()).items == (intent,)


async def test_finishing_what_was_never_intended_is_an_error(store: Store) -> None:
    with pytest.raises(StoreError, match="intent first"):
        await store.finish(replace(action(), id=77))


async def test_an_action_left_unfinished_becomes_unknown_and_stays_so(store: Store) -> None:
    intent = await store.intend(action())
    closed = await store.close_unfinished(NOW + 60, cut_off)
    assert [(each.id, each.outcome) for each in closed] == [(intent.id, ActionOutcome.UNKNOWN)]
    assert (await store.actions()).items == tuple(closed)
    (told,) = (await store.events()).items
    assert (told.message, told.at) == ("cut off", NOW + 60)
    assert await store.close_unfinished(NOW + 70, cut_off) == []


async def test_actions_are_found_by_server(store: Store) -> None:
    kept = await store.intend(action())
    assert (await store.actions(server="a")).items == (kept,)
    assert (await store.actions(server="b")).items == ()


async def test_notes_are_kept(store: Store) -> None:
    assert await store.get_meta("seed") is None
    await store.set_meta("seed", "1")
    await store.set_meta("seed", "2")
    assert await store.get_meta("seed") == "2"


def test_events_and_actions_are_bounded_by_age_and_by_number(tmp_path: Path) -> None:
    _, connection = open_database(tmp_path)
    for number in range(10):
        insert_event(connection, event(at=NOW + number))
        add_action(connection, action(NOW + number))
    assert trim(connection, NOW + 10, 7.5, (5, 20))
    assert not trim(connection, NOW + 10, 7.5, (5, 20))
    ids = [
        list(connection.execute(f"SELECT min(id), max(id) FROM {t}")) for t in ("events", "actions")
    ]
    assert ids == [[(6, 10)], [(4, 10)]]
    connection.close()


async def test_what_an_open_incident_has_started_is_kept_however_old(store: Store) -> None:
    async def trimmed(most: tuple[int, int]) -> None:
        while await store.write(lambda connection: trim(connection, NOW + 100, 50.0, most)):
            pass

    async def told(type_: EventType, at: float) -> Event:
        return await store.add_event(Event(at, type_, "apache is down", "a", "apache"))

    alarm = await told(EventType.ALARMED, NOW)
    fired = await told(EventType.FIRED, NOW + 1)
    first = replace(action(NOW + 1), incident=alarm.id)
    started = await store.intend(first)
    await store.intend(replace(first, by="ana"))
    unsent = await store.intend(replace(first, step=2))
    await store.finish(replace(unsent, outcome=ActionOutcome.NOT_SENT))
    await trimmed((50, 50))
    assert (await store.events()).items == (fired, alarm)
    assert (await store.actions()).items == (started,)
    newer = await store.add_event(event(at=NOW + 90))
    await store.intend(action(NOW + 90, "b"))
    await trimmed((1, 1))
    assert (await store.events()).items == (newer, alarm)
    with pytest.raises(AlreadyStartedError):
        await store.intend(replace(first, at=NOW + 95))
    await told(EventType.RECOVERED, NOW + 91)
    await trimmed((50, 50))
    assert [one.at for one in (await store.events()).items] == [NOW + 91, NOW + 90]
    assert [one.server for one in (await store.actions()).items] == ["b"]


async def test_maintaining_forgets_addresses_that_are_in_no_range_any_more(store: Store) -> None:
    store.save_address(address(1, NOW))
    store.save_address(address(2, NOW + 31 * 86400))
    await store.flush()
    assert not await store.maintain(NOW + 31 * 86400)
    assert [str(state.endpoint) for state in await store.load_addresses()] == ["10.0.0.2"]
