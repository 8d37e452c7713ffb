"""Events: what people are told happened, in order."""

from dataclasses import dataclass
from enum import StrEnum

from outkept.model.level import Level
from outkept.model.reading import Value


class EventType(StrEnum):
    """The contract's event types."""

    FOUND = "found"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    REMOVED = "removed"
    SENSOR = "sensor"
    WARNED = "warned"
    ALARMED = "alarmed"
    FIRED = "fired"
    RECOVERED = "recovered"
    QUEUED_UP = "queued_up"
    QUEUE_CLEARED = "queue_cleared"
    HOST_KEY_CHANGED = "host_key_changed"
    FEED = "feed"
    MESSAGE = "message"
    # Beyond the contract's:
    FLAPPING = "flapping"
    FAILING = "failing"
    GONE = "gone"
    BLIND = "blind"
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    NOTE = "note"
    MENDED = "mended"
    NOT_MENDED = "not_mended"
    SILENCED = "silenced"
    CONTROL = "control"


class Condition(StrEnum):
    """What an incident, and an event of it, is about."""

    LEVEL = "level"
    """A series is over a threshold."""
    FAILED = "failed"
    """A sensor's command fails, or what it prints can't be read."""
    STALE = "stale"
    """A sensor of a connected server gives no readings at all."""
    GONE = "gone"
    """A server can't be reached."""
    BLIND = "blind"
    """So many servers are gone at once that it may be us."""


@dataclass(frozen=True, slots=True)
class Event:
    """`id` is 0 until the store has given it one. `sensor` is `name` or `name[instance]`.

    `condition` is None where the event is about a series' level, or about no incident; `incident`
    is given by the store: the id of the incident that it is part of. `by` says who did it, where
    that was a person. `level` is what a series is as it begins to flap, else None, for the type
    says it; on disk it is the incident's.
    """

    at: float
    type: EventType
    message: str
    server: str | None = None
    sensor: str | None = None
    value: Value | None = None
    id: int = 0
    condition: Condition | None = None
    incident: int | None = None
    by: str | None = None
    level: Level | None = None


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which events are wanted: all that is given must be so. `types` are any of these;
    `sensor` a sensor's name, for all its instances, or `name[instance]` for one; `from_ <= at <
    to` in UNIX seconds; `text` is found anywhere in the message, whatever the case of its ASCII
    letters."""

    server: str | None = None
    sensor: str | None = None
    types: tuple[str, ...] = ()
    from_: float | None = None
    to: float | None = None
    text: str | None = None


def sensor_label(name: str, instance: str | None) -> str:
    """How events name a series: `name`, or `name[instance]`."""
    return name if instance is None else f"{name}[{instance}]"


def split_label(label: str) -> tuple[str, str | None]:
    """The name and instance in what `sensor_label` made; names have no bracket in them."""
    name, bracket, instance = label.partition("[")
    return name, instance.removesuffix("]") if bracket else None
