"""The shapes of the API, for its OpenAPI description. Answers are built from the source's
dicts as they are; tests hold the two together."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from outkept.model.action import ReactionMode
from outkept.model.event import Condition, EventType
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


class ChannelUse(_Shape):
    """What a sensor asks of the channels: a run every `every` seconds that takes `took_s` and
    waited `waited_s`, averaged over the last runs. `load` is channel-seconds a second: 1 keeps
    one channel busy. `missed` ticks were lost because its last run still waited."""

    sensor: str
    every: float
    took_s: float
    waited_s: float
    missed: int
    load: float


class Cure(_Shape):
    """`cause` says why it is queued up. Either of these ends it: an interval of `interval_s`
    seconds, or `channels` channels, which `setting` says how to get; empty where the server
    gives no more."""

    cause: str
    interval_s: int
    channels: int
    setting: str


class ChannelDetail(Channels):
    """The pool with all that is known of it. `missed` ticks and `refused` opens since the
    connection began. `alone` run by themselves, `why_alone` says why. `shells` channels hold a
    shell; `no_shell` says why there is none. `need` is the sum of the `load` of `use`, the
    greatest first. `round_trip_s` is the network's, as the kernel measured it."""

    missed: int
    refused: int
    alone: list[str] = []
    why_alone: dict[str, str] = {}
    shells: int = 0
    no_shell: str = ""
    login_shell: str = ""
    round_trip_s: float | None = None
    need: float = 0.0
    use: list[ChannelUse] = []
    cure: Cure | None = None


class SensorValue(_Shape):
    """One series of a sensor. `at` is when `value` was read; `reason` why it is failed. Of one
    server alone, `silenced` says what silences it."""

    name: str
    instance: str | None
    value: Value
    unit: str
    status: SensorStatus
    at: float | None
    reason: str | None
    silenced: "Silenced | None" = None


class Server(_Shape):
    """One machine. `muted` are its series that are silenced now, as `name` or `name[instance]`; `*`
    alone: all of it is. `quiet`: so is all that is wrong with it, or all of it."""

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
    muted: list[str]
    quiet: bool


class ServerDetail(Server):
    """One machine with all that is known of it. `silenced`: all of it is."""

    channels: ChannelDetail
    silenced: "Silenced | None"


class Event(_Shape):
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


class Action(_Shape):
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
    """Counters; `warned`, `alarmed`, `fired` and `feeds` are of the last 24 hours.
    `reactions_stopped`: the kill switch is pulled. `notices_waiting` are to be sent,
    `targets_failing` is how many targets could not be reached the last time."""

    servers: int
    sensors: int
    warned: int
    alarmed: int
    fired: int
    feeds: int
    events_per_s: float
    reactions_stopped: bool
    notices_waiting: int
    targets_failing: int


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


class SensorSummary(_Shape):
    """A sensor of the library: how many servers have it, and how many of its series are of each
    status. `parse` is `text` where its values are no numbers. `steps` is 0 where it has no
    reaction, 2 where that has a fallback."""

    name: str
    unit: str
    description: str
    parse: str
    servers: int
    series: int
    statuses: dict[SensorStatus, int]
    steps: int


class Sensors(_Shape):
    items: list[SensorSummary]
    next: str | None


class Reason(_Shape):
    """Why servers don't have a sensor, and how many."""

    reason: str
    servers: int


class Coverage(_Shape):
    """How many servers have a sensor. Of `unknown` ones it is not known yet; `changed` have
    another definition, by an override. `reasons` are why the `unsupported` ones don't have it."""

    servers: int
    supported: int
    unsupported: int
    unknown: int
    changed: int
    reasons: list[Reason]


class SensorDefinition(_Shape):
    """A sensor as its library has it. Durations are in seconds."""

    name: str
    description: str
    unit: str
    parse: str
    cmd: str
    verifier: str
    warning: float | None
    alarm: float | None
    inverted: bool
    zero: bool
    every: float
    timeout: float | None
    reactive: str | None
    fallback: str | None
    mended_within: float | None = None
    reaction_mode: ReactionMode | None = None
    cooldown: float | None
    source: str
    coverage: Coverage


class SensorServer(_Shape):
    """Whether a server has a sensor, None while that is not known, and why not."""

    id: str
    hostname: str
    status: ServerStatus
    supported: bool | None
    reason: str


class SensorServers(_Shape):
    items: list[SensorServer]
    next: str | None


class HeatRow(_Shape):
    """One series: the mean of each column, None where nothing was read."""

    server: str
    hostname: str
    instance: str | None
    cells: list[float | None]


class HeatMap(_Shape):
    """A sensor over time, in `columns` columns of equal width. `rows` are some of the `total`
    series; `spread` is over all of them: of each column the least value, that which a tenth,
    a half and nine tenths of them don't exceed, and the greatest; None where nothing was read."""

    from_: float = Field(alias="from")
    to: float
    columns: int
    total: int
    spread: list[tuple[float, float, float, float, float] | None]
    rows: list[HeatRow]


class Range(_Shape):
    """A configured range, with its sweep that runs and the last that ended since the daemon
    started. `every` is in seconds; `next` is None while it is swept, or waits to be."""

    range: str
    addresses: int
    ports: list[int]
    user: str | None
    every: float
    labels: dict[str, str]
    running: Sweep | None
    last: Sweep | None
    next: float | None


class Ranges(_Shape):
    items: list[Range]
    next: str | None


class Outcome(_Shape):
    """How many addresses ended in this outcome for this reason; `at` is when the last did."""

    outcome: str
    reason: str
    addresses: int
    at: float


class Outcomes(_Shape):
    items: list[Outcome]
    next: str | None


class Acknowledgement(_Shape):
    """Who has taken an incident on, and when."""

    at: float
    by: str


class Silenced(_Shape):
    """The silence that holds over something now; of several the one that ends last. `ends` is
    null where it holds until somebody ends it."""

    id: int
    ends: float | None
    reason: str


class Incident(_Shape):
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


class Incidents(_Shape):
    items: list[Incident]
    next: str | None


class Step(_Shape):
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


class Readings(_Shape):
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
