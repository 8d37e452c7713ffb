"""The shapes of notices and targets."""

from typing import Literal

from outkept.model.notice import DeliveryState, Urgency
from outkept.serve.shapes import Shape


class Notice(Shape):
    """What one target is sent. `incidents` are the ids of those that it mentions. `attempts` were
    made; the next is not before `next_at`, null once it is finished. `error` says why the last
    failed. Times are UNIX seconds."""

    id: int
    at: float
    target: str
    state: DeliveryState
    urgency: Urgency
    title: str
    body: str
    incidents: list[int]
    attempts: int
    next_at: float | None
    finished_at: float | None
    error: str


class Notices(Shape):
    """A page of notices."""

    items: list[Notice]
    next: str | None


class Target(Shape):
    """How a target stands. `kind` is the scheme of its URL, or `alertmanager`. `queued` notices
    wait, the first since `oldest`. `error` says why the last try failed. Times are UNIX seconds."""

    name: str
    kind: str
    state: Literal["ok", "failing"]
    failing_since: float | None
    error: str
    queued: int
    oldest: float | None
    last_sent: float | None


class Targets(Shape):
    """All targets, by name."""

    items: list[Target]
    next: None


class Tested(Shape):
    """What came of a test. `error` says why it was not sent; empty if it was."""

    target: str
    sent: bool
    error: str
