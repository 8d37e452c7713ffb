"""The way of one alarm, from the first step of its reaction to mended or not:

1. admitted: the policy is asked; what holds for a while is waited for, as long as it is alarmed
2. claimed: it counts from this moment, so that no two decisions see the same room
3. intended: on disk; without that nothing is sent
4. sent, after what may have changed since was asked once more, in the same instant
5. finished: its outcome is on disk, and told
6. looked at: the sensor is read again, at once and on; mended, or the next step
"""

import asyncio
import time
from functools import partial

from outkept.act.policy import Decision, Guard, holds
from outkept.act.runner import intend, perform, record
from outkept.app.admission import Admission
from outkept.app.case import Case
from outkept.app.context import Context
from outkept.app.guards import Guards, Running
from outkept.app.insist import RETRY_AFTER, insist
from outkept.app.sending import occasion_of, send
from outkept.config.durations import format_duration
from outkept.model.action import Action, ActionOutcome, AlreadyStartedError
from outkept.model.command import CommandOutcome
from outkept.model.event import EventType
from outkept.model.level import Level
from outkept.ssh.connection import Connection

STEPS = (1, 2)
MOST_TRIES = 3
"""How often a step that was not sent is tried: nothing ran, but a server that takes no command
three times is one that people should see."""
RECALLED_AT_ONCE = 4
"""Alarms of incidents that go on whose actions are read at once: the store turns readers away where
too many wait, and people's pages are among them."""
LOOKS = 10
"""How often a sensor is read, at least, in the time in which it may be mended."""
LEAST_BETWEEN_S = 1.0

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


class Steps:
    """Called in a task of its own for each case. Raises StoreError where the disk refuses what has
    to be on it before anything runs. Cancelled, what runs is cut off."""

    def __init__(self, context: Context, guards: Guards) -> None:
        self._context = context
        self._guards = guards
        self._admission = Admission(context, guards)
        self._mended_within = context.settings.reactions.mended_within
        self._recalling = asyncio.Semaphore(RECALLED_AT_ONCE)
        self._loop = asyncio.get_running_loop()

    async def take_up(self, case: Case, *, opened: bool) -> None:
        """An alarm from its first step on. `opened`: it has just opened its incident, about which
        nothing was done yet."""
        if not opened:
            await self._recall(case)
        await self._steps(case, STEPS, case.cause)

    async def go_on(self, case: Case, action: Action) -> None:
        """Where a daemon before this one left off, after an action that ran, or may have."""
        if not await self._mended(case, action):
            await self._next(case, action, STEPS[action.step :])

    async def _recall(self, case: Case) -> None:
        """Note what was done about its incident before."""
        read = partial(self._context.store.incident, case.incident)
        async with self._recalling:
            found = await insist(
                read, f"the reaction to {case.label} waits for what was done before"
            )
        for action in found.actions if found is not None else ():
            if action.automatic and action.outcome is ActionOutcome.DRY_RUN:
                case.shown.add(action.step)
            elif action.automatic and action.outcome.may_have_run:
                case.ran.add(action.step)

    async def _steps(self, case: Case, steps: tuple[int, ...], why: str) -> None:
        first, *others = steps
        action = await self._step(case, first, why)
        if action is not None and not await self._conclude(case, action):
            await self._next(case, action, tuple(others))

    async def _conclude(self, case: Case, action: Action) -> bool:
        """Write down what came of it, while it is looked at; whether it was mended."""
        async with asyncio.TaskGroup() as group:
            looking = group.create_task(self._mended(case, action), name=f"look at {case.label}")
            await self._finish(case, action)
        return looking.result()

    async def _next(self, case: Case, action: Action, steps: tuple[int, ...]) -> None:
        """A step has not mended it. The next is only for what is known to be alarmed still."""
        what = "reaction" if action.step == 1 else "fallback"
        why = f"not mended within {format_duration(self._within(case))} by its {what}"
        if not case.known:
            await self._give_up(case, f"{why}, as far as is known: it is not read")
        elif not steps or case.sensor.reaction(steps[0]) is None:
            await self._give_up(case, why)
        else:
            self._tell(case, EventType.MESSAGE, f"{why}; its fallback is next")
            await self._steps(case, steps, why)

    async def _step(self, case: Case, step: int, why: str) -> Action | None:
        """The action that ran, or may have; None where it is over, or nothing more is tried."""
        action = await self._tried(case, step, why)
        if action is None:
            case.past = True
            await self._admission.forget(case)
        return action

    async def _tried(self, case: Case, step: int, why: str) -> Action | None:
        for _ in range(MOST_TRIES):
            decision = await self._admission.admitted(case, step, why)
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

    async def _hold(self, case: Case, step: int, decision: Decision) -> None:
        """Nothing runs. A dry run is written down."""
        if decision.record:
            self._guards.claim(case.live, case.sensor, case.instance, step=step, dry=True)
            action = await record(self._context.store, case.action(step, decision.reason))
            self._context.tally.end(action)
            text = f"would have run {action.named} (dry run)"
            self._tell(case, EventType.MESSAGE, text)
            return
        if step == 1:
            self._tell(case, EventType.MESSAGE, decision.reason)
        else:
            await self._give_up(case, decision.reason)
        if decision.latch:
            await self._guards.latch(case.live, case.sensor, decision.reason.removeprefix("held: "))

    async def _run(self, case: Case, step: int, why: str, running: Running) -> Action | None:
        """What came of it, which is not on disk yet. Without an intent there nothing is sent, so a
        full disk means that no reaction runs; the alarm itself was told."""
        sent = False
        try:
            try:
                intended = await intend(self._context.store, case.action(step, why))
            except AlreadyStartedError:
                text = f"held: step {step} was started for this incident before"
                self._tell(case, EventType.MESSAGE, text)
                return None
            self._context.tally.start(intended)
            sent = True
            case.ran.add(step)
            action = await perform(intended, partial(self._send, case, intended), time.time)
            self._context.tally.end(action)
            if action.outcome is ActionOutcome.NOT_SENT:
                sent = False
                case.ran.discard(step)
        finally:
            self._guards.ended(running, sent=sent)
        self._tell_run(case, action)
        return action

    async def _finish(self, case: Case, action: Action) -> None:
        """Write down what came of it. Only if the daemon ends before the disk takes it, it is
        unknown at the next start."""
        waits = f"what came of the reaction to {case.label} waits for the disk"
        await insist(partial(self._context.store.finish, action), waits)

    async def _send(self, case: Case, action: Action, command: str) -> CommandOutcome:
        connection = case.connection
        assert connection is not None
        return await send(
            connection,
            occasion_of(case.live, action, Level.ALARMED),
            command,
            timeout=case.sensor.timeout or self._context.settings.ssh.command_timeout,
            bar=partial(self._bar, case, connection),
        )

    def _bar(self, case: Case, connection: Connection) -> str:
        """Why the command must not be sent after all, in the instant before it is."""
        if not self._admission.is_alarmed(case):
            return "it is no longer alarmed"
        if doubt := self._guards.doubt(case.live, connection) or case.moved(connection):
            return doubt
        situation = self._guards.situation(
            case.live, case.sensor, case.instance, by_zero=case.by_zero
        )
        return next((one.reason for one in holds(situation) if one.guard in _LAST_MOMENT), "")

    async def _mended(self, case: Case, action: Action) -> bool:
        """Read the sensor at once, and on; whether its alarm is left in time, or the incident is
        over otherwise."""
        begun = self._loop.time()
        end = begun + self._within(case)
        between = max(
            LEAST_BETWEEN_S,
            min(self._context.poller.interval(case.sensor), self._within(case) / LOOKS),
        )
        look_at = begun
        while self._admission.is_alarmed(case):
            now = self._loop.time()
            if now >= end:
                return False
            if now >= look_at:
                self._context.poller.read_now(case.live.record.id, case.sensor.name)
                look_at = now + between
            await case.wait(min(look_at, end) - now)
        case.past = True
        series = case.series
        if series is not None and not series.flapping and series.track.level is not Level.ALARMED:
            took = max(0.0, time.time() - action.at)
            self._tell(case, EventType.MENDED, f"mended in {_spoken(took)}")
        return True

    def _within(self, case: Case) -> float:
        return case.sensor.mended_within or self._mended_within

    def _tell_run(self, case: Case, action: Action) -> None:
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
        self._tell(case, EventType.FIRED, f"ran {action.named}: {said}")

    async def _give_up(self, case: Case, why: str) -> None:
        """Say that it is not mended, on which notices escalate: as soon as there is room for that,
        as long as it is so."""
        while not self._tell(case, EventType.NOT_MENDED, why) and self._admission.is_alarmed(case):
            await case.wait(RETRY_AFTER)

    def _tell(self, case: Case, type_: EventType, what: str) -> bool:
        """Whether there was room for it."""
        return self._context.herald.announce(case.event(type_, what))


def _spoken(seconds: float) -> str:
    """A duration as people say it: `40 s`, `2m 5s`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}m {rest}s"
