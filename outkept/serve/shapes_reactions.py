"""The shapes of what the API says of reactions."""

from typing import Annotated

from pydantic import Field, StringConstraints

from outkept.model.action import ReactionMode
from outkept.serve.shapes import Asked, Shape


class Stopped(Shape):
    """Who has stopped all reactions, when (UNIX seconds) and why."""

    at: float
    by: str
    reason: str


class Latch(Shape):
    """A sensor's reactions rest on a server until a person releases them."""

    server: str
    hostname: str
    sensor: str
    at: float
    reason: str


class Running(Shape):
    """A command that runs, or is about to. `by` is who had it run, empty where nobody did."""

    server: str
    hostname: str
    sensor: str
    instance: str | None
    step: int
    since: float
    by: str


class Held(Shape):
    """A reaction that waits for what holds it to pass; `guard` says what that is."""

    server: str
    hostname: str
    sensor: str
    instance: str | None
    guard: str


class Most(Shape):
    """A bound, and how much of it is used."""

    most: int
    now: int


class Part(Most):
    """A bound that is a part of so many servers."""

    of: int


class LabelPart(Part):
    """The same for the servers with one value of a label."""

    label: str
    value: str


class LatchBound(Shape):
    """So many runs within so many seconds latch."""

    runs: int
    within: float


class Share(Shape):
    """On how many servers anything may be started within so many seconds."""

    within: float
    fleet: Part
    labels: list[LabelPart]


class Rule(Shape):
    """The mode of some sensors on the servers that match, as the configuration has it."""

    mode: ReactionMode
    sensors: list[str]
    match: dict[str, object]


class Reactions(Shape):
    """How reactions stand. `mode` is the fleet's, besides which there are so many `rules`, of
    which `first_rules` are the first; the first that matches says the mode. `held`
    are the first of those that are `waiting`."""

    mode: ReactionMode
    rules: int
    first_rules: list[Rule]
    stopped: Stopped | None
    latches: list[Latch]
    running: list[Running]
    waiting: int
    held: list[Held]
    at_once: Most
    latch: LatchBound
    share: Share


class StopRequest(Asked):
    """Why all reactions are to stop."""

    reason: Annotated[
        str, StringConstraints(strip_whitespace=True), Field(min_length=1, max_length=500)
    ]
