"""Incidents: what the events and reactions of one series say, from leaving normal to its end.
Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

from outkept.app.views import action_view, event_view
from outkept.model.action import Action, ActionOutcome
from outkept.model.event import Event, EventType, split_label

Json = dict[str, Any]

_LEVELS = {EventType.WARNED: "warned", EventType.ALARMED: "alarmed"}
_ENDS = (EventType.RECOVERED, EventType.REMOVED)
_ORDER = ("reading", "level", "note", "reaction", "outcome", "recovery")
"""What comes first of what happened in the same instant."""


def incident_view(events: Sequence[Event], actions: Sequence[Action], hostname: str) -> Json:
    """An incident in the API's shape. `events` are its own, the opening one first; there is at
    least that one."""
    first, last = events[0], events[-1]
    raised = [event for event in events if event.type in _LEVELS]
    ended = last.type in _ENDS
    name, instance = split_label(first.sensor or "")
    alarmed = any(event.type is EventType.ALARMED for event in raised)
    return {
        "id": first.id,
        "server": first.server,
        "hostname": hostname,
        "sensor": name,
        "instance": instance,
        "state": "ended" if ended else "open",
        "level": _LEVELS[raised[-1].type],
        "worst": "alarmed" if alarmed else "warned",
        "started": first.at,
        "ended": last.at if ended else None,
        "value": first.value,
        "message": first.message,
        "reactions": len(actions),
        "outcome": actions[-1].outcome.value if actions else None,
    }


def incident_detail(events: Sequence[Event], actions: Sequence[Action], hostname: str) -> Json:
    """An incident with its events, its actions and the steps of its timeline."""
    return incident_view(events, actions, hostname) | {
        "events": [event_view(event) for event in events],
        "actions": [action_view(action) for action in actions],
        "steps": timeline(events, actions),
    }


def timeline(events: Sequence[Event], actions: Sequence[Action]) -> list[Json]:
    """What happened, the oldest first: `{"at", "kind", "text", …}`. Kinds are `reading` (the
    value that opened it), `level`, `note`, `reaction`, `outcome` and `recovery`."""
    steps = [*_of_events(events, actions), *_of_actions(actions)]
    return sorted(steps, key=lambda step: (step["at"], _ORDER.index(step["kind"])))


def _of_events(events: Sequence[Event], actions: Sequence[Action]) -> Iterator[Json]:
    first = events[0]
    yield _step(first.at, "reading", f"{first.sensor} was read", value=first.value)
    for event in events:
        if event.type in _LEVELS:
            level = _LEVELS[event.type]
            yield _step(event.at, "level", event.message, level=level, value=event.value)
        elif event.type in _ENDS:
            yield _step(event.at, "recovery", event.message, value=event.value)
        elif not _told_by(event, actions):
            yield _step(event.at, "note", event.message)


def _told_by(event: Event, actions: Sequence[Action]) -> bool:
    """Whether the event only says what an action does."""
    return any(f"`{action.command}`" in event.message for action in actions)


def _of_actions(actions: Sequence[Action]) -> Iterator[Json]:
    for action in actions:
        yield _step(action.at, "reaction", action.reason, command=action.command, action=action.id)
        if action.outcome is ActionOutcome.INTENDED:
            continue
        yield _step(
            action.at if action.finished_at is None else action.finished_at,
            "outcome",
            action.outcome.value,
            status=action.status,
            output=action.output,
            action=action.id,
        )


def _step(at: float, kind: str, text: str, **more: Any) -> Json:
    return {"at": at, "kind": kind, "text": text} | more
