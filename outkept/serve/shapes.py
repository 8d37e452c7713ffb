"""The shapes of the API, for its OpenAPI description. Answers are built from the source's
dicts as they are; tests hold the two together."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from outkept.model.event import EventType
from outkept.model.level import SensorStatus, ServerStatus
from outkept.serve.auth import Kind, Role, Scope

Value = float | str | None


class _Shape(BaseModel):
    model_config = ConfigDict(extra="allow")


class Channels(_Shape):
    """The server's channel pool. `queued_up` says which sensors take the channel time and what
    would cure it; empty while the pool keeps pace."""

    limit: int
    busy: int
    queued: int
    oldest_wait_s: float
    queued_up: str = ""


class SensorValue(_Shape):
    """One series of a sensor. `at` is when `value` was read; `reason` why it is failed."""

    name: str
    instance: str | None
    value: Value
    unit: str
    status: SensorStatus
    at: float | None
    reason: str | None


class Server(_Shape):
    """One machine."""

    id: str
    hostname: str
    addresses: list[str]
    port: int | None
    status: ServerStatus
    connected: bool
    queued_up: bool
    channels: Channels
    sensors: list[SensorValue]
    facts: dict[str, object]
    labels: dict[str, str]
    first_seen: float
    last_seen: float


class Event(_Shape):
    """Something that happened. `sensor` is `name` or `name[instance]`."""

    id: int
    at: float
    type: EventType
    server: str | None
    sensor: str | None
    value: Value
    message: str


class Action(_Shape):
    """A reaction that ran, or would have."""

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


class Sweep(_Shape):
    """One sweep of one range. `left_s` is None while unknown; so is `finished` while it runs."""

    id: str
    range: str
    started: float
    total: int
    done: int
    found: int
    rate: float
    left_s: float | None
    finished: float | None
    outcomes: dict[str, int]


class Address(_Shape):
    """How one swept address ended the last time."""

    address: str
    port: int
    outcome: str
    reason: str
    at: float
    server: str | None


class Stats(_Shape):
    """Counters; `warned`, `alarmed`, `fired` and `feeds` are of the last 24 hours."""

    servers: int
    sensors: int
    warned: int
    alarmed: int
    fired: int
    feeds: int
    events_per_s: float


class History(_Shape):
    """`[unix seconds, min, mean, max]`, oldest first."""

    points: list[tuple[float, float, float, float]]


class Servers(_Shape):
    items: list[Server]
    next: str | None


class Events(_Shape):
    items: list[Event]
    next: str | None


class Actions(_Shape):
    items: list[Action]
    next: str | None


class Sweeps(_Shape):
    items: list[Sweep]
    next: str | None


class Addresses(_Shape):
    items: list[Address]
    next: str | None


class SweepRequest(BaseModel):
    """`range` as it stands in the configuration; left out: every configured range."""

    model_config = ConfigDict(extra="forbid")
    range: str | None = None


class ProblemDetail(_Shape):
    """RFC 9457."""

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str


class Me(_Shape):
    """Who is asking. `role` is the highest that the scopes amount to, if any; `expires` is when
    the session or the token ends by itself, if it does."""

    kind: Kind
    name: str
    role: Role | None
    scopes: list[Scope]
    expires: float | None


class SignedIn(_Shape):
    """Whether who asks is somebody."""

    signed_in: bool


class User(_Shape):
    """Somebody who may sign in with a password."""

    name: str
    role: Role
    changed: float


class Users(_Shape):
    """The users."""

    items: list[User]
    next: None


class Token(_Shape):
    """A token with a name; the token itself can't be shown again."""

    name: str
    scopes: list[Scope]
    created: float
    expires: float | None


class Tokens(_Shape):
    """The tokens with a name."""

    items: list[Token]
    next: None


class Session(_Shape):
    """A page that is signed in. `user` is empty for one that came by a link."""

    id: str
    user: str
    role: Role
    created: float
    expires: float


class Sessions(_Shape):
    """The pages that are signed in."""

    items: list[Session]
    next: None
