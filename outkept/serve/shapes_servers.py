"""The shapes of servers, their series and channels, and of the counters over all of them."""

from pydantic import Field

from outkept.model.level import SensorStatus, ServerStatus
from outkept.serve.shapes import Shape, Silenced, Value


class Channels(Shape):
    """The server's channel pool. `queued_up` says which sensors take the channel time and what
    would cure it; empty while the pool keeps pace."""

    limit: int
    busy: int
    queued: int
    oldest_wait_s: float
    queued_up: str = ""


class ChannelUse(Shape):
    """What a sensor asks of the channels: a run every `every` seconds that takes `took_s` and
    waited `waited_s`, averaged over the last runs. `load` is channel-seconds a second: 1 keeps
    one channel busy. `missed` ticks were lost because its last run still waited."""

    sensor: str
    every: float
    took_s: float
    waited_s: float
    missed: int
    load: float


class Cure(Shape):
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
    alone: list[str] = Field([])
    why_alone: dict[str, str] = Field({})
    shells: int = 0
    no_shell: str = ""
    login_shell: str = ""
    round_trip_s: float | None = None
    need: float = 0.0
    use: list[ChannelUse] = Field([])
    cure: Cure | None = None


class SensorValue(Shape):
    """One series of a sensor. `at` is when `value` was read; `reason` why it is failed. Of one
    server alone, `silenced` says what silences it."""

    name: str
    instance: str | None
    value: Value
    unit: str
    status: SensorStatus
    at: float | None
    reason: str | None
    silenced: Silenced | None = None


class Server(Shape):
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
    silenced: Silenced | None


class Servers(Shape):
    items: list[Server]
    next: str | None


class History(Shape):
    """`[unix seconds, min, mean, max]`, oldest first."""

    points: list[tuple[float, float, float, float]]


class Stats(Shape):
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
