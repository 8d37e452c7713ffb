"""Deciding what is due to whom: the groups (`notify.grouping`) between the events that come in and
the notices that go out, and what holds an incident back."""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence

from outkept.app.context import Context
from outkept.app.fleet import LiveServer
from outkept.config.overrides import subject_of
from outkept.model.event import Condition, Event
from outkept.notify.alerts import Going
from outkept.notify.grouping import Case, Decision, Grouping
from outkept.notify.message import About
from outkept.notify.routing import Route
from outkept.store.errors import StoreError
from outkept.store.outbox import Outbox

GATHER_S = 0.2
"""Seconds that events are gathered before the groups are looked at: in a storm they come by the
hundred."""
LONGEST_WAIT_S = 60.0
"""A clock that was set is noticed within it."""
SET_BACK_S = 5.0
AT_ONCE = 200
"""Events or incidents that are dealt with before others get their turn."""
MOST_ARRIVED = 50_000
"""Events that may wait to be taken in. When there are more, they are dropped, and what is open is
read from the disk, where they are."""
AGAIN_S = 1.0

CarryOut = Callable[[Decision, float], Awaitable[None]]
"""Writes a decision down, however long it takes, and has its notices sent."""

_log = logging.getLogger(__name__)


class Deciding:
    """Owns the groups. All that is done with them is done in a thread, because thousands of
    incidents take longer than the loop may be held up; nothing else touches them meanwhile."""

    def __init__(
        self, context: Context, outbox: Outbox, routes: Sequence[Route], direct: Collection[str]
    ) -> None:
        self._context = context
        self._outbox = outbox
        self._routes = routes
        self._direct = direct
        self._grouping = Grouping(routes, direct)
        self._mine = asyncio.Lock()
        self._arrived: deque[tuple[Event, About]] = deque()
        self._missed = False
        self._wake = asyncio.Event()
        self._looked = time.time()

    async def recall(self) -> None:
        """Take up what is open and what was told of it, from the disk. Raises StoreError."""
        cases = list[Case]()
        for count, one in enumerate(await self._outbox.untold()):
            about = self._about(one.incident.server, one.incident.sensor)
            cases.append(Case(one.incident, about, one.text, dict(one.told), one.unmended))
            if count % AT_ONCE == 0:
                await asyncio.sleep(0)
        self._grouping = await asyncio.to_thread(self._restored, cases, time.time())

    def _restored(self, cases: Sequence[Case], now: float) -> Grouping:
        grouping = Grouping(self._routes, self._direct)
        for case in cases:
            grouping.restore(case, now)
        return grouping

    def take(self, event: Event) -> None:
        """An event is on disk."""
        if len(self._arrived) >= MOST_ARRIVED:
            self._arrived.clear()
            self._missed = True
        self._arrived.append((event, self._about(event.server, event.sensor)))
        self._wake.set()

    async def run(self, carry_out: CarryOut) -> None:
        """Decide until cancelled."""
        while True:
            await self._until_due()
            await asyncio.sleep(GATHER_S)
            self._wake.clear()
            async with self._mine:
                await self._catch_up()
                now = time.time()
                decision = await self._decided(now)
            if not decision.empty:
                await carry_out(decision, now)

    async def going_on(self, target: str) -> list[Going]:
        """What a target was told of that goes on."""
        async with self._mine:
            return [
                Going(case.incident, case.subject, case.text, told.level)
                for case in self._grouping.cases()
                if case.incident.ended is None and (told := case.told.get(target)) is not None
            ]

    async def _until_due(self) -> None:
        pause = min(max(self._grouping.next_look() - time.time(), 0.0), LONGEST_WAIT_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._wake.wait()

    async def _catch_up(self) -> None:
        """Take in what arrived, some at a time."""
        while self._missed:
            self._missed = False
            self._arrived.clear()
            try:
                await self.recall()
            except StoreError as error:
                _log.error("what is open can't be read: %s", error)
                self._missed = True
                await asyncio.sleep(AGAIN_S)
        while self._arrived:
            some = [self._arrived.popleft() for _ in range(min(AT_ONCE, len(self._arrived)))]
            await asyncio.to_thread(self._take_in, some, time.time())

    def _take_in(self, some: Sequence[tuple[Event, About]], now: float) -> None:
        for event, about in some:
            self._grouping.take(event, about, now)

    async def _decided(self, now: float) -> Decision:
        grouping = self._grouping
        if now < self._looked - SET_BACK_S:
            grouping.rewound(now)
        self._looked = now
        groups = grouping.due(now)
        if not groups:
            return Decision()
        wanting = await asyncio.to_thread(grouping.wanting, groups, now)
        free = await self._free(list(wanting.values()), now)
        return await asyncio.to_thread(grouping.decide, groups, now, free)

    async def _free(self, cases: Sequence[Case], now: float) -> set[int]:
        """The ids of those that nothing holds, looked at some at a time."""
        free = set[int]()
        for start in range(0, len(cases), AT_ONCE):
            free |= {
                case.incident.id
                for case in cases[start : start + AT_ONCE]
                if not self._is_held(case, now)
            }
            await asyncio.sleep(0)
        return free

    def _is_held(self, case: Case, now: float) -> bool:
        """Whether it is silenced, or its server is gone, or we may be blind to its server."""
        context, incident = self._context, case.incident
        server = incident.server
        if server is not None:
            if incident.condition is not Condition.GONE and context.desk.suppressed(server):
                return True
            live = context.fleet.get(server)
            if live is not None and context.blindness.over(live):
                return True
        return context.desk.silence(case.subject, now) is not None

    def _about(self, server: str | None, sensor: str | None) -> About:
        live = self._context.fleet.get(server) if server is not None else None
        return about(live, server, sensor)


def about(live: LiveServer | None, server: str | None, sensor: str | None) -> About:
    """What an incident is about, also where its server is no longer here."""
    if live is None:
        return About(server or "", server or "", {}, sensor or "")
    record, machine = live.record, subject_of(live.record)
    return About(
        record.id, live.name, record.labels, sensor or "", machine.addresses, machine=machine
    )
