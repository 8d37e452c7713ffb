"""Telling people of incidents: what happens goes to the groups, what they decide into the outbox,
and from there each target's carrier takes it."""

import asyncio
import contextlib
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

from outkept.app.context import Context
from outkept.app.fleet import LiveServer
from outkept.config.settings import Settings
from outkept.model.event import Condition, Event, EventType
from outkept.model.incident import Incident
from outkept.model.notice import Delivery, DeliveryState, Urgency
from outkept.model.silence import Subject
from outkept.notify.alertmanager import Alertmanager
from outkept.notify.alerts import (
    MOST_AT_ONCE,
    RESEND_S,
    STALE_S,
    Alert,
    alert,
    alerts_of,
    test_alert,
)
from outkept.notify.build import target_of
from outkept.notify.carrier import Carrier, TargetState, made_up
from outkept.notify.grouping import Case, Decision, Grouping
from outkept.notify.message import Notice
from outkept.notify.queue import Retries
from outkept.notify.routing import route_of
from outkept.notify.target import Target
from outkept.notify.templates import Templates
from outkept.store.errors import StoreError
from outkept.store.outbox import Accepted, Outbox
from outkept.store.pages import Page

GATHER_S = 0.2
"""Seconds that events are gathered before the groups are looked at: in a storm they come by the
hundred."""
LONGEST_WAIT_S = 60.0
"""A clock that was set is noticed within it."""
SET_BACK_S = 5.0
AT_ONCE = 200
"""Incidents that are asked about before others get their turn: a millisecond or two."""
TRIM_EVERY_S = 600.0
WRITE_AGAIN_S = 1.0

_log = logging.getLogger(__name__)


class Telling:
    """Used in the event loop. `take` is one of the herald's listeners, after the desk's."""

    def __init__(self, context: Context, outbox: Outbox, targets: Mapping[str, Target]) -> None:
        self._context = context
        self._outbox = outbox
        self._targets = targets
        notify = context.settings.notify
        direct = {name for name, target in targets.items() if isinstance(target, Alertmanager)}
        self._direct = direct
        self._grouping = Grouping([route_of(route) for route in notify.routes], direct)
        self._link = link_of(context.settings)
        self._templates = Templates(notify.templates.title, notify.templates.body, self._link)
        self._wake = asyncio.Event()
        self._looked = time.time()
        self.carriers = {name: self._carrier(name, target) for name, target in targets.items()}

    @classmethod
    async def recalled(cls, context: Context) -> "Telling":
        """With what was told, and what was to be told, before the start. Raises StoreError, and
        TargetError where a file with a secret can't be read."""
        settings = context.settings.notify
        # The files of secrets are read, which blocks.
        targets = await asyncio.to_thread(
            lambda: {name: target_of(target) for name, target in settings.targets.items()}
        )
        outbox = Outbox(context.store)
        telling = cls(context, outbox, targets)
        now = time.time()
        for one in await outbox.untold():
            subject = telling._subject(one.incident.server, one.incident.sensor)
            case = Case(one.incident, subject, one.text, dict(one.told), one.unmended)
            telling._grouping.restore(case, now)
        waiting, sent = await outbox.waiting(), await outbox.last_sent()
        for name, carrier in telling.carriers.items():
            carrier.recall([one for one in waiting if one.target == name], sent.get(name))
        return telling

    def take(self, event: Event) -> None:
        """An event is on disk."""
        if self.carriers:
            subject = self._subject(event.server, event.sensor)
            self._grouping.take(event, subject, time.time())
            self._wake.set()

    async def run(self) -> None:
        """Decide and carry until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._decide(), name="notices")
            group.create_task(self._trim(), name="old notices")
            for name, carrier in self.carriers.items():
                group.create_task(carrier.run(), name=f"notices to {name}")

    # What the API asks

    async def notices(
        self,
        limit: int,
        cursor: str | None,
        *,
        target: str | None = None,
        state: DeliveryState | None = None,
    ) -> Page[Delivery]:
        """A page of notices, newest first. Raises ValueError for a bad cursor."""
        return await self._outbox.page(limit, cursor, target=target, state=state)

    def states(self) -> list[TargetState]:
        """How each target stands, by name."""
        return [carrier.state() for _, carrier in sorted(self.carriers.items())]

    async def test(self, name: str) -> str:
        """Send a target something to test it; why it failed, empty if it didn't. Raises KeyError
        where there is no such target."""
        carrier, now = self.carriers[name], time.time()
        return await carrier.test(replace(made_up(name, now), alerts=(test_alert(now),)))

    # Deciding

    async def _decide(self) -> None:
        while True:
            await self._until_due()
            await asyncio.sleep(GATHER_S)
            self._wake.clear()
            now = time.time()
            if now < self._looked - SET_BACK_S:
                self._grouping.rewound(now)
            self._looked = now
            groups = self._grouping.due(now)
            if not groups:
                continue
            wanting = self._grouping.wanting(groups, now)
            free = await self._free(list(wanting.values()), now)
            decision = self._grouping.decide(groups, now, free)
            if not decision.empty:
                await self._carry_out(decision, now)

    async def _until_due(self) -> None:
        pause = min(max(self._grouping.next_look() - time.time(), 0.0), LONGEST_WAIT_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._wake.wait()

    async def _free(self, cases: Sequence[Case], now: float) -> set[int]:
        """The ids of those that nothing holds, looked at some at a time."""
        free = set[int]()
        open_ = self._context.desk.incidents() if cases else []
        blind = [one for one in open_ if one.condition is Condition.BLIND]
        for start in range(0, len(cases), AT_ONCE):
            free |= {
                case.incident.id
                for case in cases[start : start + AT_ONCE]
                if not self._is_held(case, blind, now)
            }
            await asyncio.sleep(0)
        return free

    def _is_held(self, case: Case, blind: Sequence[Incident], now: float) -> bool:
        """Whether it is silenced, or its server is gone, or we may be blind to its server."""
        desk, incident = self._context.desk, case.incident
        if incident.server is not None:
            gone = desk.incident((Condition.GONE, incident.server, None))
            if gone is not None and incident.condition is not Condition.GONE:
                return True
            if any(self._is_over(one, incident.server) for one in blind):
                return True
        return desk.silence(case.subject, now) is not None

    def _is_over(self, blind: Incident, server: str) -> bool:
        """Whether being blind, to a range or to everything, is about this server."""
        if blind.sensor is None:
            return True
        live = self._context.fleet.get(server)
        rng = next((r for r in self._context.settings.ranges if r.text == blind.sensor), None)
        if live is None or rng is None:
            return True
        return any(endpoint.address in rng for endpoint in live.record.endpoints)

    async def _carry_out(self, decision: Decision, now: float) -> None:
        """Into the outbox, however long its disk takes; then to the carriers."""
        deliveries = await asyncio.to_thread(lambda: list(self._deliveries(decision, now)))
        write = partial(self._outbox.put, deliveries, decision.told, decision.forgotten, now)
        accepted = await self._written(write)
        for name in {one.target for one in deliveries}:
            carrier = self.carriers[name]
            own = [one for one in accepted.deliveries if one.target == name]
            carrier.add(own, accepted.dropped.get(name, frozenset()))

    def _deliveries(self, decision: Decision, now: float) -> Iterator[Delivery]:
        for notice in decision.notices:
            if notice.target not in self.carriers:
                continue
            if notice.target in self._direct:
                yield from self._alerts(notice, now)
            else:
                words = self._templates.words(notice)
                yield _delivery(notice, words.title, words.body, words.urgency)

    def _alerts(self, notice: Notice, now: float) -> Iterator[Delivery]:
        mentions = iter(notice.mentions)
        while some := tuple(islice(mentions, MOST_AT_ONCE // 2)):
            part = Notice(notice.target, notice.at, some)
            words = self._templates.words(part)
            alerts = tuple(alerts_of(some, now, self._link))
            yield _delivery(part, words.title, words.body, words.urgency, alerts)

    async def _written(self, write: Callable[[], Awaitable[Accepted]]) -> Accepted:
        while True:
            try:
                return await write()
            except StoreError as error:
                _log.error("notices are waiting for the disk: %s", error)
                await asyncio.sleep(WRITE_AGAIN_S)

    async def _trim(self) -> None:
        while True:
            try:
                more = await self._outbox.trim(time.time())
            except StoreError as error:
                _log.error("%s", error)
                more = False
            await asyncio.sleep(1.0 if more else TRIM_EVERY_S)

    # Parts

    def _carrier(self, name: str, target: Target) -> Carrier:
        settings = self._context.settings.notify
        again = partial(self._going_on, name, target) if isinstance(target, Alertmanager) else None
        return Carrier(
            name,
            target,
            self._outbox,
            self._tell,
            timeout=settings.timeout,
            retries=Retries(settings.give_up_after),
            save_failed=StoreError,
            refresh=again,
            refresh_every=RESEND_S,
        )

    def _going_on(self, name: str, target: Alertmanager) -> list[Callable[[], None]]:
        """What an Alertmanager is to be told again, so that it doesn't take it for over."""
        ends = time.time() + STALE_S
        alerts: list[Alert] = [
            alert(case.incident, case.subject, case.text, self._link, ends, level=told.level)
            for case in self._grouping.cases()
            if case.incident.ended is None and (told := case.told.get(name)) is not None
        ]
        return [
            partial(target.post, alerts[start : start + MOST_AT_ONCE])
            for start in range(0, len(alerts), MOST_AT_ONCE)
        ]

    def _subject(self, server: str | None, sensor: str | None) -> Subject:
        live = self._context.fleet.get(server) if server is not None else None
        return subject_of(live, server, sensor)

    def _tell(self, text: str) -> None:
        self._context.herald.announce(Event(time.time(), EventType.MESSAGE, text))


def subject_of(live: LiveServer | None, server: str | None, sensor: str | None) -> Subject:
    """What an incident is about, also where its server is no longer here."""
    if live is None:
        return Subject(server or "", server or "", {}, sensor or "")
    return Subject(live.record.id, live.name, live.record.labels, sensor or "")


def link_of(settings: Settings) -> str | None:
    """The dashboard's origin as those who are told reach it; None: it isn't known."""
    return settings.notify.link or settings.dashboard.origin


def _delivery(
    notice: Notice, title: str, body: str, urgency: Urgency, alerts: tuple[Alert, ...] = ()
) -> Delivery:
    said = [f"{one.kind}:{one.incident.id}:{one.incident.level}" for one in notice.mentions]
    key = hashlib.sha256("\n".join([repr(notice.at), *said]).encode()).hexdigest()[:32]
    incidents = tuple(one.incident.id for one in notice.mentions)
    return Delivery(notice.target, notice.at, key, title, body, urgency, incidents, alerts)
