"""Which reactions were started lately, and where: what cooldowns and caps are counted from.

Pure: the time is told. Two clocks are kept, because neither is enough: the wall clock outlives a
restart and may be set; the loop's can't be set and begins anew. A start is as recent as the one
that calls it more recent says, so a clock that jumps lets nothing run too early.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

MOST_STARTS = 100_000
"""Starts that are kept; of more, the oldest are forgotten. The caps allow far fewer."""


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


class Ledger:
    """Starts of the last `window` seconds, and of each step on each server the last one, and the
    one before it for where that comes to nothing."""

    def __init__(self, window: float) -> None:
        self.window = window
        self._recent: list[Start] = []
        self._runs: dict[tuple[str, str], list[Start]] = {}
        self._last: dict[tuple[str, str, int, bool], list[Start]] = {}

    def add(self, start: Start) -> None:
        """Something is started now."""
        self._prune(start.at)
        self._recent.append(start)
        self._runs.setdefault((start.server, start.sensor), []).append(start)
        last = self._last.setdefault(_key(start), [])
        last.append(start)
        del last[:-2]

    def withdraw(self, start: Start) -> None:
        """It turned out that nothing was sent."""
        runs = self._runs.get((start.server, start.sensor), [])
        for starts in (self._recent, runs, self._last.get(_key(start), [])):
            if start in starts:
                starts.remove(start)

    def pardon(self, server: str, sensor: str, until: float = math.inf) -> None:
        """A person has looked at what was started of a sensor on a server, up to `until` (UNIX
        seconds): it counts no more as one of its `runs`, but for all else as before."""
        runs = self._runs.get((server, sensor), [])
        self._runs[server, sensor] = [one for one in runs if one.at.wall > until]

    def forget(self, server: str) -> None:
        """The server is removed; that it was reacted on still counts."""
        for last in [key for key in self._last if key[0] == server]:
            del self._last[last]
        for runs in [key for key in self._runs if key[0] == server]:
            del self._runs[runs]

    def ran_ago(
        self, server: str, sensor: str, step: int, now: Moment, *, dry: bool
    ) -> float | None:
        """Seconds since a step was started last on a server; None for never, as far as known.
        With `dry`, dry runs count as well."""
        kinds = (False, True) if dry else (False,)
        found = (self._last.get((server, sensor, step, kind), [])[-1:] for kind in kinds)
        return min((one.age(now) for last in found for one in last), default=None)

    def runs(self, server: str, sensor: str, within: float, now: Moment, *, dry: bool) -> int:
        """How often a sensor's reactions were started on a server, whatever the step, since they
        were pardoned."""
        found = self._runs.get((server, sensor), ())
        return sum(one.age(now) < within and (dry or not one.dry) for one in found)

    def servers(self, within: float, now: Moment, *, dry: bool) -> set[str]:
        """The servers that anything was started on."""
        return {
            one.server for one in self._recent if one.age(now) < within and (dry or not one.dry)
        }

    def _prune(self, now: Moment) -> None:
        """Drop what is older than the window, each time there is something new."""
        kept = [one for one in self._recent if one.age(now) < self.window][-MOST_STARTS:]
        if len(kept) == len(self._recent):
            return
        gone = set(self._recent).difference(kept)
        self._recent = kept
        for key in {(one.server, one.sensor) for one in gone}:
            runs = [one for one in self._runs.pop(key, ()) if one not in gone]
            if runs:
                self._runs[key] = runs


def _key(start: Start) -> tuple[str, str, int, bool]:
    return start.server, start.sensor, start.step, start.dry
