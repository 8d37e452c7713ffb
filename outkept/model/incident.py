"""Incidents: something that is wrong, from the event that says so to the one that says it is over.

Pure: what an event makes of an incident is decided here, for the store and for what is kept in
memory alike.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from outkept.model.event import Condition, Event, EventType
from outkept.model.level import Level
from outkept.model.reading import Value

IncidentKey = tuple[Condition, str | None, str | None]
"""What is wrong, with which server, and which sensor's label; at most one is open of each."""


class IncidentState(StrEnum):
    """Whether it is over."""

    OPEN = "open"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Incident:
    """`id` is that of the event that opened it; `value` and `message` are that event's. `server`
    is None where it isn't about one; `sensor` a label (see `sensor_label`). `level` is the one it
    has now, or had last, `worst` the worst it had. Times are UNIX seconds.

    `flapping`: its level changes too often to be told each time. `acknowledged_at` None: nobody
    has taken it on; an acknowledgement holds until it has ended.
    """

    id: int
    condition: Condition
    server: str | None
    sensor: str | None
    level: Level
    worst: Level
    opened: float
    value: Value | None
    message: str
    ended: float | None = None
    flapping: bool = False
    acknowledged_at: float | None = None
    acknowledged_by: str = ""

    @property
    def key(self) -> IncidentKey:
        """What it is about."""
        return self.condition, self.server, self.sensor

    @property
    def state(self) -> IncidentState:
        """Whether it is over."""
        return IncidentState.OPEN if self.ended is None else IncidentState.ENDED

    @property
    def acknowledged(self) -> bool:
        """Whether somebody has taken it on."""
        return self.acknowledged_at is not None


_RAISES = {
    EventType.WARNED: Level.WARNED,
    EventType.ALARMED: Level.ALARMED,
    EventType.FAILING: Level.WARNED,
    EventType.GONE: Level.ALARMED,
    EventType.BLIND: Level.ALARMED,
    EventType.FLAPPING: None,
}
"""Events that open an incident, or change the level of the open one; None: only to a worse one,
that of the event."""


def key_of(event: Event) -> IncidentKey | None:
    """The incident that an event is about, None if it is about none. Events that say nothing of
    a condition are about their series' level."""
    condition = event.condition
    if condition is None:
        if event.server is None or event.sensor is None:
            return None
        condition = Condition.LEVEL
    return condition, event.server, event.sensor


def opens(event: Event) -> bool:
    """Whether the event opens an incident where none is open."""
    return event.type in _RAISES and key_of(event) is not None


def following(incident: Incident | None, event: Event) -> Incident | None:
    """The incident after an event about its key; `incident` is the one that was open before.
    None: there is none, and the event opens none. What is said of an earlier incident of the same
    key, late, changes nothing of this one."""
    if incident is None:
        return _opened(event) if opens(event) else None
    if event.incident not in (None, incident.id):
        return incident
    if event.type in _RAISES:
        level = _RAISES[event.type] or _worse(incident.level, event.level)
        worst = _worse(incident.worst, level)
        flapping = event.type is EventType.FLAPPING
        return replace(incident, level=level, worst=worst, flapping=flapping)
    if event.type in (EventType.RECOVERED, EventType.REMOVED):
        return replace(incident, ended=event.at, flapping=False)
    if event.type is EventType.ACKNOWLEDGED:
        return replace(incident, acknowledged_at=event.at, acknowledged_by=event.by or "")
    if event.type is EventType.UNACKNOWLEDGED:
        return replace(incident, acknowledged_at=None, acknowledged_by="")
    return incident


def _worse(level: Level, other: Level | None) -> Level:
    return other if other is not None and other.severity > level.severity else level


def _opened(event: Event) -> Incident:
    key = key_of(event)
    assert key is not None
    condition, server, sensor = key
    level = _RAISES[event.type] or _worse(Level.WARNED, event.level)
    return Incident(
        event.id,
        condition,
        server,
        sensor,
        level,
        level,
        event.at,
        event.value,
        event.message,
        flapping=event.type is EventType.FLAPPING,
    )
