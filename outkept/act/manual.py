"""Whether a command that a person has run goes ahead on a server, in words. Pure.

The guards are those of `policy`, which hold what nobody asked for. For a person they are not all
the same:

| guards | for a person |
|---|---|
| no command, stopped, host key, busy | hold: it can't be done, or isn't safe |
| blind, latched and runs, cooldown, shares | hold, unless the person overrides them |
| acknowledged, silenced, flapping | are said, and don't hold |
| mode, zero, started | are about what nobody asked for |
| at once | has the run wait for its turn |
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from outkept.act.policy import Guard, Hold


class Held(StrEnum):
    """What may hold a run back, in the order in which it is told."""

    UNSUPPORTED = "unsupported"
    """The server doesn't have the sensor or the instance, or the sensor has no such command."""
    STOPPED = "stopped"
    """The kill switch is on."""
    DISCONNECTED = "disconnected"
    """There is no connection to it."""
    HOST_KEY = "host_key"
    """It may be another machine."""
    BUSY = "busy"
    """A reaction, or another run, is under way on it."""
    BLIND = "blind"
    """So many servers are gone that it may be us who is cut off."""
    LATCH = "latch"
    """It ran too often; a person is to look first."""
    COOLDOWN = "cooldown"
    """It ran a short while ago."""
    SHARE = "share"
    """It ran on so many servers that no more may follow for a while."""


OVERRIDABLE = frozenset({Held.BLIND, Held.LATCH, Held.COOLDOWN, Held.SHARE})
"""What a person may decide otherwise. The switch was thrown by a person, and is for a person to
release."""

_HOLDING: Mapping[Guard, Held] = {
    Guard.NONE: Held.UNSUPPORTED,
    Guard.STOPPED: Held.STOPPED,
    Guard.HOST_KEY: Held.HOST_KEY,
    Guard.BUSY: Held.BUSY,
    Guard.BLIND: Held.BLIND,
    Guard.LATCHED: Held.LATCH,
    Guard.RUNS: Held.LATCH,
    Guard.COOLDOWN: Held.COOLDOWN,
    Guard.SHARE: Held.SHARE,
    Guard.LABEL_SHARE: Held.SHARE,
}
_SAID = frozenset({Guard.ACKNOWLEDGED, Guard.SILENCED, Guard.FLAPPING})


@dataclass(frozen=True, slots=True)
class Verdict:
    """`held` is what holds it, None if it may run; `reason` says why, empty then. `warnings` are
    what whoever runs it should know, `overridden` what would have held it otherwise."""

    held: Held | None = None
    reason: str = ""
    warnings: tuple[str, ...] = ()
    overridden: tuple[Held, ...] = ()

    @property
    def runs(self) -> bool:
        """Whether nothing holds it."""
        return self.held is None


def judge(against: Mapping[Held, str], holds: Iterable[Hold], override: frozenset[Held]) -> Verdict:
    """What to do, given what the policy would hold a reaction for, what else is `against` it (an
    empty reason is none), and what a person overrides. What can't be overridden holds all the
    same."""
    reasons = {held: reason for held, reason in against.items() if reason}
    said = []
    for hold in holds:
        if hold.guard in _SAID:
            said.append(hold.reason)
        elif (held := _HOLDING.get(hold.guard)) is not None:
            reasons.setdefault(held, hold.reason)
    found = [held for held in Held if held in reasons]
    overridden = tuple(held for held in found if held in override & OVERRIDABLE)
    holding = next((held for held in found if held not in overridden), None)
    if holding is not None:
        return Verdict(holding, reasons[holding], tuple(said))
    said += [f"{held} overridden: {reasons[held]}" for held in overridden]
    return Verdict(None, "", tuple(said), overridden)


def confirmation(
    sensor: str,
    instance: str | None,
    step: int,
    override: Iterable[Held],
    would_run: Sequence[tuple[str, str]],
) -> str:
    """A hash of exactly what would run: `(server id, command)`, whatever their order. Who shows
    it again has seen this and nothing else."""
    content = [sensor, instance, step, sorted(override), sorted(would_run)]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]
