"""Whether we may be blind: so many servers lost at once that it may be us, or no canary answers."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address

from outkept.app.fleet import LiveServer
from outkept.config.durations import format_duration
from outkept.config.settings import JudgingSettings
from outkept.evaluate.blindness import Canaries, Count, Doubt, Ending, consider
from outkept.model.event import Condition, Event, EventType
from outkept.model.incident import Incident
from outkept.model.ranges import Range
from outkept.model.server import Endpoint

PROBE_EVERY = 10.0
PROBE_DEADLINE = 5.0
"""Seconds in which a canary must answer: long enough for two lost packets."""
MISSES = 2
"""Probes in a row without an answer after which a canary is silent."""
TELL_AFTER = 10.0
"""Most seconds until a doubt is told. An outage of everything is noticed server by server, and
half of some ranges before half of all: it is to be one event."""

MOST_PLACES = 100_000
"""Addresses whose range is kept in mind; then all of them are looked up anew."""

Group = str | None
"""A range's text; None: all servers."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Canary:
    endpoint: Endpoint
    answered: bool = False
    misses: int = 0


class Blindness:
    """Counts servers by range, and keeps the doubts about them. `opened` are the incidents that
    were open before a restart. Times (`now`) are those of a clock that never steps."""

    def __init__(
        self,
        judging: JudgingSettings,
        ranges: Sequence[Range],
        say: Callable[[Event], bool],
        opened: Iterable[Incident] = (),
    ) -> None:
        self._rule = judging.blind
        self._gone_after = judging.gone_after
        self._spans = [(span, rng.text) for rng in ranges for span in rng.spans]
        self._say = say
        self._canaries = [_Canary(endpoint) for endpoint in judging.canaries]
        self._counts: dict[Group, Count] = {}
        self._places: dict[str, Group] = {}
        self._cleared: dict[Group, float] = {}
        self._doubts: dict[Group, Doubt] = {
            one.sensor: self._restored(one) for one in opened if one.condition is Condition.BLIND
        }

    def _restored(self, incident: Incident) -> Doubt:
        """Held for what is left of its time, but long enough for servers to be dialled again."""
        now = time.monotonic()
        lasted = max(0.0, min(time.time() - incident.opened, self._rule.hold - self._gone_after))
        return Doubt(now, now - lasted, 0, 0, 0, told=True)

    def over(self, live: LiveServer) -> str:
        """Empty, or why we may be blind to this server. Also of one that is connected: what it
        says may be of an hour ago, and what is done to it may be done to the last that is left.
        """
        for group in (None, self._place(live)):
            doubt = self._doubts.get(group)
            if doubt is not None:
                return self._why(group, doubt)
        return ""

    @property
    def total(self) -> bool:
        """Whether we may be blind to all servers."""
        return None in self._doubts

    @property
    def ranges(self) -> int:
        """How many ranges we may be blind to."""
        return len(self._doubts.keys() - {None})

    def cleared_at(self, live: LiveServer) -> float:
        """When a doubt about this server ended because enough were back; from then on, the others
        have as long as ever to be back too. 0: there was none."""
        return max(self._cleared.get(group, 0.0) for group in (None, self._place(live)))

    def count(self, live: LiveServer, now: float) -> None:
        """Count a server for the next decision. Those that are known to be gone, or that answer
        with another host key, say nothing."""
        if live.gone or live.record.quarantine:
            return
        since = live.away_since
        for group in {None, self._place(live)}:
            count = self._counts.get(group)
            if count is None:
                count = self._counts[group] = Count()
            if since is None:
                count.connected += 1
            else:
                count.away += 1
                count.lately += live.read and now - since <= self._rule.within

    def decide(self, now: float) -> None:
        """Decide about each range, and about all, from what was counted since the last time."""
        counts, self._counts = self._counts, {}
        for group in sorted({*counts, *self._doubts}, key=lambda one: (one is not None, one or "")):
            before = self._doubts.get(group)
            count = counts.get(group, Count())
            doubt = consider(self._rule, before, count, now, self._heard(group))
            if doubt is not None and doubt.ended is not None:
                self._end(group, doubt, count, now)
            elif doubt is not None:
                self._doubts[group] = self._told(group, doubt, now)

    def _told(self, group: Group, doubt: Doubt, now: float) -> Doubt:
        covered = group is not None and None in self._doubts
        if doubt.told or covered or now - doubt.begun < min(TELL_AFTER, self._rule.within / 2):
            return doubt
        text = f"we may be blind: {self._why(group, doubt)}"
        return replace(doubt, told=self._announce(EventType.BLIND, group, text))

    def _end(self, group: Group, doubt: Doubt, count: Count, now: float) -> None:
        if doubt.told and not self._announce(
            EventType.RECOVERED, group, self._why_over(group, doubt, count)
        ):
            return
        self._doubts.pop(group, None)
        if doubt.ended is Ending.BACK:
            self._cleared[group] = now

    def _why(self, group: Group, doubt: Doubt) -> str:
        if group is None and self._heard(None) is Canaries.SILENT:
            return "no canary answers"
        if not doubt.total:
            return "too few of those that were away are back yet"
        there = "" if group is None else f" of {group}"
        within = format_duration(self._rule.within)
        return f"{doubt.lost} of {doubt.total} servers{there} were lost within {within}"

    def _why_over(self, group: Group, doubt: Doubt, count: Count) -> str:
        if doubt.ended is Ending.AWAY:
            held = format_duration(self._rule.hold)
            return f"{_named(group)}: {count.away} are still away after {held}, and count as gone"
        return f"{_named(group)}: we see them again, {count.away} are still away"

    def _announce(self, type_: EventType, group: Group, text: str) -> bool:
        return self._say(Event(time.time(), type_, text, None, group, condition=Condition.BLIND))

    def _place(self, live: LiveServer) -> Group:
        """The first range that has the server's address; None where none has it."""
        if not live.record.endpoints:
            return None
        address = live.record.endpoints[0].address
        if address not in self._places:
            if len(self._places) >= MOST_PLACES:
                self._places.clear()
            self._places[address] = self._range_of(address)
        return self._places[address]

    def _range_of(self, address: str) -> Group:
        ip = ip_address(address)
        version, number = ip.version, int(ip)
        for span, text in self._spans:
            if span.first <= number <= span.last and span.version == version:
                return text
        return None

    def _heard(self, group: Group) -> Canaries:
        """What canaries say of a group. One that lies in a range speaks for it, too; silence is
        believed only of all of them."""
        if group is not None:
            own = (one for one in self._canaries if one.answered and not one.misses)
            there = any(self._range_of(one.endpoint.address) == group for one in own)
            return Canaries.ANSWER if there else Canaries.NONE
        known = [one.misses for one in self._canaries if one.answered]
        if not known:
            return Canaries.NONE
        if min(known) == 0:
            return Canaries.ANSWER
        return Canaries.SILENT if min(known) >= MISSES else Canaries.UNSURE

    async def run(self) -> None:
        """Probe the canaries until cancelled."""
        loop = asyncio.get_running_loop()
        while self._canaries:
            began = loop.time()
            async with asyncio.TaskGroup() as group:
                for canary in self._canaries:
                    group.create_task(self._probe(canary), name=f"canary {canary.endpoint}")
            await asyncio.sleep(max(0.0, began + PROBE_EVERY - loop.time()))
        await loop.create_future()

    async def _probe(self, canary: _Canary) -> None:
        if await answers(canary.endpoint):
            canary.answered, canary.misses = True, 0
            return
        canary.misses += 1
        if not canary.answered and canary.misses == MISSES:
            _log.warning("the canary %s doesn't answer; it counts once it has", canary.endpoint)


async def answers(endpoint: Endpoint) -> bool:
    """Whether something is there; a refusal is an answer. Cancel-safe."""
    try:
        async with asyncio.timeout(PROBE_DEADLINE):
            _, writer = await asyncio.open_connection(endpoint.address, endpoint.port)
    except ConnectionRefusedError:
        return True
    except (OSError, TimeoutError):
        return False
    writer.transport.abort()
    return True


def _named(group: Group) -> str:
    return "all servers" if group is None else group
