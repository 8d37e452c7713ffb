"""The shapes of events, and of the actions that followed from them."""

from outkept.model.event import Condition, EventType
from outkept.serve.shapes import Shape, Value


class Event(Shape):
    """Something that happened. `sensor` is `name` or `name[instance]`. `condition` says what it
    is about where that isn't a level; `incident` is the one it is part of; `by` who did it."""

    id: int
    at: float
    type: EventType
    server: str | None
    sensor: str | None
    value: Value
    message: str
    condition: Condition | None
    incident: int | None
    by: str | None


class Events(Shape):
    items: list[Event]
    next: str | None


class Action(Shape):
    """A reaction that ran, or would have. `step` 1 is the sensor's reaction, 2 its fallback; `by`
    is who had it run, empty where nobody did."""

    id: int
    at: float
    server: str
    sensor: str
    instance: str | None
    command: str
    outcome: str
    reason: str
    status: int | None
    output: str
    finished_at: float | None
    incident: int | None
    step: int
    by: str


class Actions(Shape):
    items: list[Action]
    next: str | None
