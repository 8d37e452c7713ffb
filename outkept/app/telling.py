"""Telling people of incidents: what is decided goes into the outbox, and from there each target's
carrier takes it."""

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

from outkept.app.context import Context
from outkept.app.deciding import Deciding
from outkept.config.settings import Settings
from outkept.model.event import Event, EventType
from outkept.model.notice import Delivery, DeliveryState, Urgency
from outkept.notify.alertmanager import Alertmanager
from outkept.notify.alerts import (
    MOST_AT_ONCE,
    RESEND_S,
    STALE_S,
    Alert,
    Going,
    alerts_of,
    going_on,
    test_alert,
)
from outkept.notify.build import target_of
from outkept.notify.carrier import Carrier, TargetState, made_up
from outkept.notify.grouping import Decision
from outkept.notify.message import Notice
from outkept.notify.queue import Retries
from outkept.notify.routing import route_of
from outkept.notify.target import Target
from outkept.notify.templates import Templates
from outkept.store.errors import StoreError
from outkept.store.outbox import Accepted, Outbox
from outkept.store.pages import Page

TRIM_EVERY_S = 600.0
WRITE_AGAIN_S = 1.0
MOST_NAMED = 250
"""Incidents of a notice that are kept by their ids, to be linked to and to be told in order: each
try looks through those of all that wait."""
NO_TARGET = "no target has this name any more"

_log = logging.getLogger(__name__)


class Telling:
    """Used in the event loop. `take` is one of the herald's listeners, after the desk's."""

    def __init__(self, context: Context, outbox: Outbox, targets: Mapping[str, Target]) -> None:
        notify = context.settings.notify
        self._context = context
        self._outbox = outbox
        self._direct = {
            name for name, target in targets.items() if isinstance(target, Alertmanager)
        }
        routes = [route_of(route) for route in notify.routes]
        self._deciding = Deciding(context, outbox, routes, self._direct)
        self._link = link_of(context.settings)
        self._templates = Templates(notify.templates.title, notify.templates.body, self._link)
        self._carriers = {name: self._carrier(name, target) for name, target in targets.items()}

    @classmethod
    async def recalled(cls, context: Context) -> "Telling":
        """With what was told, and what was to be told, before the start. Raises StoreError, and
        TargetError where a file with a secret can't be read."""
        settings = context.settings.notify
        # The files of secrets are read, which blocks.
        targets = await asyncio.to_thread(
            lambda: {name: target_of(target) for name, target in settings.targets.items()}
        )
        telling = cls(context, Outbox(context.store), targets)
        await telling._recall()
        return telling

    async def _recall(self) -> None:
        await self._deciding.recall()
        waiting, sent = await self._outbox.waiting(), await self._outbox.last_sent()
        for name, carrier in self._carriers.items():
            carrier.recall([one for one in waiting if one.target == name], sent.get(name))
        for one in waiting:
            if one.target not in self._carriers:
                gone = replace(one, state=DeliveryState.GIVEN_UP, error=NO_TARGET)
                await self._outbox.save(replace(gone, finished_at=time.time()))

    def take(self, event: Event) -> None:
        """An event is on disk."""
        if self._carriers:
            self._deciding.take(event)

    async def run(self) -> None:
        """Decide and carry until cancelled."""
        async with asyncio.TaskGroup() as group:
            if self._carriers:
                group.create_task(self._deciding.run(self._carry_out), name="notices")
            group.create_task(self._trim(), name="old notices")
            for name, carrier in self._carriers.items():
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
        return [carrier.state() for _, carrier in sorted(self._carriers.items())]

    async def test(self, name: str) -> str:
        """Send a target something to test it; why it failed, empty if it didn't. Raises KeyError
        where there is no such target."""
        carrier, now = self._carriers[name], time.time()
        return await carrier.test(replace(made_up(name, now), alerts=(test_alert(now),)))

    # Carrying out what is decided

    async def _carry_out(self, decision: Decision, now: float) -> None:
        """Into the outbox, however long its disk takes; then to the carriers."""
        deliveries = await asyncio.to_thread(lambda: list(self._deliveries(decision, now)))
        write = partial(self._outbox.put, deliveries, decision.told, decision.forgotten, now)
        accepted = await self._written(write)
        for name in {one.target for one in deliveries}:
            carrier = self._carriers[name]
            own = [one for one in accepted.deliveries if one.target == name]
            carrier.add(own, accepted.dropped.get(name, frozenset()))

    def _deliveries(self, decision: Decision, now: float) -> Iterator[Delivery]:
        for notice in decision.notices:
            if notice.target not in self._carriers:
                continue
            if notice.target in self._direct:
                yield from self._alerts(notice, now)
            else:
                words = self._templates.words(notice)
                yield _delivery(notice, words.title, words.body, words.urgency)

    def _alerts(self, notice: Notice, now: float) -> Iterator[Delivery]:
        mentions = iter(notice.mentions)
        while some := tuple(islice(mentions, MOST_NAMED)):
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
        again = partial(self._again, name, target) if isinstance(target, Alertmanager) else None
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

    async def _again(self, name: str, target: Alertmanager) -> list[Callable[[], None]]:
        """What an Alertmanager is to be told again, so that it doesn't take it for over."""
        going = await self._deciding.going_on(name)
        return [
            partial(_post, target, going[start : start + MOST_AT_ONCE], self._link)
            for start in range(0, len(going), MOST_AT_ONCE)
        ]

    def _tell(self, text: str) -> None:
        self._context.herald.announce(Event(time.time(), EventType.MESSAGE, text))


def link_of(settings: Settings) -> str | None:
    """The dashboard's origin as those who are told reach it; None: it isn't known."""
    return settings.notify.link or settings.dashboard.origin


def _post(target: Alertmanager, going: Sequence[Going], link: str | None) -> None:
    target.post(going_on(going, time.time() + STALE_S, link))


def _delivery(
    notice: Notice, title: str, body: str, urgency: Urgency, alerts: tuple[Alert, ...] = ()
) -> Delivery:
    said = [f"{one.kind}:{one.incident.id}:{one.incident.level}" for one in notice.mentions]
    key = hashlib.sha256("\n".join([repr(notice.at), *said]).encode()).hexdigest()[:32]
    incidents = tuple(one.incident.id for one in notice.mentions[:MOST_NAMED])
    return Delivery(notice.target, notice.at, key, title, body, urgency, incidents, alerts)
