"""What holds reactions back, and what is counted for it: the kill switch, latches, what runs and
what was started lately. Asked by whatever runs commands on servers."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import Any

from outkept.act.ledger import Ledger, Moment, Start
from outkept.act.policy import Group, Situation, allowed, mode_for
from outkept.app.context import Context
from outkept.app.desk import subject
from outkept.app.fleet import LiveServer, Series
from outkept.config.overrides import subject_of
from outkept.config.settings import ReactionRule
from outkept.model.action import ActionOutcome, Latch, ReactionMode, Stop
from outkept.model.event import Condition, Event, EventType, sensor_label
from outkept.model.incident import Incident
from outkept.model.sensor import Sensor
from outkept.ssh.connection import Connection
from outkept.store.latches import Latches

Json = dict[str, Any]

COUNT_EVERY_S = 1.0
"""How long the number of servers with one value of a label is taken to stay what it is: in an
alarm of the whole fleet it would be counted for each server."""
MOST_RULES_SHOWN = 50
"""Rules that are shown one by one."""


@dataclass(frozen=True, slots=True)
class Running:
    """A command that runs on a server, or is about to. `since` is UNIX seconds; `by` is empty where
    nobody had it run."""

    server: str
    sensor: str
    instance: str | None
    step: int
    since: float
    start: Start
    by: str = ""

    @property
    def label(self) -> str:
        """The series that it is about."""
        return sensor_label(self.sensor, self.instance)


class Guards:
    """Used in the event loop only. `blind` says why we may be blind to a server, empty where we
    aren't; `flapping` whether a series flaps. `freed` are called with the server that something
    ended on, and with None where all that wait have to be asked again."""

    def __init__(
        self,
        context: Context,
        *,
        blind: Callable[[LiveServer], str],
        flapping: Callable[[Series], bool],
    ) -> None:
        self._context = context
        self._blind = blind
        self._flapping = flapping
        self._limits = context.settings.reactions
        self._stored = Latches(context.store)
        self._loop = asyncio.get_running_loop()
        self._ledger = Ledger(max(self._limits.latch.within, self._limits.share.within))
        self._latches: dict[tuple[str, str], Latch] = {}
        self._stop: Stop | None = None
        self._saving = asyncio.Lock()
        """Held while the disk follows `_stop`, so that it ends as the last of them says."""
        self._running: dict[str, Running] = {}
        self._counted = -COUNT_EVERY_S
        self._counts: dict[str, Counter[str]] = {}
        self.freed: list[Callable[[str | None], None]] = []

    async def load(self) -> None:
        """Take up what was before a restart. Raises StoreError."""
        now = time.time()
        self._stop = await self._stored.stop()
        self._latches = {(one.server, one.sensor): one for one in await self._stored.all()}
        for action in await self._stored.started(now - self._ledger.window):
            dry = action.outcome is ActionOutcome.DRY_RUN
            at = Moment(action.at)
            self._ledger.add(Start(action.server, action.sensor, action.step, at, dry))
        for one in await self._stored.released():
            self._ledger.pardon(one.server, one.sensor, one.at)

    # What is asked before something runs

    @property
    def stopped(self) -> Stop | None:
        """Who has stopped all reactions, None where nobody has."""
        return self._stop

    def mode(self, live: LiveServer, sensor: Sensor) -> tuple[ReactionMode, str]:
        """The mode of a sensor's reactions on a server, and the setting that says so."""
        return mode_for(self._limits, sensor, subject_of(live.record))

    def situation(
        self,
        live: LiveServer,
        sensor: Sensor,
        instance: str | None,
        *,
        step: int = 1,
        cause: str = "",
        by_zero: bool = False,
        started: bool = False,
        by_hand: bool = False,
        besides: Set[str] = frozenset(),
    ) -> Situation:
        """All that the policy needs to decide about a step of a sensor's reaction on a server,
        over the connection that there is now. The mode is about what runs by itself: `by_hand` it
        is always on. The servers `besides` count as if they were reacted on."""
        server, label = live.record.id, sensor_label(sensor.name, instance)
        mode, mode_from = self.mode(live, sensor)
        if by_hand:
            mode = ReactionMode.ON
        dry, now = mode is ReactionMode.DRY_RUN, self._now()
        incident = self.incident(live, label)
        series = live.series.get((sensor.name, instance))
        running = self._running.get(server)
        reacted = self._ledger.servers(self._limits.share.within, now, dry=dry) | besides
        reacted -= {server}
        return Situation(
            mode=mode,
            mode_from=mode_from,
            limits=self._limits,
            cooldown=sensor.cooldown,
            command=sensor.reaction(step),
            cause=cause,
            step=step,
            by_zero=by_zero,
            stopped=_words(self._stop),
            started=started,
            host_key=self.doubt(live, live.connection),
            acknowledged_by=incident.acknowledged_by if incident is not None else "",
            silenced=self._silenced(live, label),
            blind=self._blind(live),
            flapping=series is not None and self._flapping(series),
            latched=self._latched(server, sensor.name),
            ran_ago=self._ledger.ran_ago(server, sensor.name, step, now, dry=dry),
            runs=self._ledger.runs(server, sensor.name, self._limits.latch.within, now, dry=dry),
            running=running.label if running is not None else "",
            at_once=len(self._running.keys() - {server}),
            reacted=len(reacted),
            fleet=len(self._context.fleet),
            groups=self._groups(live, reacted),
        )

    def doubt(self, live: LiveServer, connection: Connection | None) -> str:
        """Why a command sent over `connection` might reach another machine than this server, or
        none; empty where nothing says so. The host key is compared with the one that the server
        was identified by, and with the one that is trusted for the endpoint now."""
        if self._context.fleet.get(live.record.id) is not live:
            return "the server was removed"
        if live.record.quarantine:
            return f"the server is quarantined: {live.record.quarantine}"
        if connection is None or connection.lost is not None or live.connection is not connection:
            return "the server is not connected"
        endpoint = connection.endpoint
        if self._context.fleet.at(endpoint) is not live:
            return f"{endpoint} is another server's address by now"
        if connection.host_key != live.record.identity.host_key:
            return f"the host key at {endpoint} is not the one that the server was seen with last"
        if not self._context.client.trusts(endpoint, connection.host_key):
            return f"the host key at {endpoint} is not the one that is trusted there now"
        return ""

    def incident(self, live: LiveServer, label: str) -> Incident | None:
        """The open incident of a series' level."""
        return self._context.desk.incident((Condition.LEVEL, live.record.id, label))

    # What runs

    def claim(
        self,
        live: LiveServer,
        sensor: Sensor,
        instance: str | None,
        *,
        step: int,
        by: str = "",
        dry: bool = False,
    ) -> Running:
        """Something is about to be started: it counts from now on. Whoever claims says how it
        ended, by `ended`. A dry run is over at once."""
        server, now = live.record.id, self._now()
        start = Start(server, sensor.name, step, now, dry)
        self._ledger.add(start)
        running = Running(server, sensor.name, instance, step, now.wall, start, by)
        if not dry:
            self._running[server] = running
        return running

    def ended(self, running: Running, *, sent: bool) -> None:
        """It is over; what was not sent counts no more."""
        if not sent:
            self._ledger.withdraw(running.start)
        if self._running.get(running.server) is running:
            del self._running[running.server]
            self._free(running.server)

    @property
    def full(self) -> bool:
        """Whether reactions run on as many servers as they may."""
        return len(self._running) >= self._limits.at_once

    @property
    def running(self) -> int:
        """On how many servers a command runs, or is about to."""
        return len(self._running)

    @property
    def latched(self) -> int:
        """How many sensors' reactions rest on a server until a person releases them."""
        return len(self._latches)

    # What people do, and what is done to wait for them

    async def stop(self, reason: str, by: str) -> Stop:
        """Let nothing react from now on, what waits for its turn included. Raises StoreError where
        it isn't on disk: it then holds until the daemon ends."""
        stop = self._stop = Stop(time.time(), by, reason)
        self._tell(f"all reactions are stopped by {by}: {reason}", by)
        self._free(None)
        async with self._saving:
            await self._stored.set_stop(stop)
        return stop

    async def resume(self, by: str) -> bool:
        """Let reactions run again; false where nobody has stopped them, and where somebody stops
        them anew meanwhile. Raises StoreError; they stay stopped then."""
        stop = self._stop
        async with self._saving:
            if stop is None or self._stop is not stop:
                return False
            await self._stored.set_stop(None)
            if self._stop is not stop:
                return False
            self._stop = None
        self._tell(f"reactions are resumed by {by}", by)
        return True

    async def latch(self, live: LiveServer, sensor: Sensor, reason: str) -> None:
        """Let a sensor's reactions rest on a server until a person releases them. Raises StoreError
        where it isn't on disk: it then holds until the daemon ends."""
        latch = Latch(live.record.id, sensor.name, time.time(), reason)
        if self._latches.setdefault((latch.server, latch.sensor), latch) is not latch:
            return
        text = f"the reactions of {sensor.name} are latched until a person releases them: {reason}"
        self._tell(f"{live.name}: {text}", None, live, sensor.name)
        await self._stored.add(latch)

    async def release(self, server: str, sensor: str, by: str) -> bool:
        """Let a sensor's reactions run again on a server; false where they aren't latched. What ran
        before counts for no further latch. Raises StoreError; it stays latched then."""
        if (server, sensor) not in self._latches:
            return False
        await self._stored.release(server, sensor, time.time())
        self._latches.pop((server, sensor), None)
        self._ledger.pardon(server, sensor)
        live = self._context.fleet.get(server)
        name = live.name if live is not None else server
        self._tell(f"{name}: the reactions of {sensor} are released by {by}", by, live, sensor)
        return True

    def take(self, event: Event) -> None:
        """An event is on disk: with a server that is removed, what is known of it goes."""
        if event.type is EventType.REMOVED and event.server is not None:
            self._ledger.forget(event.server)
            for key in [key for key in self._latches if key[0] == event.server]:
                del self._latches[key]

    def view(self) -> Json:
        """What `serve.reactions.Reactions` documents."""
        limits, now = self._limits, self._now()
        reacted = self._ledger.servers(limits.share.within, now, dry=False)
        fleet = len(self._context.fleet)
        return {
            "mode": limits.mode.value,
            "rules": len(limits.rules),
            "first_rules": [_rule_view(rule) for rule in limits.rules[:MOST_RULES_SHOWN]],
            "stopped": None if self._stop is None else _stop_view(self._stop),
            "latches": [self._latch_view(one) for one in self._latches.values()],
            "running": [self._running_view(one) for one in self._running.values()],
            "at_once": {"most": limits.at_once, "now": len(self._running)},
            "latch": {"runs": limits.latch.runs, "within": limits.latch.within},
            "share": {
                "within": limits.share.within,
                "fleet": {
                    "most": allowed(limits.share.fleet, fleet),
                    "now": len(reacted),
                    "of": fleet,
                },
                "labels": self._label_views(reacted),
            },
        }

    def _free(self, server: str | None) -> None:
        for free in self.freed:
            free(server)

    def _now(self) -> Moment:
        return Moment(time.time(), self._loop.time())

    def _silenced(self, live: LiveServer, label: str) -> str:
        silence = self._context.desk.silence(subject(live, label), time.time())
        return "" if silence is None else f"{silence.reason} ({silence.author})"

    def _latched(self, server: str, sensor: str) -> str:
        latch = self._latches.get((server, sensor))
        return "" if latch is None else latch.reason

    def _groups(self, live: LiveServer, reacted: set[str]) -> tuple[Group, ...]:
        groups = []
        for label in self._limits.share.labels:
            value = live.record.labels.get(label)
            if value is not None:
                servers = self._count(label)[value]
                groups.append(Group(label, value, servers, self._reacted(label, value, reacted)))
        return tuple(groups)

    def _reacted(self, label: str, value: str, reacted: set[str]) -> int:
        lives = (self._context.fleet.get(server) for server in reacted)
        return sum(one is not None and one.record.labels.get(label) == value for one in lives)

    def _count(self, label: str) -> Counter[str]:
        """How many servers have each value of a label."""
        now = self._loop.time()
        if now - self._counted >= COUNT_EVERY_S:
            self._counted, self._counts = now, {}
        if label not in self._counts:
            values = (live.record.labels.get(label) for live in self._context.fleet)
            self._counts[label] = Counter(value for value in values if value is not None)
        return self._counts[label]

    def _label_views(self, reacted: set[str]) -> list[Json]:
        """Only where something was reacted on: a label may have any number of values."""
        views = []
        lives = [live for one in reacted if (live := self._context.fleet.get(one)) is not None]
        for label, share in self._limits.share.labels.items():
            used = Counter(live.record.labels.get(label) for live in lives)
            for value, now in used.items():
                if value is not None:
                    servers = self._count(label)[value]
                    most = allowed(share, servers)
                    views.append(
                        {"label": label, "value": value, "most": most, "now": now, "of": servers}
                    )
        return views

    def _latch_view(self, one: Latch) -> Json:
        return {
            "server": one.server,
            "hostname": self._name(one.server),
            "sensor": one.sensor,
            "at": one.at,
            "reason": one.reason,
        }

    def _running_view(self, one: Running) -> Json:
        return {
            "server": one.server,
            "hostname": self._name(one.server),
            "sensor": one.sensor,
            "instance": one.instance,
            "step": one.step,
            "since": one.since,
            "by": one.by,
        }

    def _name(self, server: str) -> str:
        live = self._context.fleet.get(server)
        return live.name if live is not None else server

    def _tell(
        self, text: str, by: str | None, live: LiveServer | None = None, sensor: str | None = None
    ) -> None:
        server = live.record.id if live is not None else None
        event = Event(time.time(), EventType.CONTROL, text, server, sensor, by=by)
        self._context.herald.announce(event)


def _words(stop: Stop | None) -> str:
    return "" if stop is None else f"{stop.by}: {stop.reason}"


def _rule_view(rule: ReactionRule) -> Json:
    return {"mode": rule.mode.value, "sensors": list(rule.sensors), "match": rule.match.written}


def _stop_view(stop: Stop) -> Json:
    return {"at": stop.at, "by": stop.by, "reason": stop.reason}
