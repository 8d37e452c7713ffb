"""Incidents as the API shows them: with the steps that their events and reactions were. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

from outkept.app.views import action_view, event_view
from outkept.model.action import Action, ActionOutcome
from outkept.model.event import Event, EventType, split_label
from outkept.model.incident import Incident
from outkept.store.incidents import Found

Json = dict[str, Any]

_LEVELS = {EventType.WARNED: "warned", EventType.ALARMED: "alarmed"}
_SAID = (EventType.FAILING, EventType.GONE, EventType.BLIND, EventType.FLAPPING)
"""Of what has no reading to show."""
_ENDS = (EventType.RECOVERED, EventType.REMOVED)
_ORDER = (
    "reading",
    "level",
    "acknowledged",
    "unacknowledged",
    "note",
    "reaction",
    "outcome",
    "recovery",
)
"""What comes first of what happened in the same instant."""


def incident_view(incident: Incident, actions: Sequence[Action], hostname: str) -> Json:
    """An incident in the API's shape."""
    name, instance = split_label(incident.sensor or "")
    return {
        "id": incident.id,
        "condition": incident.condition.value,
        "server": incident.server,
        "hostname": hostname,
        "sensor": name or None,
        "instance": instance,
        "state": incident.state.value,
        "level": incident.level.value,
        "worst": incident.worst.value,
        "flapping": incident.flapping,
        "started": incident.opened,
        "ended": incident.ended,
        "value": incident.value,
        "message": incident.message,
        "acknowledged": {"at": incident.acknowledged_at, "by": incident.acknowledged_by}
        if incident.acknowledged
        else None,
        "reactions": len(actions),
        "outcome": actions[-1].outcome.value if actions else None,
    }


def incident_detail(found: Found, hostname: str) -> Json:
    """An incident with its events, its actions and the steps of its timeline."""
    return incident_view(found.incident, found.actions, hostname) | {
        "events": [event_view(event) for event in found.events],
        "actions": [action_view(action) for action in found.actions],
        "steps": timeline(found.events, found.actions),
    }


def timeline(events: Sequence[Event], actions: Sequence[Action]) -> list[Json]:
    """What happened, the oldest first: `{"at", "kind", "text", …}`. Kinds are `reading` (the
    value that opened it), `level`, `acknowledged`, `unacknowledged`, `note`, `reaction`, `outcome`
    and `recovery`."""
    steps = [*_of_events(events, actions), *_of_actions(actions)]
    return sorted(steps, key=lambda step: (step["at"], _ORDER.index(step["kind"])))


def _of_events(events: Sequence[Event], actions: Sequence[Action]) -> Iterator[Json]:
    for first in events[:1]:
        if first.type in _LEVELS:
            yield _step(first.at, "reading", f"{first.sensor} was read", value=first.value)
    for event in events:
        if event.type in _LEVELS:
            level = _LEVELS[event.type]
            yield _step(event.at, "level", event.message, level=level, value=event.value)
        elif event.type in _SAID:
            yield _step(event.at, "level", event.message, level=None, value=event.value)
        elif event.type in _ENDS:
            yield _step(event.at, "recovery", event.message, value=event.value)
        elif event.type in (EventType.ACKNOWLEDGED, EventType.UNACKNOWLEDGED):
            yield _step(event.at, event.type.value, event.message, by=event.by)
        elif not _told_by(event, actions):
            yield _step(event.at, "note", event.message, by=event.by)


def _told_by(event: Event, actions: Sequence[Action]) -> bool:
    """Whether the event only says what an action does."""
    return any(
        said in event.message
        for action in actions
        for said in (
            f"ran {action.named}: ",
            f"would have run {action.named} ",
            f"whether {action.named} ran ",
        )
    )


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
