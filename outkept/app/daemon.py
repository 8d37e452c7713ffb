"""The daemon: where the stages meet."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from outkept.app.addresses import Addresses
from outkept.app.blindness import Blindness
from outkept.app.context import Context
from outkept.app.control import Control
from outkept.app.crawl import Crawl
from outkept.app.desk import Desk
from outkept.app.faults import Faults
from outkept.app.fleet import Fleet
from outkept.app.guards import Guards
from outkept.app.heap import Heap
from outkept.app.herald import Herald
from outkept.app.judge import Judge
from outkept.app.lookout import Lookout
from outkept.app.notices import NoticesView
from outkept.app.past import recall
from outkept.app.reaction_control import ReactionControl
from outkept.app.reactions import Reactions
from outkept.app.sessions import Sessions
from outkept.app.source import DaemonSource
from outkept.app.tally import Tally
from outkept.app.telling import Telling
from outkept.app.views import event_view
from outkept.config.settings import Settings
from outkept.model.action import Action
from outkept.model.event import Event, EventType, sensor_label
from outkept.model.sensor import Sensor
from outkept.poll.poller import Defaults, Poller
from outkept.serve.live import Hub
from outkept.ssh.client import Client
from outkept.store.silences import Silences
from outkept.store.store import Store

FLUSH_DEADLINE = 5.0
"""Seconds that events may take to reach the disk when the daemon stops."""

_log = logging.getLogger(__name__)


@asynccontextmanager
async def running(
    settings: Settings, library: Sequence[Sensor], store: Store, client: Client
) -> AsyncIterator[tuple[DaemonSource, Hub]]:
    """The daemon at work for the time of the context; gives what the API needs.

    On leaving, connections are closed and what was announced is on disk. The store stays the
    caller's. A defect in one of its parts ends the context with that error.
    """
    await _end_orphans(store)
    context = await _assembled(settings, library, store, client)
    sessions = Sessions(context)
    crawl = Crawl(context, sessions)
    guards = Guards(context, blind=context.blindness.over, flapping=lambda series: series.flapping)
    await guards.load()
    context.herald.listeners.append(guards.take)
    reactions = Reactions(context, guards)
    control = Control(context, guards)
    telling = await Telling.recalled(context)
    context.herald.listeners.append(telling.take)
    source = DaemonSource(
        context, crawl, ReactionControl(context, guards, reactions), control, NoticesView(telling)
    )
    context.hub = Hub(source)
    await _tell_unfinished(context)
    async with asyncio.TaskGroup() as group:
        writing = group.create_task(context.herald.run(), name="herald")
        parts = [
            group.create_task(part, name=name)
            for name, part in (
                ("poller", context.poller.run()),
                ("hub", context.hub.run()),
                ("sessions", sessions.run()),
                ("crawl", crawl.run()),
                ("desk", context.desk.run()),
                ("reactions", reactions.run()),
                ("control", control.run()),
                ("telling", telling.run()),
                ("lookout", Lookout(context, sessions).run()),
                ("canaries", context.blindness.run()),
            )
        ]
        try:
            yield source, context.hub
        finally:
            for part in parts:
                part.cancel()
            await asyncio.wait(parts)
            context.hand_over()
            await context.herald.drain(FLUSH_DEADLINE)
            writing.cancel()


async def _end_orphans(store: Store) -> None:
    """What is open of a server that nobody knows would never end: nothing reads it."""
    now = time.time()

    def say(server: str) -> Event:
        text = f"{server} removed: it is not known any more"
        return Event(now, EventType.REMOVED, text, server)

    await store.remove_orphans(say)


async def _assembled(
    settings: Settings, library: Sequence[Sensor], store: Store, client: Client
) -> Context:
    fleet = Fleet(await store.load_servers())
    defaults = Defaults(settings.sensors.every, settings.ssh.command_timeout)
    herald = Herald(store.add_event)
    silences = Silences(store)
    # In a thread: preparing the globs of a thousand silences takes the better part of a second.
    desk = await asyncio.to_thread(
        Desk, herald, silences, await store.open_incidents(), await silences.going_on()
    )
    herald.listeners += (desk.take, lambda event: context.hub.event(event_view(event)))
    poller = Poller(
        lambda connection, sensor, reading: context.take(connection, sensor, reading),
        defaults,
        fleet.urgent,
    )
    judging = settings.judging
    faults = Faults(herald.announce, judging, settings.ssh.command_timeout)
    context = Context(
        settings=settings,
        library=library,
        store=store,
        client=client,
        fleet=fleet,
        addresses=Addresses(await store.load_addresses()),
        herald=herald,
        desk=desk,
        judge=Judge(fleet, herald.announce, poller.interval, faults, judging.flapping),
        faults=faults,
        blindness=Blindness(judging, settings.ranges, herald.announce, desk.incidents()),
        poller=poller,
        tally=Tally(),
        past=await recall(store),
        heap=Heap(time.time()),
    )
    return context


async def _tell_unfinished(context: Context) -> None:
    """With the outcome on disk, in one transaction; nobody listens yet."""
    now = time.time()
    names = {live.record.id: live.name for live in context.fleet}

    def say(action: Action) -> Event:
        label = sensor_label(action.sensor, action.instance)
        text = f"whether {action.named} ran is unknown: the daemon was cut off; it is not repeated"
        return Event(
            now,
            EventType.MESSAGE,
            f"{names.get(action.server, action.server)}: {text}",
            action.server,
            label,
            incident=action.incident,
        )

    await context.store.close_unfinished(now, say)
