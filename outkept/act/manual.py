"""Whether a command that a person has run goes ahead on a server, in words. Pure.

A reaction that nobody asked for is held by every guard. A person is held by some, may override
others, and is only told of the rest: silences, acknowledgements, a sensor that flaps.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Held(StrEnum):
    """What may hold a run back, in the order in which it is told."""

    STOPPED = "stopped"
    """The kill switch is on."""
    UNSUPPORTED = "unsupported"
    """The server doesn't have the sensor or the instance, or the sensor has no such command."""
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
"""What a person may decide otherwise. The others are facts, or say that it isn't safe: the switch
was thrown by a person, and is for a person to release."""


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


def judge(holds: Mapping[Held, str], notes: Iterable[str], override: frozenset[Held]) -> Verdict:
    """What to do, given why each of these holds it (empty or absent: it doesn't), what else is
    worth saying, and what a person overrides. What can't be overridden holds all the same."""
    against = [one for one in Held if holds.get(one)]
    overridden = tuple(one for one in against if one in override and one in OVERRIDABLE)
    holding = next((one for one in against if one not in overridden), None)
    warnings = (*notes, *(f"{one} overridden: {holds[one]}" for one in overridden))
    if holding is not None:
        return Verdict(holding, holds[holding], tuple(notes))
    return Verdict(None, "", warnings, overridden)


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
