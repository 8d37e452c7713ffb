"""What people have run: looked at first, guarded like what nobody asked for, written down, and
followed as it goes."""

import asyncio
import logging
import time
from collections.abc import Set
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial

from outkept.act.manual import Held, judge
from outkept.act.policy import Hold, holds
from outkept.act.runner import intend, perform
from outkept.app.context import Context
from outkept.app.fleet import LiveServer
from outkept.app.guards import Guards, Running
from outkept.app.insist import insist
from outkept.app.prospects import Prospect, Prospects, overridden, prospects
from outkept.app.runs import MOST_RUNS, Json, Part, Run, Runs, RunState, TooManyError, Watch
from outkept.app.sending import occasion_of, send
from outkept.model.action import Action, ActionOutcome
from outkept.model.command import CommandOutcome
from outkept.model.event import Event, EventType, sensor_label
from outkept.model.level import Level
from outkept.model.sensor import Parse, Sensor
from outkept.serve.control import ChangedError, FullError, UnknownError, Wanted
from outkept.ssh.connection import Connection
from outkept.store.errors import StoreError

MOST_NAMED = 5
"""Instances that are named where one is to be chosen."""

_log = logging.getLogger(__name__)

_STATES = {
    ActionOutcome.DONE: RunState.DONE,
    ActionOutcome.NOT_SENT: RunState.NOT_SENT,
    ActionOutcome.UNKNOWN: RunState.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class _Cleared:
    """What is to be sent, and where: it counts as running already."""

    live: LiveServer
    connection: Connection
    sensor: Sensor
    action: Action
    running: Running


class Control:
    """Implements `outkept.serve.control.Control`, which documents its methods; `run` parents its
    tasks."""

    def __init__(self, context: Context, guards: Guards) -> None:
        self._context = context
        self._guards = guards
        self._runs = Runs()
        self._begun: asyncio.Queue[tuple[Run, Wanted]] = asyncio.Queue(MOST_RUNS)
        self._room = asyncio.Event()
        guards.freed.append(lambda server: self._room.set())

    async def run(self) -> None:
        """Carry out runs until cancelled; commands under way are then cut off, and are *unknown*
        at the next start."""
        async with asyncio.TaskGroup() as group:
            while True:
                run, wanted = await self._begun.get()
                group.create_task(self._carry_out(run, wanted), name=f"run {run.id}")

    async def preview(self, wanted: Wanted) -> Json:
        """See serve.control."""
        return (await self._look(wanted)).view()

    async def start(self, wanted: Wanted, by: str) -> Json:
        """See serve.control."""
        found = await self._look(wanted)
        _check_confirmed(found)
        run = self._added(found, by)
        self._context.herald.announce(
            Event(run.at, EventType.CONTROL, _announced(run, found), by=by)
        )
        self._begun.put_nowait((run, wanted))
        return run.detail()

    def runs(self) -> list[Json]:
        """See serve.control."""
        return [run.view() for run in self._runs]

    def detail(self, id: str) -> Json | None:
        """See serve.control."""
        run = self._runs.get(id)
        return run.detail() if run is not None else None

    def stop(self, id: str, by: str) -> Json | None:
        """See serve.control."""
        run = self._runs.get(id)
        if run is None:
            return None
        if run.finished is None and not run.stopped_by:
            run.stopped_by = by
            for part in run.parts.values():
                if part.state is RunState.WAITING:
                    part.end(RunState.STOPPED, f"{by} stopped the run before it began here")
            run.changed()
            self._room.set()
            left = run.count(RunState.STOPPED)
            text = f"{by} stopped the run of {run.label}: {left} of {len(run.parts)} had not begun"
            self._context.herald.announce(Event(time.time(), EventType.CONTROL, text, by=by))
        return run.detail()

    def follow(self, id: str) -> AbstractContextManager[Watch] | None:
        """See serve.control."""
        run = self._runs.get(id)
        if run is None:
            return None
        try:
            return self._runs.watch(run)
        except TooManyError as error:
            raise FullError(str(error)) from None

    async def _look(self, wanted: Wanted) -> Prospects:
        named = [one for one in self._context.library if one.name == wanted.sensor]
        if not named:
            raise UnknownError(
                f"no sensor is called {wanted.sensor[:80]!r}; GET /api/v1/sensors lists them"
            )
        overridden(wanted)
        return await prospects(wanted, self._context.fleet, self._prospect)

    def _added(self, found: Prospects, by: str) -> Run:
        wanted = found.wanted
        try:
            run = self._runs.add(
                wanted.sensor,
                wanted.instance,
                wanted.step,
                by=by,
                reason=wanted.reason,
                override=wanted.override,
                servers=[(one.server, one.hostname, one.command) for one in found.servers],
            )
        except TooManyError as error:
            raise FullError(str(error)) from None
        for one in found.servers:
            part = run.parts[one.server]
            part.warnings = one.verdict.warnings
            if one.verdict.held is not None:
                part.hold(one.verdict.held, one.verdict.reason)
        return run

    async def _carry_out(self, run: Run, wanted: Wanted) -> None:
        waiting = [part for part in run.parts.values() if part.state is RunState.WAITING]
        async with asyncio.TaskGroup() as writing:
            async with asyncio.TaskGroup() as group:
                for part in waiting:
                    await self._turn(part)
                    cleared = self._cleared(run, part, wanted)
                    run.changed()
                    if cleared is not None:
                        group.create_task(self._carry_out_on(run, part, cleared, writing))
            run.finish()

    async def _turn(self, part: Part) -> None:
        """Wait until there is room for one more, unless the run is stopped meanwhile."""
        while self._guards.full and part.state is RunState.WAITING:
            self._room.clear()
            await self._room.wait()

    def _cleared(self, run: Run, part: Part, wanted: Wanted) -> _Cleared | None:
        """What is to be sent, None where it is held by now: its turn may come long after it was
        looked at."""
        if part.state is not RunState.WAITING:
            return None
        live = self._context.fleet.get(part.server)
        if live is None:
            part.hold(Held.DISCONNECTED, "the server was removed")
            return None
        now = self._prospect(live, wanted)
        part.warnings = now.verdict.warnings
        if now.verdict.held is not None:
            part.hold(now.verdict.held, now.verdict.reason)
            return None
        if now.command != part.command:
            part.hold(Held.UNSUPPORTED, "its command has changed since the run began")
            return None
        sensor, connection = live.sensors[run.sensor], live.connection
        assert connection is not None
        incident = self._guards.incident(live, sensor_label(run.sensor, run.instance))
        action = Action(
            part.server,
            run.sensor,
            part.command,
            time.time(),
            ActionOutcome.INTENDED,
            "; ".join((run.reason, *(f"{one} overridden" for one in now.verdict.overridden))),
            run.instance,
            incident=incident.id if incident is not None else None,
            step=run.step,
            by=run.by,
        )
        running = self._guards.claim(live, sensor, run.instance, step=run.step, by=run.by)
        return _Cleared(live, connection, sensor, action, running)

    async def _carry_out_on(
        self, run: Run, part: Part, cleared: _Cleared, writing: asyncio.TaskGroup
    ) -> None:
        """Without an intent on disk nothing is sent, so a full disk means that nothing runs. Where
        it takes no outcome, `writing` waits for it, and neither the server nor the run does."""
        sent = False
        try:
            intended = await intend(self._context.store, cleared.action)
            self._context.tally.start(intended)
            part.begin(intended.id)
            run.changed()
            sent = True
            done = await perform(intended, partial(self._send, run, part, cleared), time.time)
            self._context.tally.end(done)
            sent = done.outcome is not ActionOutcome.NOT_SENT
            self._conclude(run, part, cleared, done)
            # Whoever ran it wants to see what it did.
            self._context.poller.read_now(part.server, run.sensor)
            await self._finish(run, done, writing)
        except StoreError as error:
            _log.error("a run of %s is not written down: %s", run.label, error)
            if not part.state.over:
                part.end(RunState.NOT_SENT, f"it could not be written down: {error}")
        except Exception as error:  # noqa: BLE001 - the one door where defects end
            self._context.defect(f"the run of {run.label} on {part.hostname}", error)
            part.end(RunState.UNKNOWN, "internal error; see the daemon's log")
        finally:
            self._guards.ended(cleared.running, sent=sent)
            run.changed()

    async def _finish(self, run: Run, done: Action, writing: asyncio.TaskGroup) -> None:
        finish = partial(self._context.store.finish, done)
        try:
            await finish()
        except StoreError:
            writing.create_task(
                insist(finish, f"what came of a run of {run.label} waits for the disk")
            )

    async def _send(self, run: Run, part: Part, cleared: _Cleared, command: str) -> CommandOutcome:
        def heard(data: bytes, error: bool) -> None:
            part.hear(data, error=error)
            run.changed()

        return await send(
            cleared.connection,
            occasion_of(cleared.live, cleared.action),
            command,
            timeout=cleared.sensor.timeout or self._context.settings.ssh.command_timeout,
            bar=partial(self._bar, run, cleared),
            heard=heard,
        )

    def _bar(self, run: Run, cleared: _Cleared) -> str:
        """Why the command must not be sent after all, in the instant before it is."""
        if run.stopped_by:
            return f"{run.stopped_by} stopped the run before it was sent"
        if (stop := self._guards.stopped) is not None:
            return f"all reactions are stopped: {stop.by}: {stop.reason}"
        return self._guards.doubt(cleared.live, cleared.connection)

    def _conclude(self, run: Run, part: Part, cleared: _Cleared, done: Action) -> None:
        part.status = done.status
        if not part.state.over:
            reason = "" if done.outcome is ActionOutcome.DONE else done.reason
            part.end(_STATES[done.outcome], reason)
        self._tell(run, cleared.live, done)

    def _tell(self, run: Run, live: LiveServer, done: Action) -> None:
        label = sensor_label(run.sensor, run.instance)
        series = live.series.get((run.sensor, run.instance))
        ran = done.outcome is not ActionOutcome.NOT_SENT
        type_ = EventType.CONTROL
        # An alarm that was left meanwhile must not make the next one look fired.
        if ran and series is not None and series.track.level is Level.ALARMED:
            series.fired = True
            type_ = EventType.FIRED
            self._context.changed(live)
        said = (
            f"exit status {done.status}"
            if done.outcome is ActionOutcome.DONE
            else f"{done.outcome.value} ({done.reason})"
        )
        text = f"{live.name}: {label}: {run.by} ran {done.named}: {said}"
        self._context.herald.announce(
            Event(
                time.time(),
                type_,
                text,
                live.record.id,
                label,
                incident=done.incident,
                by=run.by,
            )
        )

    def _prospect(
        self, live: LiveServer, wanted: Wanted, besides: Set[str] = frozenset()
    ) -> Prospect:
        sensor = live.sensors.get(wanted.sensor)
        against = {
            Held.UNSUPPORTED: _unsupported(live, sensor, wanted),
            Held.DISCONNECTED: "" if live.connected else "there is no connection to it",
        }
        command, found = "", list[Hold]()
        if sensor is not None:
            command = sensor.reaction(wanted.step) or ""
            situation = self._guards.situation(
                live,
                sensor,
                wanted.instance,
                step=wanted.step,
                cause=wanted.reason,
                by_hand=True,
                besides=besides,
            )
            found = list(holds(situation))
        verdict = judge(against, found, overridden(wanted))
        if verdict.held is Held.SHARE and besides:
            counted = f"{verdict.reason}, with the {len(besides)} before it here"
            verdict = replace(verdict, reason=counted)
        series = live.series.get((wanted.sensor, wanted.instance))
        return Prospect(
            live.record.id,
            live.name,
            command,
            verdict,
            series.status.value if series is not None else None,
            series.value if series is not None else None,
        )


def _check_confirmed(found: Prospects) -> None:
    wanted = found.wanted
    if not found.count:
        first = found.servers[0]
        raise ChangedError(
            f"nothing would run: {first.hostname}: {first.verdict.reason}", found.view()
        )
    if wanted.confirm is None and len(found.servers) > 1:
        raise ChangedError(
            f"this is about {len(found.servers)} servers; send the `confirm` of a preview of it",
            found.view(),
        )
    if wanted.confirm is not None and wanted.confirm != found.confirm:
        raise ChangedError(
            "what would run is not what was confirmed; look at the preview again", found.view()
        )


def _announced(run: Run, found: Prospects) -> str:
    where = found.servers[0].hostname if len(found.servers) == 1 else f"{found.count} servers"
    more = f", {', '.join(run.override)} overridden" if run.override else ""
    return f"{run.by} runs {run.label} on {where}: {run.reason}{more}"


def _unsupported(live: LiveServer, sensor: Sensor | None, wanted: Wanted) -> str:
    if sensor is None:
        why = live.unsupported.get(wanted.sensor, "it was not verified yet")
        return f"the server does not have {wanted.sensor}: {why}"
    there = [key[1] for key in live.series if key[0] == wanted.sensor and key[1] is not None]
    if wanted.instance is not None and wanted.instance not in there:
        return f"{wanted.sensor} has no instance {wanted.instance!r} there"
    # A command that finds an empty OUTKEPT_INSTANCE may do more than anybody meant.
    if wanted.instance is None and (there or sensor.parse is Parse.TABLE):
        some = f", such as {', '.join(there[:MOST_NAMED])}" if there else ""
        return f"{wanted.sensor} has instances there; name one{some}"
    return ""
