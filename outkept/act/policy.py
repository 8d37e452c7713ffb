"""Whether a reaction runs, in words. Pure: everything the decision needs is in a Situation.

The guards, in the order in which they are asked (`holds`). The first that holds gives the reason.
Those marked * pass by themselves: while it is still alarmed, the question is asked again.

| guard | holds |
|---|---|
| none | the sensor has no command for this step |
| stopped | a person has stopped all reactions |
| mode | the mode is off |
| zero | the alarm is for the value 0 |
| started | this step was started for this incident before |
| host key | the server at the other end may be another |
| acknowledged | a person has taken the incident on |
| silenced * | a silence is in force |
| blind * | we may be blind to this server |
| flapping * | the series flaps |
| latched | too many runs, and nobody has released it yet |
| cooldown * | the last run of this step on this server is too near |
| runs | too many runs: it is latched now |
| share, label share | too many servers were reacted on lately |
| busy * | another reaction runs on this server |
| at once * | as many servers as may are being reacted on |
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from outkept.config.durations import format_duration
from outkept.config.overrides import MatchSubject, matches
from outkept.config.settings import ReactionSettings
from outkept.model.action import ReactionMode
from outkept.model.globs import fits_any
from outkept.model.sensor import Sensor


class Guard(StrEnum):
    """What may hold a reaction."""

    NONE = "none"
    STOPPED = "stopped"
    MODE = "mode"
    ZERO = "zero"
    STARTED = "started"
    HOST_KEY = "host key"
    ACKNOWLEDGED = "acknowledged"
    SILENCED = "silenced"
    BLIND = "blind"
    FLAPPING = "flapping"
    LATCHED = "latched"
    COOLDOWN = "cooldown"
    RUNS = "runs"
    SHARE = "share"
    LABEL_SHARE = "label share"
    BUSY = "busy"
    AT_ONCE = "at once"

    @property
    def passes(self) -> bool:
        """Whether what it guards against ends by itself."""
        return self in _PASSING


_PASSING = frozenset(
    {Guard.SILENCED, Guard.BLIND, Guard.FLAPPING, Guard.COOLDOWN, Guard.BUSY, Guard.AT_ONCE}
)
_ONLY_FOR_REAL_RUNS = frozenset({Guard.HOST_KEY, Guard.BUSY, Guard.AT_ONCE})
"""What can't be in the way of a dry run, during which nothing runs."""


@dataclass(frozen=True, slots=True)
class Group:
    """The servers with one value of a label: how many there are, and how many others than this
    one were reacted on within the share's window."""

    label: str
    value: str
    servers: int
    reacted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that a decision needs. Texts that say why something is so are empty where it isn't.

    `command` is the step's; `cause` the value and threshold in words. `mode` is the one that
    holds for this sensor on this server, `mode_from` the setting that says so. `ran_ago` is how
    many seconds ago this step of the sensor was started last on this server, None for never; it is
    negative where the clock was set back since. `runs` counts starts of the sensor's reactions, of
    any step, on this server within `limits.latch.within`. `running` is what runs on this server
    now, `at_once` how many other servers something runs on. `reacted` counts the other servers
    that were reacted on within `limits.share.within`, of the `fleet` servers there are; `groups`
    say the same of the server's labels that have a share of their own.

    For a dry run, `ran_ago`, `runs` and all counts of servers include dry runs.
    """

    mode: ReactionMode
    limits: ReactionSettings
    cooldown: float
    command: str | None
    cause: str
    mode_from: str = "reactions.mode"
    step: int = 1
    by_zero: bool = False
    stopped: str = ""
    started: bool = False
    host_key: str = ""
    acknowledged_by: str = ""
    silenced: str = ""
    blind: str = ""
    flapping: bool = False
    latched: str = ""
    ran_ago: float | None = None
    runs: int = 0
    running: str = ""
    at_once: int = 0
    reacted: int = 0
    fleet: int = 1
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True, slots=True)
class Hold:
    """A guard that holds the reaction, and why in words."""

    guard: Guard
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """`run` sends the command, `record` writes an action; both false: hold still.

    `reason` says why in words people read. `guard` is what holds it, None where nothing does.
    `latch` says that it is to be latched from now on.
    """

    run: bool
    record: bool
    reason: str
    guard: Guard | None = None
    latch: bool = False

    @property
    def waits(self) -> bool:
        """Whether the question is to be asked again while it is still alarmed."""
        return self.guard is not None and self.guard.passes


def decide(situation: Situation) -> Decision:
    """What to do about a series that is alarmed."""
    hold = next(holds(situation), None)
    if hold is not None:
        latch = hold.guard is Guard.RUNS and situation.mode is ReactionMode.ON
        reason = f"held: {hold.reason}"
        return Decision(run=False, record=False, reason=reason, guard=hold.guard, latch=latch)
    if situation.mode is ReactionMode.DRY_RUN:
        reason = f"{situation.cause}; {situation.mode_from} is dry-run"
        return Decision(run=False, record=True, reason=reason)
    return Decision(run=True, record=True, reason=situation.cause)


def holds(situation: Situation) -> Iterator[Hold]:
    """Every guard that holds the reaction, in the order of the module's table."""
    for hold in _holds(situation):
        if situation.mode is not ReactionMode.DRY_RUN or hold.guard not in _ONLY_FOR_REAL_RUNS:
            yield hold


def _holds(now: Situation) -> Iterator[Hold]:
    if not now.command:
        step = "no reaction" if now.step == 1 else "no fallback"
        yield Hold(Guard.NONE, f"the sensor has {step}")
    if now.stopped:
        yield Hold(Guard.STOPPED, f"all reactions are stopped: {now.stopped}")
    if now.mode is ReactionMode.OFF:
        yield Hold(Guard.MODE, f"{now.mode_from} is off")
    if now.by_zero:
        yield Hold(Guard.ZERO, "a value of 0 alarms but runs no reaction")
    if now.started:
        yield Hold(Guard.STARTED, f"step {now.step} was started for this incident before")
    if now.host_key:
        yield Hold(Guard.HOST_KEY, now.host_key)
    if now.acknowledged_by:
        yield Hold(Guard.ACKNOWLEDGED, f"{now.acknowledged_by} has acknowledged the incident")
    if now.silenced:
        yield Hold(Guard.SILENCED, f"it is silenced: {now.silenced}")
    if now.blind:
        yield Hold(Guard.BLIND, now.blind)
    if now.flapping:
        yield Hold(Guard.FLAPPING, "it is flapping")
    yield from _by_runs(now)
    yield from _by_share(now)
    if now.running:
        yield Hold(Guard.BUSY, f"the reaction to {now.running} runs on this server")
    if now.at_once >= now.limits.at_once:
        servers = _servers(now.at_once)
        yield Hold(Guard.AT_ONCE, f"reactions run on {servers}, reactions.at_once allows no more")


def _by_runs(now: Situation) -> Iterator[Hold]:
    latch = now.limits.latch
    if now.latched:
        yield Hold(Guard.LATCHED, f"it is latched until a person releases it: {now.latched}")
    if now.ran_ago is not None and now.ran_ago < now.cooldown:
        left = now.cooldown - now.ran_ago
        # With the clock set back, this holds until it has caught up: running too late is safer
        # than running twice.
        when = f"it ran {now.ran_ago:.0f} s ago" if now.ran_ago >= 0 else "the clock was set back"
        yield Hold(Guard.COOLDOWN, f"{when}; its cooldown lasts another {left:.0f} s")
    if now.runs >= latch.runs:
        within = format_duration(latch.within)
        yield Hold(Guard.RUNS, f"it ran {_times(now.runs)} within {within}, which is the most")


def _by_share(now: Situation) -> Iterator[Hold]:
    share = now.limits.share
    within = format_duration(share.within)
    most = allowed(share.fleet, now.fleet)
    if now.reacted >= most:
        yield Hold(
            Guard.SHARE,
            f"{_servers(now.reacted)} of the fleet {_were(now.reacted)} reacted on within {within};"
            f" {_percent(share.fleet)} of {now.fleet} is the most",
        )
    for group in now.groups:
        part = share.labels.get(group.label)
        if part is not None and group.reacted >= allowed(part, group.servers):
            yield Hold(
                Guard.LABEL_SHARE,
                f"{_servers(group.reacted)} of {group.label}={group.value} {_were(group.reacted)}"
                f" reacted on within {within}; {_percent(part)} of {group.servers} is the most",
            )


def allowed(share: float, servers: int) -> int:
    """How many servers a share of so many is: at least one."""
    return max(1, math.floor(share * servers + 1e-9))


def mode_for(
    settings: ReactionSettings, sensor: Sensor, server: MatchSubject
) -> tuple[ReactionMode, str]:
    """The mode of a sensor's reactions on a server, and the setting that says so.

    The first rule that matches says it, else `reactions.mode`. What the sensor's own
    `reaction_mode` says can only take away from that: a library never turns reactions on.
    """
    mode, said_by = settings.mode, "reactions.mode"
    for number, rule in enumerate(settings.rules):
        named = fits_any(rule.sensors, (sensor.name,))
        if named and matches(rule.match, server):
            mode, said_by = rule.mode, f"reactions.rules.{number}.mode"
            break
    own = sensor.reaction_mode
    if own is not None and own.reach < mode.reach:
        return own, f"reaction_mode of {sensor.name}"
    return mode, said_by


def _servers(count: int) -> str:
    return "1 server" if count == 1 else f"{count} servers"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"
