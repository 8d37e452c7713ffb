"""Which reactions were started lately, and where: what cooldowns and caps are counted from.

Pure: the time is told. Two clocks are kept, because neither is enough: the wall clock outlives a
restart and may be set; the loop's can't be set and begins anew. A start is as recent as the one
that calls it more recent says, so a clock that jumps lets nothing run too early.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

MOST_STARTS = 100_000
"""Starts that are kept; of more, the oldest are forgotten. The caps allow far fewer."""


_Key = tuple[str, str, int, bool]


class Moment(NamedTuple):
    """`wall` is UNIX seconds; `tick` seconds of a clock that can't be set, None where there is
    only the wall clock."""

    wall: float
    tick: float | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """One start of a step of a sensor's reaction on a server. `dry`: it would have been one."""

    server: str
    sensor: str
    step: int
    at: Moment
    dry: bool = False

    def age(self, now: Moment) -> float:
        """Seconds since, by the clock that has seen fewer; negative where the wall clock was set
        back."""
        age = now.wall - self.at.wall
        if now.tick is None or self.at.tick is None:
            return age
        return min(age, now.tick - self.at.tick)


@dataclass(slots=True)
class Ledger:
    """Starts of the last `window` seconds, and of each step on each server the last one, and the
    one before it for where that comes to nothing."""

    window: float
    _recent: list[Start] = field(default_factory=list)
    _last: dict[_Key, list[Start]] = field(default_factory=dict)

    def add(self, start: Start) -> None:
        """Something is started now."""
        self._recent.append(start)
        del self._recent[:-MOST_STARTS]
        last = self._last.setdefault(_key(start), [])
        last.append(start)
        del last[:-2]

    def withdraw(self, start: Start) -> None:
        """It turned out that nothing was sent."""
        for starts in (self._recent, self._last.get(_key(start), [])):
            if start in starts:
                starts.remove(start)

    def forget(self, server: str) -> None:
        """The server is removed; that it was reacted on still counts."""
        for key in [key for key in self._last if key[0] == server]:
            del self._last[key]

    def ran_ago(
        self, server: str, sensor: str, step: int, now: Moment, *, dry: bool
    ) -> float | None:
        """Seconds since a step was started last on a server; None for never, as far as known.
        With `dry`, dry runs count as well."""
        kinds = (False, True) if dry else (False,)
        found = (self._last.get((server, sensor, step, kind), [])[-1:] for kind in kinds)
        return min((one.age(now) for last in found for one in last), default=None)

    def runs(self, server: str, sensor: str, within: float, now: Moment, *, dry: bool) -> int:
        """How often a sensor's reactions were started on a server, whatever the step."""
        return sum(
            one.server == server and one.sensor == sensor for one in self._within(within, now, dry)
        )

    def servers(self, within: float, now: Moment, *, dry: bool) -> set[str]:
        """The servers that anything was started on."""
        return {one.server for one in self._within(within, now, dry)}

    def _within(self, seconds: float, now: Moment, dry: bool) -> Iterable[Start]:
        self._recent = [one for one in self._recent if one.age(now) < self.window]
        return [one for one in self._recent if one.age(now) < seconds and (dry or not one.dry)]


def _key(start: Start) -> _Key:
    return start.server, start.sensor, start.step, start.dry
