"""Reactions that wait, on disk."""

from dataclasses import replace

from outkept.model.action import Wait
from outkept.model.event import Event, EventType
from outkept.model.server import Endpoint
from outkept.store import Store
from outkept.store.waits import Waits


async def _alarm(store: Store, sensor: str) -> Wait:
    """A wait for the incident of an alarm."""
    event = await store.add_event(Event(1.0, EventType.ALARMED, "why", "s1", sensor, 11))
    assert event.incident is not None
    return Wait(event.incident, "is 11 \udc80", Endpoint("10.0.0.1", 2222))


async def test_what_waits_is_there_until_it_is_dropped(store: Store) -> None:
    waits = Waits(store)
    one, other = await _alarm(store, "depth"), await _alarm(store, "disk")
    for wait in (other, one, one):
        await waits.add(wait)
    assert await waits.all() == [replace(wait, cause="is 11 ?") for wait in (one, other)]
    await waits.drop(one.incident)
    assert [wait.incident for wait in await waits.all()] == [other.incident]


async def test_nothing_waits_for_an_incident_that_has_ended(store: Store) -> None:
    waits = Waits(store)
    one, other = await _alarm(store, "depth"), await _alarm(store, "disk")
    await waits.add(one)
    await store.add_event(Event(2.0, EventType.RECOVERED, "well", "s1", "depth", 1))
    assert await waits.all() == []
    await waits.add(other)
    await store.add_event(Event(3.0, EventType.REMOVED, "gone", "s1"))
    assert await waits.all() == []
    for wait in (one, other):
        await waits.add(wait)
    assert await waits.all() == []
