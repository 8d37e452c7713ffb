"""Weather: what goes wrong with a whole fleet, whatever its servers' characters. Pure.

Times are seconds since the fleet's start; what happens to a server follows from its seed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from math import log
from zlib import crc32

from outkept.demo.chance import draw, noise, pick

_SPELL = 20.0
"""Seconds that a server refuses, at a time."""
_MOOD = 5.0
"""Seconds for which a command stays slow or quick on a server."""
_SLOW = (0.5, 5.0)
"""Seconds that a slow command takes, from and to."""
MOST_LATENCY = 10.0
"""Seconds; beyond it, nobody's login would end in time."""


class Refusal(StrEnum):
    """What a server has had enough of."""

    CONNECTIONS = "connections"
    CHANNELS = "channels"


@dataclass(frozen=True, slots=True)
class Weather:
    """How bad it is for all servers alike; nothing is wrong unless it is set.

    `latency`: seconds of an average round trip; each server lies at a distance of its own,
    between half of it and one and a half. `drops`: how many times a minute a server loses its
    connections, on average. `refusals`: the part of the time in which a server refuses new
    connections or new channels, for 20 s at a time. `slow`: the part of commands that take half
    a second to 5 s. Raises ValueError for what can't be.
    """

    latency: float = 0.0
    drops: float = 0.0
    refusals: float = 0.0
    slow: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.latency <= MOST_LATENCY:
            raise ValueError(f"a latency of {self.latency:g} s: it is 0 to {MOST_LATENCY:g} s")
        for name in ("drops", "refusals", "slow"):
            if not 0 <= (part := getattr(self, name)) <= 1:
                raise ValueError(f"{name} of {part * 100:g} %: they are 0 to 100 %")

    def distance(self, seed: int) -> float:
        """Seconds of a round trip to a server."""
        return self.latency and self.latency * pick(0.5, 1.5, seed, "distance")

    def refuses(self, seed: int, t: float) -> Refusal | None:
        """What a server refuses now."""
        if not self.refusals:
            return None
        chance = draw(seed, "refuses", int((t + seed % 1000) // _SPELL))
        if chance >= self.refusals:
            return None
        return Refusal.CONNECTIONS if chance < self.refusals / 2 else Refusal.CHANNELS

    def delay(self, seed: int, command: str, t: float) -> float:
        """Seconds that a command takes on a server, besides what its character takes."""
        if not self.slow:
            return 0.0
        chance = noise(seed ^ crc32(command.encode("utf-8", "replace")), int(t // _MOOD))
        low, high = _SLOW
        return low + (high - low) * chance / self.slow if chance < self.slow else 0.0

    def losses(self, seed: int) -> Iterator[float]:
        """When a server loses its connections: times without end, or none at all."""
        if not self.drops:
            return
        at = 0.0
        for n in count():
            at -= log(1 - draw(seed, "drops", n)) * 60 / self.drops
            yield at


CALM = Weather()
