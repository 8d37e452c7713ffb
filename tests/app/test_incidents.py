"""What events and reactions of one series make of an incident."""

from dataclasses import replace
from typing import Any

import pytest

from outkept.app.heat import chosen, spread
from outkept.app.incidents import incident_detail, incident_view, timeline
from outkept.model.action import Action, ActionOutcome
from outkept.model.event import Condition, Event, EventType
from outkept.model.incident import following
from outkept.store.history import HeatRow
from outkept.store.incidents import Found

T = 1_700_000_000.0


def event(id: int, type_: EventType, after: float, message: str = "", **more: object) -> Event:
    known = {"server": "a", "sensor": "disk[/var]", "value": 91.0} | more
    return Event(T + after, type_, message or f"web1: {type_}", id=id, **known)  # type: ignore[arg-type]


WARNED = event(1, EventType.WARNED, 0, "web1: disk[/var] is 86 % >= 85 (warned)", value=86.0)
ALARMED = event(2, EventType.ALARMED, 60)
FIRED = event(3, EventType.FIRED, 63, "web1: disk[/var]: ran `clean`: exit status 0")
RECOVERED = event(4, EventType.RECOVERED, 120, value=60.0)
ACTION = Action(
    "a", "disk", "clean", T + 60.5, ActionOutcome.DONE, "alarm", "/var", T + 63, 0, "freed 2G", 7
)


def found(*events: Event, actions: tuple[Action, ...] = ()) -> Found:
    incident = None
    for one in events:
        incident = following(incident, one)
    assert incident is not None
    return Found(incident, events, actions)


def view(*events: Event) -> dict[str, Any]:
    return incident_view(found(*events).incident, [], "web1")


def test_it_is_open_until_it_has_recovered() -> None:
    shown = view(WARNED, ALARMED)
    assert (shown["id"], shown["state"], shown["ended"]) == (1, "open", None)
    assert (shown["level"], shown["worst"]) == ("alarmed", "alarmed")
    assert (shown["sensor"], shown["instance"], shown["value"]) == ("disk", "/var", 86.0)
    shown = view(WARNED, RECOVERED)
    assert (shown["state"], shown["started"], shown["ended"]) == ("ended", T, T + 120)


def test_what_has_fallen_back_to_warned_was_alarmed_all_the_same() -> None:
    shown = view(ALARMED, replace(WARNED, id=9, at=T + 90))
    assert (shown["level"], shown["worst"]) == ("warned", "alarmed")


def test_who_has_taken_it_on_is_said() -> None:
    taken = event(3, EventType.ACKNOWLEDGED, 90, "ada has taken it on", by="ada")
    shown = incident_detail(found(ALARMED, taken), "web1")
    assert shown["acknowledged"] == {"at": T + 90, "by": "ada"}
    assert [step["kind"] for step in shown["steps"]] == ["reading", "level", "acknowledged"]
    withdrawn = event(4, EventType.UNACKNOWLEDGED, 99, "ada can't", by="ada")
    assert view(ALARMED, taken, withdrawn)["acknowledged"] is None


def test_what_is_about_no_series_has_neither_reading_nor_sensor() -> None:
    gone = event(1, EventType.GONE, 0, sensor=None, value=None, condition=Condition.GONE)
    shown = incident_detail(found(gone), "web1")
    assert (shown["condition"], shown["sensor"], shown["level"]) == ("gone", None, "alarmed")
    assert [step["kind"] for step in shown["steps"]] == ["level"]


def test_reading_level_reaction_outcome_and_recovery_come_in_order() -> None:
    steps = timeline([WARNED, ALARMED, FIRED, RECOVERED], [ACTION])
    kinds = [step["kind"] for step in steps]
    assert kinds == ["reading", "level", "level", "reaction", "outcome", "recovery"]
    assert [step["at"] for step in steps] == [T, T, T + 60, T + 60.5, T + 63, T + 120]
    assert steps[3]["command"] == "clean"
    assert (steps[4]["text"], steps[4]["status"], steps[4]["output"]) == ("done", 0, "freed 2G")


def test_a_reaction_under_way_has_no_outcome_yet() -> None:
    running = replace(ACTION, outcome=ActionOutcome.INTENDED, finished_at=None, status=None)
    assert [step["kind"] for step in timeline([ALARMED], [running])][-1] == "reaction"


def test_why_no_reaction_ran_is_a_note() -> None:
    told = event(3, EventType.MESSAGE, 61, "web1: disk[/var]: no reaction: reactions are off")
    assert [step["kind"] for step in timeline([ALARMED, told], [])] == ["reading", "level", "note"]


@pytest.mark.parametrize(
    ("command", "step", "named"),
    [
        ("service web restart\n", 1, "`service web restart`"),
        ('root() { sudo -n "$@"; }\nroot reboot\n', 1, "its reaction"),
        ('root() { sudo -n "$@"; }\nroot reboot\n', 2, "its fallback"),
    ],
)
def test_an_event_names_a_command_in_one_line_and_is_no_step_beside_it(
    command: str, step: int, named: str
) -> None:
    action = replace(ACTION, command=command, step=step)
    assert action.named == named
    for said in (
        f"ran {named}: exit status 0",
        f"ada ran {named}: exit status 0",
        f"would have run {named} (dry run)",
        f"whether {named} ran is unknown: the daemon was cut off",
    ):
        told = event(3, EventType.MESSAGE, 61, f"web1: disk[/var]: {said}")
        kinds = [one["kind"] for one in timeline([ALARMED, told], [action])]
        assert kinds == ["reading", "level", "reaction", "outcome"]
    told = event(3, EventType.MESSAGE, 70, "web1: disk[/var]: not mended; its fallback is next")
    assert timeline([ALARMED, told], [action])[-1]["kind"] == "note"


def test_a_detail_holds_all_that_it_is_made_of() -> None:
    detail = incident_detail(found(ALARMED, RECOVERED, actions=(ACTION,)), "web1")
    assert [one["id"] for one in detail["events"]] == [2, 4]
    assert [one["output"] for one in detail["actions"]] == ["freed 2G"]
    assert detail["outcome"] == "done"


ROWS = [
    HeatRow("a", None, (1.0, None, 3.0)),
    HeatRow("b", None, (9.0, 2.0, None)),
    HeatRow("c", None, (0.5, 0.6, None)),
]


def test_the_rows_that_stick_out_come_first() -> None:
    assert [row.server for row in chosen(ROWS, 2, "highest")] == ["b", "a"]
    assert [row.server for row in chosen(ROWS, 2, "lowest")] == ["c", "a"]
    assert [row.server for row in chosen(ROWS, 2, "name")] == ["a", "b"]


def test_the_spread_of_a_column_is_over_all_rows() -> None:
    first, second, third = spread(ROWS, 3)
    assert first == [0.5, 0.5, 1.0, 9.0, 9.0]
    assert second is not None
    assert third == [3.0] * 5
    assert spread([], 1) == [None]
