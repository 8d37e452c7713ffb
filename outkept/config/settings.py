"""What the configuration says, as frozen values. docs/configuration.md explains every key."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from outkept.config.notify import NotifySettings
from outkept.config.problems import Mistake, quoted
from outkept.config.strict import Label, LabelName, Match, Strict
from outkept.config.values import (
    EndpointText,
    Flag,
    For,
    HoleText,
    Interval,
    Listen,
    ListenText,
    NetworkText,
    OriginText,
    PathText,
    Port,
    SpanText,
    Threshold,
    duration,
    integer,
    listed,
    one_of,
    optional,
    real,
    share,
    text,
)
from outkept.model.action import ReactionMode
from outkept.model.ranges import Range, parse_span, subtract

User = Annotated[
    str, text(64, pattern=r"[^\s:@/]+", rule="write a login name without spaces, ':', '@' or '/'")
]
Ports = Annotated[tuple[Port, ...], listed(64, empty="name a port, such as 22")]
SweepInterval = duration("1s", "1y")
MENDED_WITHIN = duration("1s", "1d")


class RangeSettings(Strict):
    """One entry of `ranges`. Ports and interval are None where the defaults apply."""

    range: SpanText
    exclude: Annotated[tuple[HoleText, ...], listed(1000)] = ()
    ports: Annotated[tuple[Port, ...] | None, listed(64, empty="name a port, or remove it")] = None
    user: User | None = None
    every: Annotated[float | None, SweepInterval] = None
    labels: dict[LabelName, Label] = Field(default_factory=dict, max_length=64)

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, data: Any) -> Any:
        if isinstance(data, str):
            return {"range": data}
        if isinstance(data, dict):
            return data
        raise Mistake(f"{quoted(data)} is not a range", "write it as 10.0.0.0/24")

    @field_validator("exclude")
    @classmethod
    def _something_is_left(cls, holes: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        span = info.data.get("range")
        if span is not None and not _left(span, holes):
            raise Mistake(f"nothing is left of {quoted(span)}", "exclude less, or remove the range")
        return holes

    def resolved(self, ports: tuple[int, ...], every: float) -> Range:
        """The range with defaults filled in."""
        return Range(
            text=self.range,
            spans=_left(self.range, self.exclude),
            ports=self.ports or ports,
            user=self.user,
            every=self.every or every,
            labels=tuple(sorted(self.labels.items())),
        )


def _left(span: str, holes: tuple[str, ...]) -> tuple[Any, ...]:
    return subtract([parse_span(span)], [parse_span(hole, whole=True) for hole in holes])


class SSHSettings(Strict):
    """How servers are logged in to. `channels` None: as many as the server is found to allow.
    `known_hosts` None: a file in the state directory."""

    user: User = "outkept"
    keys: Annotated[tuple[PathText, ...], listed(20)] = Field(
        default=("~/.ssh/id_ed25519",), validate_default=True
    )
    agent: Flag = Field(default=True, validate_default=True)
    ports: Ports = (22,)
    host_keys: Annotated[
        Literal["trust-on-first-use", "strict"], one_of("trust-on-first-use", "strict")
    ] = "trust-on-first-use"
    known_hosts: PathText | None = None
    channels: Annotated[
        int | None,
        optional(integer(1, 64, "auto or a number of channels")),
        BeforeValidator(lambda value: None if value == "auto" else value),
    ] = None
    connect_timeout: Annotated[float, duration("100ms", "5m")] = 5.0
    command_timeout: Annotated[float, duration("100ms", "1h")] = 20.0

    @field_validator("agent")
    @classmethod
    def _some_key_is_offered(cls, agent: bool, info: ValidationInfo) -> bool:
        if not agent and info.data.get("keys") == ():
            raise Mistake("there is neither a key nor an agent to log in with", "name a key")
        return agent


class SweepSettings(Strict):
    """How addresses are tried: `rate` new connections a second (0: unlimited), at most
    `in_flight` at once, each given `timeout` seconds; again after `every` seconds."""

    rate: Annotated[float, real(0, 1_000_000)] = 500.0
    in_flight: Annotated[int, integer(1, 65535)] = 2000
    timeout: Annotated[float, duration("100ms", "1m")] = 3.0
    every: Annotated[float, SweepInterval] = 1800.0


class SensorChange(Strict):
    """What an override changes of one sensor. Only keys that are given count; a threshold,
    an interval or a reaction given as null is taken away."""

    warning: Threshold = None
    alarm: Threshold = None
    clear: Threshold = None
    for_: For = Field(default=(1, 0.0), alias="for")
    every: Interval = None
    timeout: Annotated[float | None, optional(duration("100ms", "1h"))] = None
    cooldown: Annotated[float, duration("0s", "30d")] = 300.0
    inverted: Flag = False
    zero: Flag = False
    reactive: Annotated[
        str | None, optional(text(65536)), BeforeValidator(lambda value: value or None)
    ] = None
    fallback: Annotated[
        str | None, optional(text(65536)), BeforeValidator(lambda value: value or None)
    ] = None
    mended_within: Annotated[float | None, optional(MENDED_WITHIN)] = None
    reaction_mode: Annotated[ReactionMode | None, optional(one_of(*ReactionMode))] = None

    @classmethod
    def _is_empty(cls, key: str, value: object) -> bool:
        return value is None and key in {"for", "cooldown", "inverted", "zero"}

    def given(self) -> dict[str, object]:
        """The keys that are given, by the names of the sensor's fields."""
        changes = {name: getattr(self, name) for name in sorted(self.model_fields_set)}
        if "for_" in changes:
            changes["for_"], changes["for_s"] = self.for_
        return changes


class Override(Strict):
    """Changes to sensors on some servers."""

    match: Match = Match()
    set: dict[str, SensorChange]


class SensorSettings(Strict):
    """Which sensors there are, and how they differ from the library."""

    libraries: Annotated[tuple[PathText, ...], listed(100)] = ()
    every: Annotated[float, duration("100ms", "7d")] = 10.0
    verify_every: Annotated[float, duration("1s", "30d")] = 3600.0
    disable: Annotated[tuple[Annotated[str, text(64)], ...], listed(1000)] = ()
    overrides: Annotated[tuple[Override, ...], listed(1000)] = ()


class FlappingSettings(Strict):
    """A series flaps when its level changes `changes` times within `within` seconds (0: never),
    until it has stayed the same for `steady` seconds."""

    changes: Annotated[int, integer(0, 100)] = 6
    within: Annotated[float, duration("1s", "1d")] = 900.0
    steady: Annotated[float, duration("1s", "1d")] = 300.0

    @field_validator("changes")
    @classmethod
    def _are_more_than_one_alarm(cls, changes: int) -> int:
        if changes in (1, 2):
            raise Mistake(
                "one alarm and its end are two changes already", "write 3 or more, or 0: never"
            )
        return changes


class BlindSettings(Strict):
    """We may be blind when `share` of a range's servers, or of all, and `at_least` so many (0:
    never), are lost within `within` seconds; after `hold` seconds they are gone."""

    share: Annotated[float, real(0.01, 1)] = 0.5
    at_least: Annotated[int, integer(0, 1_000_000)] = 5
    within: Annotated[float, duration("1s", "1h")] = 60.0
    hold: Annotated[float, duration("1s", "1d")] = 600.0


class JudgingSettings(Strict):
    """When something counts as wrong, besides the thresholds of the sensors. Durations in
    seconds; `canaries` are addresses that always answer."""

    failed_after: Annotated[float, duration("1s", "30d")] = 300.0
    stale_after: Annotated[float, duration("1s", "30d")] = 300.0
    flapping: FlappingSettings = FlappingSettings()
    blind: BlindSettings = BlindSettings()
    gone_after: Annotated[float, duration("1s", "30d")] = Field(
        default=120.0, validate_default=True
    )
    canaries: Annotated[tuple[EndpointText, ...], listed(20)] = ()

    @field_validator("gone_after")
    @classmethod
    def _blindness_is_seen_first(cls, after: float, info: ValidationInfo) -> float:
        blind = info.data.get("blind")
        if blind is not None and blind.at_least and after < blind.within:
            what = "it is shorter than judging.blind.within"
            raise Mistake(what, "wait for as long, or else servers are gone before we are blind")
        return after


class ReactionRule(Strict):
    """The mode of some sensors' reactions on some servers. `sensors` are globs."""

    match: Match = Match()
    sensors: Annotated[tuple[Annotated[str, text(64)], ...], listed(1000, empty="name one")] = (
        "*",
    )
    mode: Annotated[ReactionMode, one_of(*ReactionMode)]


class LatchSettings(Strict):
    """After `runs` starts of a sensor's reactions on one server `within` seconds it is latched."""

    runs: Annotated[int, integer(1, 1000)] = 3
    within: Annotated[float, duration("1m", "30d")] = 3600.0


class ShareSettings(Strict):
    """On what part of the servers anything may react `within` seconds: of the `fleet`, and of
    those that have the same value of a label. A part of few servers is at least one."""

    fleet: Annotated[float, share()] = 0.1
    labels: dict[LabelName, Annotated[float, share()]] = Field(default_factory=dict, max_length=64)
    within: Annotated[float, duration("1m", "30d")] = 600.0


class ReactionSettings(Strict):
    """What happens when a sensor with a reaction enters alarm. The first of `rules` that matches
    says the mode, else `mode` does. At most `at_once` servers run one at the same time."""

    mode: Annotated[ReactionMode, one_of(*ReactionMode)] = ReactionMode.DRY_RUN
    rules: Annotated[tuple[ReactionRule, ...], listed(1000)] = ()
    mended_within: Annotated[float, MENDED_WITHIN] = 120.0
    latch: LatchSettings = LatchSettings()
    at_once: Annotated[int, integer(1, 1000)] = 10
    share: ShareSettings = ShareSettings()


class Retention(Strict):
    """How long history is kept, in seconds: every reading, minutes of them, hours of them."""

    raw: Annotated[float, duration("1m", "10y")] = 2 * 86400.0
    minutes: Annotated[float, duration("1h", "10y")] = Field(
        default=30 * 86400.0, validate_default=True
    )
    hours: Annotated[float, duration("1d", "100y")] = Field(
        default=2 * 365 * 86400.0, validate_default=True
    )

    @field_validator("minutes", "hours")
    @classmethod
    def _coarser_is_kept_longer(cls, kept: float, info: ValidationInfo) -> float:
        for finer in ("minutes", "raw"):
            if info.data.get(finer, 0.0) > kept:
                mend = f"keep {info.field_name} at least as long as {finer}"
                raise Mistake(f"it is shorter than retention.{finer}", mend)
        return kept


class TLSSettings(Strict):
    """PEM files of the listener's certificate chain and its key; both None: plain HTTP."""

    certificate: PathText | None = None
    key: PathText | None = Field(default=None, validate_default=True)

    @field_validator("key")
    @classmethod
    def _both_or_none(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        certificate = info.data.get("certificate", key)
        if (key is None) != (certificate is None):
            raise Mistake("certificate and key belong together", "name both files, or neither")
        return key


class DashboardSettings(Strict):
    """Where the page, the API and the metrics are served, and how people reach them: `origin`
    is what they open (None: the address listened on), `proxy` the reverse proxies before it."""

    listen: ListenText = Listen("127.0.0.1", 8844)
    origin: OriginText | None = None
    tls: TLSSettings = TLSSettings()
    proxy: Annotated[tuple[NetworkText, ...], listed(100)] = ()


class Settings(Strict):
    """The whole configuration. `range_settings` are the ranges as written; `ranges` have
    their defaults filled in."""

    range_settings: Annotated[
        tuple[RangeSettings, ...],
        listed(10_000, empty="name a range, such as 192.168.1.0/24"),
    ] = Field(alias="ranges")
    ssh: SSHSettings = Field(default_factory=SSHSettings)
    sweep: SweepSettings = SweepSettings()
    sensors: SensorSettings = SensorSettings()
    judging: JudgingSettings = JudgingSettings()
    reactions: ReactionSettings = ReactionSettings()
    notify: NotifySettings = NotifySettings()
    state: PathText = Field(default="~/.local/state/outkept", validate_default=True)
    retention: Retention = Retention()
    forget_after: Annotated[float, duration("1s", "10y")] = 4 * 86400.0
    dashboard: DashboardSettings = DashboardSettings()

    @cached_property
    def ranges(self) -> tuple[Range, ...]:
        """What is swept."""
        return tuple(
            entry.resolved(self.ssh.ports, self.sweep.every) for entry in self.range_settings
        )
