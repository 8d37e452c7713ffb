"""Incidents follow the events of a real database."""

from dataclasses import replace
from typing import Any

import pytest

from outkept.model.action import Action, ActionOutcome, AlreadyStartedError, Latch
from outkept.model.address import AddressOutcome, AddressState
from outkept.model.event import Condition, Event, EventQuery, EventType
from outkept.model.level import Level
from outkept.model.server import Endpoint
from outkept.store import Store, incidents
from outkept.store.incidents import Found, trim_incidents
from outkept.store.latches import Latches
from tests.store import values
from tests.store.values import NOW

W, A, R = EventType.WARNED, EventType.ALARMED, EventType.RECOVERED


async def told(
    store: Store,
    type_: EventType,
    server: str | None = "a",
    sensor: str | None = "load",
    **more: Any,
) -> int:
    at = NOW + len((await store.events(1000)).items)
    event = Event(at, type_, f"{server} {type_}", server, sensor, **more)
    return (await store.add_event(event)).id


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
    assert ids((await store.incidents()).items) == [[4], [1], [2, 3]]
    assert ids((await store.incidents(1)).items) == [[4]]
    second = await store.incidents(1, (await store.incidents(1)).next)
    assert ids(second.items) == [[1]]


async def test_what_is_left_of_servers_that_nobody_knows_ends(store: Store) -> None:
    store.save_server(values.server("a"))
    for name in ("a", "b", "b2"):
        await told(store, A, name)
        await told(store, EventType.GONE, name, None, condition=Condition.GONE)
    await told(store, R, "b2")
    await told(store, EventType.BLIND, None, "10.0.0.0/8", condition=Condition.BLIND)
    latches = Latches(store)
    for name in ("a", "c"):
        await latches.add(Latch(name, "load", NOW, "it ran 3 times"))

    def say(server: str) -> Event:
        return Event(NOW, EventType.REMOVED, "not known", server)

    removed = await store.remove_orphans(say)
    assert [one.server for one in removed] == ["b", "b2", "c"]
    assert [one.server for one in await store.open_incidents()] == ["a", "a", None]
    assert [one.server for one in await latches.all()] == ["a"]
    assert await store.remove_orphans(say) == []


async def test_other_sensors_and_other_events_are_not_its_own(store: Store) -> None:
    await told(store, W, sensor="disk[/]")
    await told(store, W, sensor="disk[/var]")
    await told(store, EventType.CONNECTED, sensor=None)
    await told(store, EventType.FIRED, sensor="disk[/]")
    await told(store, R, sensor="disk[/]")
    assert ids((await store.incidents()).items) == [[2], [1, 4, 5]]


async def test_what_is_open_follows_what_happens(store: Store) -> None:
    await told(store, W, "a")
    await told(store, W, "b")
    assert ids((await store.incidents(state="open")).items) == [[2], [1]]
    await told(store, A, "a")
    await told(store, W, "c", "disk[/]")
    await told(store, R, "b")
    assert ids((await store.incidents(state="open")).items) == [[4], [1, 3]]
    await told(store, EventType.REMOVED, "a", None)
    assert ids((await store.incidents()).items) == [[4], [1, 3], [2, 5]]


async def test_any_event_of_it_leads_to_it(store: Store) -> None:
    for type_ in (W, A, EventType.FIRED, R):
        await told(store, type_)
    # What a reaction says may come after the recovery.
    await told(store, EventType.FIRED, incident=1)
    for type_ in (W, R):
        await told(store, type_)
    for event, first in ((1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (6, 6), (7, 6)):
        found = await store.incident(event)
        assert found is not None
        assert found.events[0].id == first
    await told(store, EventType.CONNECTED, sensor=None)
    for nothing in (8, 99, 0, -1, 1 << 70):
        assert await store.incident(nothing) is None


async def test_its_reactions_are_those_that_name_it(store: Store) -> None:
    await told(store, W, sensor="disk[/var]")
    await told(store, A, sensor="disk[/var]")
    one = Action("a", "disk", "clean", NOW + 1, ActionOutcome.INTENDED, "alarm", "/var")
    wanted = await store.intend(replace(one, incident=1))
    await store.intend(one)
    found = await store.incident(1)
    assert found is not None
    assert found.actions == (wanted,)


async def test_a_second_automatic_start_cannot_be_written(store: Store) -> None:
    await told(store, A)
    one = Action("a", "load", "mend", NOW, ActionOutcome.INTENDED, "alarm", incident=1)
    begun = await store.intend(one)
    with pytest.raises(AlreadyStartedError):
        await store.intend(replace(one, at=NOW + 1))
    # What was not sent is no start; the next step and a person's run are others.
    await store.intend(replace(one, step=2))
    await store.intend(replace(one, by="ada"))
    await store.finish(replace(begun, outcome=ActionOutcome.NOT_SENT))
    again = await store.intend(replace(one, at=NOW + 2))
    await store.finish(replace(again, outcome=ActionOutcome.UNKNOWN))
    with pytest.raises(AlreadyStartedError):
        await store.intend(replace(one, at=NOW + 3))


async def test_each_condition_has_its_own(store: Store) -> None:
    await told(store, W)
    await told(store, EventType.FAILING, condition=Condition.FAILED)
    await told(store, EventType.GONE, sensor=None, condition=Condition.GONE)
    await told(store, R, condition=Condition.FAILED)
    blind = Event(NOW, EventType.BLIND, "all gone", condition=Condition.BLIND)
    await store.add_event(blind)
    found = {one.id: one for one in await store.open_incidents()}
    assert [(one.id, one.condition) for one in found.values()] == [
        (1, Condition.LEVEL),
        (3, Condition.GONE),
        (5, Condition.BLIND),
    ]
    assert (found[3].level, found[5].server) == (Level.ALARMED, None)
    assert ids((await store.incidents(state="ended")).items) == [[2, 4]]


async def test_acknowledgement_holds_until_it_is_over(store: Store) -> None:
    await told(store, W)
    await told(store, EventType.ACKNOWLEDGED, by="ada")
    await told(store, A)
    (one,) = await store.open_incidents()
    assert (one.acknowledged_by, one.acknowledged_at) == ("ada", NOW + 1)
    assert (one.level, one.worst, one.flapping) == (Level.ALARMED, Level.ALARMED, False)
    await told(store, R)
    await told(store, W)
    (one,) = await store.open_incidents()
    assert (one.id, one.acknowledged) == (5, False)


async def test_they_can_be_narrowed_to_those_that_somebody_has(store: Store) -> None:
    for server in ("a", "b", "c"):
        await told(store, W, server)
    await told(store, EventType.ACKNOWLEDGED, "a", by="ada")
    await told(store, EventType.ACKNOWLEDGED, "b", by="ada")
    await told(store, R, "b")
    assert ids((await store.incidents(acknowledged=True)).items) == [[1, 4], [2, 5, 6]]
    assert ids((await store.incidents(acknowledged=False)).items) == [[3]]
    assert ids((await store.incidents(acknowledged=True, state="open")).items) == [[1, 4]]
    assert ids((await store.incidents(acknowledged=True, server="b")).items) == [[2, 5, 6]]
    first = await store.incidents(1, acknowledged=True)
    second = await store.incidents(1, first.next, acknowledged=True)
    assert ids((*first.items, *second.items)) == [[1, 4], [2, 5, 6]]


async def test_what_people_say_is_not_lost_among_many_events(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incidents, "MOST_EVENTS", 3)
    monkeypatch.setattr(incidents, "MOST_SAID", 2)
    for type_ in (W, A, W, A, EventType.NOTE, W, EventType.NOTE, A, R):
        await told(store, type_)
    assert ids((await store.incidents()).items) == [[1, 2, 3, 7, 9]]
    await told(store, EventType.NOTE, incident=1)
    assert ids((await store.incidents()).items) == [[1, 2, 3, 7, 10]]


async def test_the_last_event_of_a_type_is_known_however_many_there_are(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incidents, "MOST_EVENTS", 1)
    (first, *_) = [await told(store, type_) for type_ in (A, W, A, W, A)]
    assert await store.last_told(first, (W, R)) == NOW + 3
    assert await store.last_told(first, (R,)) is None
    assert await store.last_told(first + 1, (W,)) is None


async def test_late_words_are_about_the_incident_they_name(store: Store) -> None:
    for type_ in (W, R, W):
        await told(store, type_)
    await told(store, EventType.ACKNOWLEDGED, incident=1, by="ada")
    (one,) = await store.open_incidents()
    assert (one.id, one.acknowledged) == (3, False)
    assert ids((await store.incidents()).items) == [[3], [1, 2, 4]]


async def test_flapping_keeps_it_open_at_the_level_it_had(store: Store) -> None:
    await told(store, A)
    await told(store, EventType.FLAPPING)
    (one,) = await store.open_incidents()
    assert (one.flapping, one.level) == (True, Level.ALARMED)
    await told(store, W)
    (one,) = await store.open_incidents()
    assert (one.flapping, one.level, one.worst) == (False, Level.WARNED, Level.ALARMED)


async def test_what_opens_by_flapping_is_as_bad_as_its_series_on_disk_too(store: Store) -> None:
    await told(store, EventType.FLAPPING, level=Level.ALARMED)
    (one,) = await store.open_incidents()
    assert (one.flapping, one.level, one.worst) == (True, Level.ALARMED, Level.ALARMED)


async def test_only_so_many_that_ended_are_kept(store: Store) -> None:
    for _ in range(4):
        await told(store, W)
        await told(store, R)
    await told(store, W)
    while await store.write(lambda connection: trim_incidents(connection, NOW, 86400.0, most=2)):
        pass
    assert [found.incident.id for found in (await store.incidents()).items] == [9, 7, 5]


async def test_old_ones_are_forgotten(store: Store) -> None:
    await told(store, W)
    await told(store, R)
    await told(store, W)
    while await store.maintain(NOW + 3 * 366 * 86400.0):
        pass
    assert [found.incident.id for found in (await store.incidents()).items] == [3]


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
