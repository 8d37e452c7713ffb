"""Alarms become reactions: one task for each series that is dealt with, from its alarm to the end
of the last step. `app.steps` is what it does meanwhile, `app.admission` what it waits for."""

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine
from functools import partial
from typing import Any

from outkept.act.policy import Guard
from outkept.app.case import Case
from outkept.app.context import Context
from outkept.app.fleet import LiveServer
from outkept.app.guards import Guards
from outkept.app.insist import insist
from outkept.app.judge import Alarm
from outkept.app.steps import Steps
from outkept.model.action import Action, Wait
from outkept.model.event import Condition, EventType, split_label
from outkept.model.incident import Incident
from outkept.model.level import Level
from outkept.model.reading import Reading
from outkept.ssh.connection import Connection
from outkept.store.errors import StoreError
from outkept.store.waits import Waits

_OVER = (EventType.MENDED, EventType.NOT_MENDED, EventType.WARNED, EventType.FLAPPING)
"""What is told once the alarm that a step ran for was left, or given up: one that is entered again
in the same incident gets no further step."""

Work = Coroutine[Any, Any, None]

_log = logging.getLogger(__name__)


class Reactions:
    """Everything that reacts by itself. `run` parents its tasks: at most one for each series."""

    def __init__(self, context: Context, guards: Guards) -> None:
        self._context = context
        self._steps = Steps(context, guards)
        self._cases: dict[tuple[str, str], dict[str | None, Case]] = {}

    async def run(self) -> None:
        """Take up alarms until cancelled; reactions under way are then cut off, and are
        *unknown* at the next start."""
        async with asyncio.TaskGroup() as group:
            for case, action in await self._left_over():
                if action is None:
                    work = self._steps.take_up(case, opened=False)
                else:
                    work = self._steps.go_on(case, action)
                self._open(group, case, work)
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

    def held_by(self) -> Counter[Guard]:
        """How many wait for what to pass."""
        return Counter(guard for _, _, guard in self.waiting())

    def _begin(self, group: asyncio.TaskGroup, alarm: Alarm) -> None:
        live = self._context.fleet.get(alarm.server)
        if not alarm.sensor.reactive or live is None or alarm.incident is None:
            return
        there = self._cases.get((alarm.server, alarm.sensor.name), {}).get(alarm.instance)
        if there is not None:
            if there.past or alarm.incident != there.incident:
                there.next = alarm
            there.changed.set()
            return
        case = Case(
            live,
            alarm.sensor,
            alarm.instance,
            alarm.incident,
            alarm.cause,
            alarm.by_zero,
            alarm.connection,
            alarm.connection.endpoint,
        )
        self._open(group, case, self._steps.take_up(case, opened=alarm.opened))

    def _open(self, group: asyncio.TaskGroup, case: Case, work: Work) -> None:
        key = (case.live.record.id, case.sensor.name)
        cases = self._cases.setdefault(key, {})
        cases[case.instance] = case
        self._context.watched[key] = partial(self._noticed, cases)
        group.create_task(self._deal_with(group, case, work), name=f"reaction to {case.label}")

    async def _deal_with(self, group: asyncio.TaskGroup, case: Case, work: Work) -> None:
        """A defect met with one series is told, and ends nothing but its reaction."""
        try:
            await work
        except StoreError as error:
            _log.error("the reaction to %s is not written down: %s", case.label, error)
            text = f"the reaction is not written down: {error}"
            self._context.herald.announce(case.event(EventType.MESSAGE, text))
        except Exception as error:  # noqa: BLE001 - the one door where defects end
            self._context.defect(f"the reaction to {case.label} on {case.live.name}", error)
        finally:
            self._close(case)
        if case.next is not None:
            self._begin(group, case.next)

    def _close(self, case: Case) -> None:
        key = (case.live.record.id, case.sensor.name)
        cases = self._cases.get(key, {})
        if cases.get(case.instance) is case:
            del cases[case.instance]
        if not cases:
            self._cases.pop(key, None)
            self._context.watched.pop(key, None)

    def _noticed(
        self, cases: dict[str | None, Case], connection: Connection, reading: Reading
    ) -> None:
        """A sensor was read and judged."""
        read = {sample.instance for sample in reading.samples}
        for case in cases.values():
            if case.instance in read:
                case.read_over(connection)
            case.changed.set()

    async def _left_over(self) -> list[tuple[Case, Action | None]]:
        """What goes on after a restart of alarms that are still open: reactions that ran, or may
        have, the last of each, where its alarm was neither left nor given up since; and, without an
        action, those that waited. Nothing else is begun now: what was held was held for good, and
        this isn't the moment at which it entered alarm."""
        found: list[tuple[Case, Action | None]] = []
        waits, why = Waits(self._context.store), "what went on before the restart can't be read"
        waited = {one.incident: one for one in await insist(waits.all, why)}
        for incident in self._context.desk.incidents():
            if incident.condition is Condition.LEVEL and incident.level is Level.ALARMED:
                cases = partial(self._cases_of, incident, waited.get(incident.id))
                found += await insist(cases, why)
        try:
            for id_ in waited.keys() - {case.incident for case, _ in found}:
                await waits.drop(id_)
        except StoreError as error:
            _log.error("what waits no more stays on disk until the next start: %s", error)
        return found

    async def _cases_of(
        self, incident: Incident, wait: Wait | None
    ) -> list[tuple[Case, Action | None]]:
        found = await self._context.store.incident(incident.id)
        live = self._context.fleet.get(incident.server or "")
        name, instance = split_label(incident.sensor or "")
        sensor = live.sensors.get(name) if live is not None else None
        if found is None or live is None or sensor is None:
            return []
        ran = [
            action for action in found.actions if action.automatic and action.outcome.may_have_run
        ]
        if not ran:
            if wait is None or not sensor.reactive:
                return []
            case = Case(live, sensor, instance, wait.incident, wait.cause, endpoint=wait.endpoint)
            case.kept = True
            return [(case, None)]
        over = await self._context.store.last_told(incident.id, _OVER)
        if over is not None and over >= ran[-1].at:
            return []
        case = Case(live, sensor, instance, incident.id, ran[-1].reason)
        case.ran = {action.step for action in ran}
        return [(case, ran[-1])]
