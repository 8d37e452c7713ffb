"""Whether so many servers are lost at once that it may be us. Pure.

A group is the servers of one range, or all. Times are seconds of a clock that never steps.
"""

from dataclasses import dataclass, replace
from enum import Enum, auto

from outkept.config.settings import BlindSettings


@dataclass(slots=True)
class Count:
    """The servers of a group that aren't known to be gone: `connected`; `away`, without a
    connection; and how many of the latter had one and lost it `lately`, within the rule's time."""

    connected: int = 0
    away: int = 0
    lately: int = 0


class Canaries(Enum):
    """What the addresses that always answer say. NONE: there are none, or none has answered yet.
    UNSURE: none answered last time, which may be chance."""

    NONE = auto()
    ANSWER = auto()
    UNSURE = auto()
    SILENT = auto()


class Ending(Enum):
    """Why a doubt is over: enough are BACK, or they were AWAY for so long that they are gone."""

    BACK = auto()
    AWAY = auto()


@dataclass(frozen=True, slots=True)
class Doubt:
    """We may be blind to a group. `lost` of `total` servers were lost, both 0 where it isn't for
    them that it began; `begun` is when it was seen, `since` from when it is held, `most` the most
    that were away at once. `told`: its event was announced. `ended` None: it goes on."""

    begun: float
    since: float
    lost: int
    total: int
    most: int
    told: bool = False
    ended: Ending | None = None


def consider(
    rule: BlindSettings, doubt: Doubt | None, count: Count, now: float, canaries: Canaries
) -> Doubt | None:
    """The doubt about a group at `now`; `doubt` is the one before, which had not ended.

    It begins with enough servers lost within the rule's time, unless a canary answers: then it
    isn't us; or with silent canaries. It ends when half of those that were away are back, and
    when it was held for too long, neither of them while the canaries are silent.
    """
    if doubt is None:
        if canaries is Canaries.SILENT:
            return Doubt(now, now, 0, 0, count.away)
        if canaries is not Canaries.ANSWER and _many(rule, count):
            return Doubt(now, now, count.lately, count.connected + count.away, count.away)
        return None
    doubt = replace(doubt, most=max(doubt.most, count.away))
    if canaries is Canaries.SILENT:
        return replace(doubt, since=now)
    if 2 * count.away <= doubt.most:
        return replace(doubt, ended=Ending.BACK)
    if now - doubt.since >= rule.hold:
        return replace(doubt, ended=Ending.AWAY)
    return doubt


def _many(rule: BlindSettings, count: Count) -> bool:
    if not rule.at_least or count.lately < rule.at_least:
        return False
    return count.lately >= rule.share * (count.connected + count.away)
