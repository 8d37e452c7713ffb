"""Queued up: whether a server's channels keep pace with what is due, and what would help.

Pure: the pool tells what happened, with its own clock's `now` in seconds.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from outkept.model.channels import ChannelUse, Cure

SHORTEST_WINDOW_S = 10.0
LONGEST_SHORTEST_S = 320.0
"""What the shortest window grows to on a server that is queued up again and again."""
SOON_S = 120.0
"""So long after it was left, being queued up is no longer the same trouble."""
WINDOW_INTERVALS = 3
FRESH = 0.3
"""Weight of the newest run in the average run time: the last half dozen runs count."""

FORGOTTEN_AFTER = 10
"""A key that was not heard of for so many intervals is not asked for any more."""


@dataclass(slots=True)
class _Use:
    every: float
    took: float
    seen: float
    waited: float = 0.0
    missed: int = 0
    ran: bool = True


class Pressure:
    """Queued up is entered when a job waited longer than its own interval, or a tick was
    missed because its last job still queued. It is left after everything was in time for a
    whole window: three times the longest interval that was not kept since it was entered, at
    least ten seconds. A sensor that is read once an hour doesn't hold the state for hours
    after the frequent ones are in time again. Where it is entered again soon after it was left,
    those ten seconds double: a server that is late now and then would enter and leave it all day,
    and each time is an event."""

    __slots__ = ("_late", "_left", "_shortest", "_unkept", "_uses", "_window")

    def __init__(self) -> None:
        self._uses: dict[str, _Use] = {}
        self._late: float | None = None
        self._left: float | None = None
        self._window = self._shortest = SHORTEST_WINDOW_S
        self._unkept = 0.0

    def completed(self, key: str, waited: float, took: float, every: float, now: float) -> None:
        """A job of `key`, due again every `every` seconds, waited and then took so long."""
        use = self._uses.get(key)
        if use is None:
            self._uses[key] = _Use(every, took, now, waited)
        else:
            weight = FRESH if use.ran else 1.0
            use.every, use.seen, use.ran = every, now, True
            use.took += weight * (took - use.took)
            use.waited += weight * (waited - use.waited)
        if waited > every:
            self._was_late(every, now)

    def missed(self, key: str, every: float, now: float) -> None:
        """A tick of `key` found its last job unfinished for want of a channel."""
        use = self._uses.setdefault(key, _Use(every, 0.0, now, ran=False))
        use.seen = now
        use.missed += 1
        self._was_late(every, now)

    def queued_up(self, now: float) -> bool:
        """Whether the server is queued up at `now`."""
        if self._late is None:
            return False
        if now - self._late < self._window:
            self._forget(now)
            return True
        self._left = self._late + self._window
        self._late = None
        return False

    def _was_late(self, every: float, now: float) -> None:
        if not self.queued_up(now):
            self._enter(now)
        self._late = now
        self._unkept = max(self._unkept, every)
        self._window = max(self._window, WINDOW_INTERVALS * every)

    def _enter(self, now: float) -> None:
        again = self._left is not None and now - self._left < SOON_S
        longer = min(2 * self._shortest, LONGEST_SHORTEST_S)
        self._window = self._shortest = longer if again else SHORTEST_WINDOW_S
        self._unkept = 0.0

    def need(self) -> float:
        """Channel-seconds a second that all keys together ask for."""
        return sum(use.took / use.every for use in self._uses.values())

    def uses(self) -> tuple[ChannelUse, ...]:
        """What each key asks for, the greatest first."""
        return tuple(
            ChannelUse(key, use.every, use.took, use.waited, use.missed)
            for key, use in ((key, self._uses[key]) for key in self._ranked())
        )

    def cure(self, now: float, limit: int, setting: Callable[[int], str]) -> Cure | None:
        """Cause, and what would end it, at this `limit`; None if not queued up.

        `setting` words how to get so many channels, or gives an empty string where none can
        be had.
        """
        if not self.queued_up(now):
            return None
        need, total = self.need(), sum(use.took for use in self._uses.values())
        if need > limit:
            cause = (
                f"{self._greatest()} {self._verb('need')} {need:.1f} channel-seconds a second"
                f" and the server allows {limit}"
            )
            interval, enough = math.ceil(total / limit), math.ceil(need)
        else:
            channels = "channel" if limit == 1 else "channels"
            cause = (
                f"{self._greatest()} {self._verb('hold')} the server's {limit} {channels}"
                f" for up to {self._longest():.1f} s at a time"
            )
            # The interval that was not kept is none that would be.
            interval = max(math.ceil(max(self._longest(), total / limit)), int(self._unkept)) + 1
            enough = limit + 1
        return Cure(cause, interval, enough, setting(enough))

    def explain(self, now: float, limit: int, setting: Callable[[int], str]) -> str:
        """Which keys take the channel time and what would cure it; empty if not queued up."""
        cure = self.cure(now, limit, setting)
        if cure is None:
            return ""
        more = f", or {cure.setting}" if cure.setting else ""
        return f"{cure.cause}: read them every {cure.interval_s} s{more}"

    def _longest(self) -> float:
        return max((use.took for use in self._uses.values()), default=0.0)

    def _ranked(self) -> list[str]:
        ranked = sorted(self._uses, key=lambda key: (-self._uses[key].took, key))
        ranked.sort(key=lambda key: -self._uses[key].took / self._uses[key].every)
        return ranked

    def _greatest(self) -> str:
        ranked = self._ranked()
        if len(ranked) <= 3:
            return " and ".join(filter(None, [", ".join(ranked[:-1]), *ranked[-1:]]))
        return f"{ranked[0]}, {ranked[1]} and {len(ranked) - 2} more"

    def _verb(self, plural: str) -> str:
        return plural if len(self._uses) != 1 else f"{plural}s"

    def _forget(self, now: float) -> None:
        gone = [
            key
            for key, use in self._uses.items()
            if now - use.seen > max(FORGOTTEN_AFTER * use.every, SHORTEST_WINDOW_S)
        ]
        for key in gone:
            del self._uses[key]
