"""The shapes of incidents."""

from typing import Literal

from pydantic import Field

from outkept.model.event import Condition
from outkept.serve.shapes import Shape, Silenced, Value
from outkept.serve.shapes_events import Action, Event


class Acknowledgement(Shape):
    """Who has taken an incident on, and when."""

    at: float
    by: str


class Incident(Shape):
    """Something that is, or was, wrong. `id` is that of the event that opened it, and `value`
    and `message` are of that event. `condition` says what it is about: the `level` of a series,
    a sensor that has `failed` or is `stale`, a server that is `gone`, or that we may be `blind`;
    `server` and `sensor` are null where it isn't about one. `level` is the last one it had,
    `worst` the worst. `reactions` ran or would have, the last with `outcome`."""

    id: int
    condition: Condition
    server: str | None
    hostname: str
    sensor: str | None
    instance: str | None
    state: Literal["open", "ended"]
    level: Literal["warned", "alarmed"]
    worst: Literal["warned", "alarmed"]
    flapping: bool
    started: float
    ended: float | None
    value: Value
    message: str
    acknowledged: Acknowledgement | None
    silenced: Silenced | None
    reactions: int
    outcome: str | None


class Incidents(Shape):
    items: list[Incident]
    next: str | None


class Step(Shape):
    """Something in an incident's timeline. A `level` has `level`, a `reaction` `command`, an
    `outcome` the exit `status` and the `output`."""

    at: float
    kind: Literal[
        "reading",
        "level",
        "acknowledged",
        "unacknowledged",
        "note",
        "reaction",
        "outcome",
        "recovery",
    ]
    text: str


class Readings(Shape):
    """History around an incident."""

    from_: float = Field(alias="from")
    to: float
    points: list[tuple[float, float, float, float]]


class IncidentDetail(Incident):
    """An incident with all that belongs to it. `now` is the series' newest value."""

    events: list[Event]
    actions: list[Action]
    steps: list[Step]
    readings: Readings
    unit: str
    warning: float | None
    alarm: float | None
    inverted: bool
    now: Value
