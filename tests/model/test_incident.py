"""What events make of an incident, against a model that keeps nothing but words."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outkept.model.event import Condition, Event, EventType
from outkept.model.incident import Incident, IncidentState, following, key_of, opens
from outkept.model.level import Level

ORDER = (Level.NORMAL, Level.WARNED, Level.ALARMED)
RAISING = {
    EventType.WARNED: Level.WARNED,
    EventType.ALARMED: Level.ALARMED,
    EventType.FAILING: Level.WARNED,
    EventType.GONE: Level.ALARMED,
    EventType.BLIND: Level.ALARMED,
}
TYPES = st.sampled_from(list(EventType))


def events(types: list[EventType]) -> list[Event]:
    return [
        Event(1000.0 + number, type_, f"it is {type_}", "a", "load", id=number, by="ada")
        for number, type_ in enumerate(types, 1)
    ]


@given(st.lists(TYPES, max_size=30))
def test_it_follows_what_is_said_of_it(types: list[EventType]) -> None:
    incident: Incident | None = None
    seen: list[EventType] = []  # since it was opened
    first = 0
    for event in events(types):
        over = incident is None or incident.ended is not None
        if over:
            incident, seen, first = None, [], event.id
        incident = following(incident, event)
        begins = event.type in RAISING or event.type is EventType.FLAPPING
        if over and not begins:
            assert incident is None
            assert not opens(event)
            continue
        seen.append(event.type)
        assert incident is not None
        assert (incident.id, incident.opened, incident.message) == (
            first,
            1000.0 + first,
            f"it is {seen[0]}",
        )
        # One that begins by flapping is warned until something says otherwise.
        levels = [RAISING[one] for one in seen if one in RAISING]
        levels = [Level.WARNED, *levels] if seen[0] is EventType.FLAPPING else levels
        assert incident.level is levels[-1]
        assert incident.worst is max(levels, key=ORDER.index)
        ended = seen[-1] in (EventType.RECOVERED, EventType.REMOVED)
        assert (incident.state is IncidentState.ENDED) is ended
        raised = [one for one in seen if one in RAISING or one is EventType.FLAPPING]
        assert incident.flapping is (raised[-1] is EventType.FLAPPING and not ended)
        taken = [one for one in seen if "acknowledged" in one.value]
        assert incident.acknowledged is (taken[-1:] == [EventType.ACKNOWLEDGED])
        assert incident.acknowledged_by == ("ada" if incident.acknowledged else "")


@given(TYPES, st.integers(1, 100))
def test_what_is_said_late_of_an_earlier_one_changes_nothing(
    type_: EventType, earlier: int
) -> None:
    (opening,) = events([EventType.ALARMED])
    now = following(None, replace(opening, id=101))
    late = Event(2000.0, type_, "late", "a", "load", id=102, incident=earlier)
    assert following(now, late) is now


def test_an_event_is_about_a_level_unless_it_says_otherwise() -> None:
    event = Event(1.0, EventType.NOTE, "n", "a", "load")
    assert key_of(event) == (Condition.LEVEL, "a", "load")
    assert key_of(replace(event, sensor=None)) is None
    assert key_of(replace(event, sensor=None, condition=Condition.GONE)) == ("gone", "a", None)


@pytest.mark.parametrize("level", [None, *Level])
@pytest.mark.parametrize("before", [None, EventType.WARNED, EventType.ALARMED])
def test_what_flaps_is_as_bad_as_its_series_or_as_what_was_told(
    before: EventType | None, level: Level | None
) -> None:
    flapping = replace(events([EventType.FLAPPING])[0], id=2, level=level)
    opening = None if before is None else replace(flapping, type=before, id=1, level=None)
    incident = following(None if opening is None else following(None, opening), flapping)
    assert incident is not None
    levels = (Level.WARNED, level or Level.NORMAL, RAISING[before] if before else Level.NORMAL)
    worst = max(levels, key=ORDER.index)
    assert (incident.level, incident.worst, incident.flapping) == (worst, worst, True)
