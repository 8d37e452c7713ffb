"""Which of a target's notices is tried next, and how long after a failure. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from outkept.model.notice import Delivery


@dataclass(frozen=True, slots=True)
class Retries:
    """Pauses after failures, in seconds: `first`, then doubled each time, up to `longest`. What
    was tried `least` times and for `give_up_after` seconds is given up: a clock that is set
    forward by a day gives up nothing by itself."""

    give_up_after: float = 86400.0
    first: float = 5.0
    longest: float = 600.0
    least: int = 5

    def pause(self, failures: int, chance: float) -> float:
        """Seconds to wait after `failures` (>= 1) in a row. `chance` in [0, 1) spreads it over
        the upper half, so that what failed together doesn't come back in one instant."""
        ceiling = min(self.longest, self.first * 2.0 ** min(failures - 1, 16))
        return ceiling * (0.5 + 0.5 * chance)

    def over(self, one: Delivery, now: float) -> bool:
        """Whether it is to be given up."""
        return one.attempts >= self.least and now - one.at >= self.give_up_after

    def next_at(self, one: Delivery, now: float) -> float:
        """When it may be tried: never later than the longest pause from now, whatever the clock
        was set to meanwhile."""
        return min(one.next_at, now + self.longest)


def next_one(queue: Iterable[Delivery], now: float, retries: Retries) -> Delivery | None:
    """What is tried next: of what is due, what has waited for its turn the longest. What comes
    after another notice about the same incident waits for that one, so that nobody hears the end
    first. `queue` is in the order in which it was decided on."""
    due = [one for one in _firsts(queue) if retries.next_at(one, now) <= now]
    return min(due, key=lambda one: (one.next_at, one.id), default=None)


def next_time(queue: Iterable[Delivery], now: float, retries: Retries) -> float | None:
    """When something is due (UNIX seconds), None where nothing waits."""
    return min((retries.next_at(one, now) for one in _firsts(queue)), default=None)


def _firsts(queue: Iterable[Delivery]) -> Iterable[Delivery]:
    spoken_of = set[int]()
    for one in queue:
        if spoken_of.isdisjoint(one.incidents):
            yield one
        spoken_of.update(one.incidents)
