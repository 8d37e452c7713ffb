"""Incidents are found among the events of a real database."""

from dataclasses import replace

import pytest

from outkept.model.action import Action, ActionOutcome
from outkept.model.address import AddressOutcome, AddressState
from outkept.model.event import Event, EventQuery, EventType
from outkept.model.server import Endpoint
from outkept.store import Store
from outkept.store.incidents import Found
from outkept.store.openings import Openings, Span
from tests.store.values import NOW

W, A, R = EventType.WARNED, EventType.ALARMED, EventType.RECOVERED


async def told(
    store: Store, type_: EventType, server: str = "a", sensor: str | None = "load"
) -> int:
    at = NOW + len((await store.events(1000)).items)
    return (await store.add_event(Event(at, type_, f"{server} {type_}", server, sensor))).id


def ids(found: tuple[Found, ...]) -> list[list[int]]:
    return [[event.id for event in one.events] for one in found]


async def test_open_ones_come_first_then_the_last_to_end(store: Store) -> None:
    for type_ in (W, A, R, W, R):
        await told(store, type_)
    await told(store, A, "b")
    await told(store, W)
    assert ids((await store.incidents()).items) == [[7], [6], [4, 5], [1, 2, 3]]
    assert ids((await store.incidents(state="open")).items) == [[7], [6]]
    assert ids((await store.incidents(state="ended")).items) == [[4, 5], [1, 2, 3]]
    assert ids((await store.incidents(server="b")).items) == [[6]]


async def test_pages_of_incidents_join_without_gaps_or_doubles(store: Store) -> None:
    for number in range(4):
        await told(store, W, f"s{number}")
    for number in range(3):
        await told(store, A, f"e{number}")
        await told(store, R, f"e{number}")
    seen: list[list[int]] = []
    cursor = None
    while True:
        page = await store.incidents(2, cursor)
        seen += ids(page.items)
        cursor = page.next
        if cursor is None:
            break
    assert seen == [[4], [3], [2], [1], [9, 10], [7, 8], [5, 6]]


async def test_a_removed_server_ends_all_its_incidents(store: Store) -> None:
    await told(store, W, sensor="load")
    await told(store, A, sensor="disk[/]")
    await told(store, R, sensor="disk[/]")
    await told(store, A, sensor="users")
    await told(store, EventType.REMOVED, sensor=None)
    assert ids((await store.incidents()).items) == [[4, 5], [1, 5], [2, 3]]
    assert ids((await store.incidents(1)).items) == [[4, 5]]
    second = await store.incidents(1, (await store.incidents(1)).next)
    assert ids(second.items) == [[1, 5]]


async def test_other_sensors_and_other_events_are_not_its_own(store: Store) -> None:
    await told(store, W, sensor="disk[/]")
    await told(store, W, sensor="disk[/var]")
    await told(store, EventType.CONNECTED, sensor=None)
    await told(store, EventType.FIRED, sensor="disk[/]")
    await told(store, R, sensor="disk[/]")
    assert ids((await store.incidents()).items) == [[2], [1, 4, 5]]


async def test_what_happens_after_the_first_look_is_followed(store: Store) -> None:
    await told(store, W, "a")
    await told(store, W, "b")
    assert ids((await store.incidents(state="open")).items) == [[2], [1]]
    await told(store, A, "a")
    await told(store, W, "c", "disk[/]")
    await told(store, R, "b")
    assert ids((await store.incidents(state="open")).items) == [[4], [1, 3]]
    await told(store, EventType.REMOVED, "a", None)
    assert ids((await store.incidents()).items) == [[4], [1, 3, 6], [2, 5]]


async def test_what_happens_during_the_first_look_counts_once() -> None:
    openings = Openings()
    with openings.being_found() as found:
        for number, type_ in ((3, R), (4, W), (6, R)):
            openings.note(Event(NOW, type_, "told", "a", "load", id=number))
        openings.note(Event(NOW, W, "told", "b", "load", id=7))
        # Found as of event 4, which the notes go over once more.
        found([Span(4, None, "a", "load"), Span(5, None, "c", "load")])
    assert openings.known
    assert {(span.server, span.first) for span in openings.spans(None)} == {("b", 7), ("c", 5)}


async def test_after_a_write_that_failed_they_are_found_anew() -> None:
    openings = Openings()
    with openings.being_found() as found:
        openings.forget()
        found([])
    assert not openings.known


async def test_any_event_of_it_leads_to_it(store: Store) -> None:
    for type_ in (W, A, EventType.FIRED, R, EventType.FIRED, W, R):
        await told(store, type_)
    for event, first in ((1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (6, 6), (7, 6)):
        found = await store.incident(event)
        assert found is not None
        assert found.events[0].id == first
    await told(store, EventType.CONNECTED, sensor=None)
    for nothing in (8, 99, 0, -1, 1 << 70):
        assert await store.incident(nothing) is None


async def test_its_reactions_are_those_of_its_series_and_time(store: Store) -> None:
    await told(store, W, sensor="disk[/var]")
    await told(store, A, sensor="disk[/var]")
    await told(store, R, sensor="disk[/var]")
    one = Action("a", "disk", "clean", NOW + 1, ActionOutcome.INTENDED, "alarm", "/var")
    wanted = await store.intend(one)
    await store.intend(replace(one, instance="/"))
    await store.intend(replace(one, server="b"))
    await store.intend(replace(one, at=NOW + 50))
    found = await store.incident(1)
    assert found is not None
    assert found.actions == (wanted,)


async def test_a_recovery_of_what_is_no_longer_known_is_no_incident(store: Store) -> None:
    await told(store, R)
    assert (await store.incidents()).items == ()
    assert await store.incident(1) is None


async def test_a_cursor_of_another_list_is_refused(store: Store) -> None:
    await told(store, W)
    await told(store, W)
    with pytest.raises(ValueError, match="cursor"):
        await store.incidents(1, (await store.events(1)).next)


async def test_events_are_found_by_sensor_time_and_several_types(store: Store) -> None:
    for type_, sensor in ((W, "disk[/]"), (A, "disk"), (R, "disk[/var]"), (W, "disks"), (W, None)):
        await told(store, type_, sensor=sensor)

    async def found(**wanted: object) -> list[int]:
        query = EventQuery(**wanted)  # type: ignore[arg-type]
        return [event.id for event in (await store.find_events(query)).items]

    assert await found(sensor="disk") == [3, 2, 1]
    assert await found(sensor="disk[/]") == [1]
    assert await found(types=("alarmed", "recovered")) == [3, 2]
    assert await found(from_=NOW + 1, to=NOW + 3) == [3, 2]
    assert await found(types=("warned",), sensor="disk", text="a w") == [1]


async def test_addresses_are_grouped_by_why_they_ended(store: Store) -> None:
    for number, (outcome, reason) in enumerate(
        [
            (AddressOutcome.SERVER, "web1"),
            (AddressOutcome.SERVER, "web2"),
            (AddressOutcome.REFUSED_KEY, "the key was refused"),
            (AddressOutcome.NOT_SSH, "it says HTTP"),
            (AddressOutcome.REFUSED_KEY, "the key was refused"),
            (AddressOutcome.REFUSED_KEY, "no such user"),
        ]
    ):
        store.save_address(
            AddressState(Endpoint(f"10.0.0.{number}"), outcome, reason, NOW + number)
        )
    await store.flush()
    assert await store.address_outcomes() == [
        ("refused key", "the key was refused", 2, NOW + 4),
        ("server", "", 2, NOW + 1),
        ("not SSH", "it says HTTP", 1, NOW + 3),
        ("refused key", "no such user", 1, NOW + 5),
    ]
    page = await store.addresses(outcome="refused key", reason="the key was refused")
    assert [state.endpoint.address for state in page.items] == ["10.0.0.4", "10.0.0.2"]
