"""Alarms become reactions: asked of the policy, written down, run on the connection that gave the
reading, looked at until they have mended it, told.

One task for each series that is dealt with, from its alarm to the end of the last step:

1. admitted: the policy is asked; what holds for a while is waited for, as long as it is alarmed
2. claimed: it counts from this moment, so that no two decisions see the same room
3. intended: on disk; without that nothing is sent
4. sent, after what may have changed since was asked once more, in the same instant
5. finished: its outcome is on disk, and told
6. looked at: the sensor is read again, at once and on; mended, or the next step
"""

import asyncio
import logging
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from outkept.act.environment import Occasion, with_environment
from outkept.act.policy import Decision, Guard, decide, holds
from outkept.act.runner import intend, perform, record
from outkept.app.context import Context
from outkept.app.fleet import LiveServer, Series
from outkept.app.guards import Guards, Running
from outkept.app.insist import insist
from outkept.app.judge import Alarm
from outkept.config.durations import format_duration
from outkept.model.action import Action, ActionOutcome, AlreadyStartedError, ReactionMode
from outkept.model.command import CommandOutcome
from outkept.model.event import Condition, Event, EventType, sensor_label, split_label
from outkept.model.incident import Incident
from outkept.model.level import Level
from outkept.model.reading import Reading
from outkept.model.sensor import Sensor
from outkept.model.server import Endpoint
from outkept.ssh.channels import Priority
from outkept.ssh.connection import Connection
from outkept.store.errors import StoreError

STEPS = (1, 2)
MOST_TRIES = 3
"""How often a step that was not sent is tried: nothing ran, but a server that takes no command
three times is one that people should see."""
ASK_AGAIN_S = 10.0
"""How long a held reaction waits for something to change before the policy is asked again."""
WOKEN_AT_ONCE = 100
"""Held reactions that are asked again in one turn of the loop, where all are: to ask about a
hundred takes some milliseconds."""
RECALLED_AT_ONCE = 4
"""Alarms of incidents that go on whose actions are read at once: the store turns readers away where
too many wait, and people's pages are among them."""
LOOKS = 10
"""How often a sensor is read, at least, in the time in which it may be mended."""
LEAST_BETWEEN_S = 1.0

_RAN = (ActionOutcome.INTENDED, ActionOutcome.DONE, ActionOutcome.UNKNOWN)
_LAST_MOMENT = frozenset(
    {
        Guard.STOPPED,
        Guard.MODE,
        Guard.ZERO,
        Guard.HOST_KEY,
        Guard.ACKNOWLEDGED,
        Guard.SILENCED,
        Guard.BLIND,
    }
)
"""What may have come up while a command waited for its channel."""

_OVER = (EventType.MENDED, EventType.NOT_MENDED, EventType.WARNED, EventType.FLAPPING)
"""What is told once the alarm that a step ran for was left, or given up: one that is entered again
in the same incident gets no further step."""

Work = Coroutine[Any, Any, None]

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Case:
    """A series that is alarmed and dealt with. `connection` gave the newest reading, None where
    that is not known; `endpoint` is where the first of them came from. `by_zero` says that it was
    entered by a value of 0. `ran` are the steps that were started, `shown` those that would have
    been in a dry run. `guard` is what it waits for to pass. `next` is the alarm of the next
    incident of the series, where that came before this one was done with."""

    live: LiveServer
    sensor: Sensor
    instance: str | None
    incident: int
    cause: str
    by_zero: bool = False
    connection: Connection | None = None
    endpoint: Endpoint | None = None
    ran: set[int] = field(default_factory=set)
    shown: set[int] = field(default_factory=set)
    guard: Guard | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    next: Alarm | None = None

    @property
    def label(self) -> str:
        """The series, as events name it."""
        return sensor_label(self.sensor.name, self.instance)

    @property
    def series(self) -> Series | None:
        """What is followed of it; None once it is gone."""
        return self.live.series.get((self.sensor.name, self.instance))

    async def wait(self, seconds: float) -> None:
        """Return once something has changed, after `seconds` at the latest. Cancel-safe."""
        try:
            async with asyncio.timeout(seconds):
                await self.changed.wait()
        except TimeoutError:
            pass
        self.changed.clear()


class Reactions:
    """Everything that reacts by itself. `run` parents its tasks: at most one for each series."""

    def __init__(self, context: Context, guards: Guards) -> None:
        self._context = context
        self._guards = guards
        self._settings = context.settings.reactions
        self._cases: dict[tuple[str, str], dict[str | None, _Case]] = {}
        # Two, so that nobody looks through all that wait for something else for the first of those
        # that wait for a place.
        self._held: dict[_Case, None] = {}
        self._line: dict[_Case, None] = {}
        self._recalling = asyncio.Semaphore(RECALLED_AT_ONCE)
        self._loop = asyncio.get_running_loop()
        guards.freed.append(self._freed)

    async def run(self) -> None:
        """Take up alarms until cancelled; reactions under way are then cut off, and are
        *unknown* at the next start."""
        async with asyncio.TaskGroup() as group:
            for case, action in await self._left_over():
                self._open(group, case, self._go_on(case, action))
            while True:
                self._begin(group, await self._context.herald.alarms.get())

    def waiting(self) -> list[tuple[LiveServer, str, Guard]]:
        """Series whose reactions wait for what holds them to pass: server, label and guard."""
        return [
            (case.live, case.label, case.guard)
            for cases in self._cases.values()
            for case in cases.values()
            if case.guard is not None
        ]

    # Cases

    def _begin(self, group: asyncio.TaskGroup, alarm: Alarm) -> None:
        live = self._context.fleet.get(alarm.server)
        if not alarm.sensor.reactive or live is None or alarm.incident is None:
            return
        there = self._cases.get((alarm.server, alarm.sensor.name), {}).get(alarm.instance)
        if there is not None:
            there.next = alarm if alarm.incident != there.incident else there.next
            there.changed.set()
            return
        case = _Case(
            live,
            alarm.sensor,
            alarm.instance,
            alarm.incident,
            alarm.cause,
            alarm.by_zero,
            alarm.connection,
            alarm.connection.endpoint,
        )
        self._open(group, case, self._take_up(case, known=alarm.opened))

    def _open(self, group: asyncio.TaskGroup, case: _Case, work: Work) -> None:
        key = (case.live.record.id, case.sensor.name)
        cases = self._cases.setdefault(key, {})
        cases[case.instance] = case
        self._context.watched[key] = partial(self._noticed, cases)
        group.create_task(self._deal_with(group, case, work), name=f"reaction to {case.label}")

    async def _deal_with(self, group: asyncio.TaskGroup, case: _Case, work: Work) -> None:
        """A defect met with one series is told, and ends nothing but its reaction."""
        try:
            await work
        except StoreError as error:
            _log.error("the reaction to %s is not written down: %s", case.label, error)
            self._tell(case, EventType.MESSAGE, f"the reaction is not written down: {error}")
        except Exception as error:  # noqa: BLE001 - the one door where defects end
            self._context.defect(f"the reaction to {case.label} on {case.live.name}", error)
        finally:
            self._close(case)
        if case.next is not None:
            self._begin(group, case.next)

    def _close(self, case: _Case) -> None:
        key = (case.live.record.id, case.sensor.name)
        self._leave(case)
        cases = self._cases.get(key, {})
        if cases.get(case.instance) is case:
            del cases[case.instance]
        if not cases:
            self._cases.pop(key, None)
            self._context.watched.pop(key, None)

    def _noticed(
        self, cases: dict[str | None, _Case], connection: Connection, reading: Reading
    ) -> None:
        """A sensor was read and judged."""
        read = {sample.instance for sample in reading.samples}
        for case in cases.values():
            if case.instance in read:
                case.connection = connection
                case.endpoint = case.endpoint or connection.endpoint
            case.changed.set()

    def _freed(self, server: str | None) -> None:
        """Something ended on a server: those that wait for it, and the first of those that wait for
        a place, are asked again; without a server, all are."""
        if server is None:
            self._wake([*self._held, *self._line])
            return
        for case in self._held:
            if case.guard is Guard.BUSY and case.live.record.id == server:
                case.changed.set()
        self._call_next()

    def _wake(self, cases: list[_Case]) -> None:
        """Have some of them asked again, and the others after what else the loop has to do."""
        for case in cases[:WOKEN_AT_ONCE]:
            case.changed.set()
        if others := cases[WOKEN_AT_ONCE:]:
            self._loop.call_soon(self._wake, others)

    def _line_up(self, case: _Case, guard: Guard | None) -> None:
        """Note what it waits for; in the line it keeps its place."""
        case.guard = guard
        if guard is Guard.AT_ONCE:
            self._held.pop(case, None)
            self._line.setdefault(case)
        else:
            self._held[case] = None
            self._line.pop(case, None)
            self._call_next()

    def _leave(self, case: _Case) -> None:
        case.guard = None
        self._held.pop(case, None)
        self._line.pop(case, None)

    def _call_next(self) -> None:
        first = next(iter(self._line), None)
        if first is not None and not self._guards.full:
            del self._line[first]
            first.changed.set()

    # Its way

    async def _take_up(self, case: _Case, *, known: bool) -> None:
        """`known`: that nothing was done yet about its incident, which has just been opened."""
        if not known:
            await self._recall(case)
        await self._steps(case, STEPS, case.cause)

    async def _recall(self, case: _Case) -> None:
        """Note what was done about its incident before."""
        read = partial(self._context.store.incident, case.incident)
        async with self._recalling:
            found = await insist(
                read, f"the reaction to {case.label} waits for what was done before"
            )
        for action in found.actions if found is not None else ():
            if action.automatic and action.outcome is ActionOutcome.DRY_RUN:
                case.shown.add(action.step)
            elif _ran(action):
                case.ran.add(action.step)

    async def _go_on(self, case: _Case, action: Action) -> None:
        """Where a daemon before this one left off, after an action that ran, or may have."""
        if not await self._mended(case, action):
            await self._next(case, action, STEPS[action.step :])

    async def _steps(self, case: _Case, steps: tuple[int, ...], why: str) -> None:
        first, *others = steps
        action = await self._step(case, first, why)
        if action is not None and not await self._conclude(case, action):
            await self._next(case, action, tuple(others))

    async def _conclude(self, case: _Case, action: Action) -> bool:
        """Write down what came of it, while it is looked at; whether it was mended."""
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(self._mended(case, action), name=f"look at {case.label}")
            await self._finish(case, action)
        return looking.result()

    async def _next(self, case: _Case, action: Action, steps: tuple[int, ...]) -> None:
        """A step has not mended it. The next is only for what is known to be alarmed still."""
        what = "reaction" if action.step == 1 else "fallback"
        why = f"not mended within {format_duration(self._within(case))} by its {what}"
        if not self._is_known(case):
            await self._give_up(case, f"{why}, as far as is known: it is not read")
        elif not steps or case.sensor.reaction(steps[0]) is None:
            await self._give_up(case, why)
        else:
            self._tell(case, EventType.MESSAGE, f"{why}; its fallback is next")
            await self._steps(case, steps, why)

    async def _step(self, case: _Case, step: int, why: str) -> Action | None:
        """The action that ran, or may have; None where it is over, or nothing more is tried."""
        for _ in range(MOST_TRIES):
            decision = await self._admitted(case, step, why)
            if isinstance(decision, Decision):
                await self._hold(case, step, decision)
            if not isinstance(decision, Running):
                return None
            action = await self._run(case, step, why, decision)
            if action is None or action.outcome is not ActionOutcome.NOT_SENT:
                return action
            # Only a newer reading says that there is somebody to send it to.
            case.connection = None
            # To the disk it was started until then.
            await self._finish(case, action)
        await self._give_up(case, f"not mended: {MOST_TRIES} times it was not sent")
        return None

    async def _admitted(self, case: _Case, step: int, why: str) -> Decision | Running | None:
        """What it was claimed as, now that it may run; the decision where it may not, for good;
        None where it is over. What holds for a while is waited for, and told once."""
        told: Guard | None = None
        try:
            while self._is_alarmed(case):
                if self._stays_in_line(case):
                    self._line.setdefault(case)
                elif self._is_known(case):
                    decision = self._decide(case, step, why)
                    if decision.run:
                        return self._guards.claim(case.live, case.sensor, case.instance, step=step)
                    if not decision.waits:
                        return decision
                    if decision.guard is not told:
                        told = decision.guard
                        self._tell(case, EventType.MESSAGE, decision.reason)
                    self._line_up(case, decision.guard)
                await case.wait(ASK_AGAIN_S)
            return None
        finally:
            self._leave(case)
            self._call_next()

    def _stays_in_line(self, case: _Case) -> bool:
        """Whether there is still no place for it: in an alarm of the whole fleet, thousands would
        ask the policy in vain at each of their readings."""
        return case.guard is Guard.AT_ONCE and self._guards.full and not self._guards.stopped

    def _decide(self, case: _Case, step: int, why: str) -> Decision:
        situation = self._guards.situation(
            case.live,
            case.sensor,
            case.instance,
            step=step,
            cause=why,
            by_zero=_by_zero(case),
            started=step in case.ran,
        )
        if situation.mode is ReactionMode.DRY_RUN and step in case.shown:
            situation = replace(situation, started=True)
        if case.connection is not None and (moved := _moved(case, case.connection)):
            situation = replace(situation, host_key=situation.host_key or moved)
        return decide(situation)

    async def _hold(self, case: _Case, step: int, decision: Decision) -> None:
        """Nothing runs. A dry run is written down."""
        if decision.record:
            self._guards.claim(case.live, case.sensor, case.instance, step=step, dry=True)
            action = await record(self._context.store, _action(case, step, decision.reason))
            text = f"would have run `{action.command}` (dry run)"
            self._tell(case, EventType.MESSAGE, text)
            return
        if step == 1:
            self._tell(case, EventType.MESSAGE, decision.reason)
        else:
            await self._give_up(case, decision.reason)
        if decision.latch:
            await self._guards.latch(case.live, case.sensor, decision.reason.removeprefix("held: "))

    async def _run(self, case: _Case, step: int, why: str, running: Running) -> Action | None:
        """What came of it, which is not on disk yet. Without an intent there nothing is sent, so a
        full disk means that no reaction runs; the alarm itself was told."""
        sent = False
        try:
            try:
                intended = await intend(self._context.store, _action(case, step, why))
            except AlreadyStartedError:
                text = f"held: step {step} was started for this incident before"
                self._tell(case, EventType.MESSAGE, text)
                return None
            sent = True
            case.ran.add(step)
            action = await perform(intended, partial(self._send, case, step), time.time)
            if action.outcome is ActionOutcome.NOT_SENT:
                sent = False
                case.ran.discard(step)
        finally:
            self._guards.ended(running, sent=sent)
        self._tell_run(case, action)
        return action

    async def _finish(self, case: _Case, action: Action) -> None:
        """Write down what came of it. Only if the daemon ends before the disk takes it, it is
        unknown at the next start."""
        waits = f"what came of the reaction to {case.label} waits for the disk"
        await insist(partial(self._context.store.finish, action), waits)

    async def _send(self, case: _Case, step: int, command: str) -> CommandOutcome:
        connection, series = case.connection, case.series
        assert connection is not None
        occasion = Occasion(
            case.live.record.id,
            case.live.record.identity.hostname,
            case.sensor.name,
            case.instance,
            series.value if series is not None else None,
            Level.ALARMED.value,
            case.incident,
            step,
        )
        return await connection.run(
            with_environment(command, occasion.variables()),
            timeout=case.sensor.timeout or self._context.settings.ssh.command_timeout,
            priority=Priority.REACTION,
            key=f"reaction to {case.sensor.name}",
            bar=partial(self._bar, case, connection),
            posix=True,
        )

    def _bar(self, case: _Case, connection: Connection) -> str:
        """Why the command must not be sent after all, in the instant before it is."""
        if not self._is_alarmed(case):
            return "it is no longer alarmed"
        if doubt := self._guards.doubt(case.live, connection) or _moved(case, connection):
            return doubt
        situation = self._guards.situation(
            case.live, case.sensor, case.instance, by_zero=_by_zero(case)
        )
        return next((one.reason for one in holds(situation) if one.guard in _LAST_MOMENT), "")

    # What came of it

    async def _mended(self, case: _Case, action: Action) -> bool:
        """Read the sensor at once, and on; whether its alarm is left in time, or the incident is
        over otherwise."""
        begun = self._loop.time()
        end = begun + self._within(case)
        between = max(
            LEAST_BETWEEN_S,
            min(self._context.poller.interval(case.sensor), self._within(case) / LOOKS),
        )
        look_at = begun
        while self._is_alarmed(case):
            now = self._loop.time()
            if now >= end:
                return False
            if now >= look_at:
                self._context.poller.read_now(case.live.record.id, case.sensor.name)
                look_at = now + between
            await case.wait(min(look_at, end) - now)
        series = case.series
        if series is not None and not series.flapping and series.track.level is not Level.ALARMED:
            took = max(0.0, time.time() - action.at)
            self._tell(case, EventType.MENDED, f"mended in {_spoken(took)}")
        return True

    def _within(self, case: _Case) -> float:
        return case.sensor.mended_within or self._settings.mended_within

    async def _left_over(self) -> list[tuple[_Case, Action]]:
        """What has to be looked at again after a restart: reactions that ran, or may have, to
        alarms that are still open, and were neither left nor given up since. One without any is not
        begun now: whatever held it then, this isn't the moment at which it entered alarm."""
        found = []
        for incident in self._context.desk.incidents():
            if incident.condition is Condition.LEVEL and incident.level is Level.ALARMED:
                found += await insist(
                    partial(self._cases_of, incident), "what ran before the restart can't be read"
                )
        return found

    async def _cases_of(self, incident: Incident) -> list[tuple[_Case, Action]]:
        found = await self._context.store.incident(incident.id)
        live = self._context.fleet.get(incident.server or "")
        name, instance = split_label(incident.sensor or "")
        sensor = live.sensors.get(name) if live is not None else None
        if found is None or live is None or sensor is None:
            return []
        ran = [action for action in found.actions if _ran(action)]
        if not ran:
            return []
        over = await self._context.store.last_told(incident.id, _OVER)
        if over is not None and over >= ran[-1].at:
            return []
        case = _Case(live, sensor, instance, incident.id, ran[-1].reason)
        case.ran = {action.step for action in ran}
        return [(case, ran[-1])]

    # What is known

    def _is_alarmed(self, case: _Case) -> bool:
        """Whether this is still the same alarm."""
        series, incident = case.series, self._guards.incident(case.live, case.label)
        return (
            series is not None
            and series.track.level is Level.ALARMED
            and incident is not None
            and incident.id == case.incident
            and case.next is None
        )

    def _is_known(self, case: _Case) -> bool:
        """Whether the connection that gave its newest reading is there, and that reading is good
        and new enough."""
        series = case.series
        return (
            case.connection is not None
            and case.connection.lost is None
            and case.live.connection is case.connection
            and series is not None
            and series.failure is None
            and not series.stale
        )

    # What is told

    def _tell_run(self, case: _Case, action: Action) -> None:
        if action.outcome is ActionOutcome.NOT_SENT:
            self._tell(case, EventType.MESSAGE, f"the reaction was {action.reason}")
            return
        series = case.series
        # An alarm that was left meanwhile must not make the next one look fired.
        if series is not None and series.track.level is Level.ALARMED:
            series.fired = True
        said = (
            f"exit status {action.status}"
            if action.outcome is ActionOutcome.DONE
            else f"outcome unknown, it is not repeated ({action.reason})"
        )
        self._tell(case, EventType.FIRED, f"ran `{action.command}`: {said}")

    async def _give_up(self, case: _Case, why: str) -> None:
        """Say that it is not mended, on which notices escalate: as soon as there is room for that,
        as long as it is so."""
        while not self._tell(case, EventType.NOT_MENDED, why) and self._is_alarmed(case):
            await case.wait(ASK_AGAIN_S)

    def _tell(self, case: _Case, type_: EventType, what: str) -> bool:
        """Whether there was room for it."""
        live = case.live
        return self._context.herald.announce(
            Event(
                time.time(),
                type_,
                f"{live.name}: {case.label}: {what}",
                live.record.id,
                case.label,
                incident=case.incident,
            )
        )


def _by_zero(case: _Case) -> bool:
    """Whether it was entered by a 0, or is 0 now: from 95 to 0 the level doesn't change."""
    series = case.series
    now = series is not None and case.sensor.zero and series.value == 0
    return case.by_zero or now


def _moved(case: _Case, connection: Connection) -> str:
    """Where the server is now, if it was elsewhere when its alarm began; empty if it wasn't."""
    if connection.endpoint == case.endpoint:
        return ""
    return f"it is at {connection.endpoint} now, and was at {case.endpoint} before"


def _ran(action: Action) -> bool:
    return action.automatic and action.outcome in _RAN


def _action(case: _Case, step: int, reason: str) -> Action:
    return Action(
        case.live.record.id,
        case.sensor.name,
        case.sensor.reaction(step) or "",
        time.time(),
        ActionOutcome.INTENDED,
        reason,
        case.instance,
        incident=case.incident,
        step=step,
    )


def _spoken(seconds: float) -> str:
    """A duration as people say it: `40 s`, `2m 5s`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m {rest}s"
