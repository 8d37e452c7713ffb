"""Who may react now, and who waits for what: the policy is asked about a step of a case until that
may run, is held for good, or the alarm is over."""

import asyncio
import logging
from dataclasses import replace

from outkept.act.policy import Decision, Guard, decide
from outkept.app.case import Case
from outkept.app.context import Context
from outkept.app.guards import Guards, Running
from outkept.model.action import ReactionMode, Wait
from outkept.model.event import EventType
from outkept.model.level import Level
from outkept.store.errors import StoreError
from outkept.store.waits import Waits

ASK_AGAIN_S = 10.0
"""How long a held reaction waits for something to change before the policy is asked again."""
WOKEN_AT_ONCE = 100
"""Held reactions that are asked again in one turn of the loop, where all are: to ask about a
hundred takes some milliseconds."""

KEPT_AT_ONCE = 100
"""Reactions that begin to wait that are written down at once: events go to the same disk."""

_LONG = frozenset({Guard.SILENCED, Guard.BLIND, Guard.FLAPPING, Guard.COOLDOWN})
"""What may hold a reaction for longer than commands run."""

_log = logging.getLogger(__name__)


class Admission:
    """Used in the event loop only."""

    def __init__(self, context: Context, guards: Guards) -> None:
        self._announce = context.herald.announce
        self._guards = guards
        # Two, so that nobody looks through all that wait for something else for the first of those
        # that wait for a place.
        self._held: dict[Case, None] = {}
        self._line: dict[Case, None] = {}
        self._waits = Waits(context.store)
        self._keeping = asyncio.Semaphore(KEPT_AT_ONCE)
        self._loop = asyncio.get_running_loop()
        guards.freed.append(self._freed)

    def is_alarmed(self, case: Case) -> bool:
        """Whether this is still the same alarm."""
        series, incident = case.series, self._guards.incident(case.live, case.label)
        return (
            series is not None
            and series.track.level is Level.ALARMED
            and incident is not None
            and incident.id == case.incident
            and case.next is None
        )

    async def admitted(self, case: Case, step: int, why: str) -> Decision | Running | None:
        """What it was claimed as, now that it may run; the decision where it may not, for good;
        None where it is over. What holds for a while is waited for, and told once. Cancel-safe."""
        told: Guard | None = None
        try:
            while self.is_alarmed(case):
                if self._stays_in_line(case):
                    self._line.setdefault(case)
                elif case.known:
                    decision = self._decide(case, step, why)
                    if decision.run:
                        return self._guards.claim(case.live, case.sensor, case.instance, step=step)
                    if not decision.waits:
                        return decision
                    self._line_up(case, decision.guard)
                    if decision.guard is not told:
                        told = decision.guard
                        await self._keep(case, step)
                        self._announce(case.event(EventType.MESSAGE, decision.reason))
                await case.wait(ASK_AGAIN_S)
            return None
        finally:
            self._leave(case)
            self._call_next()

    async def forget(self, case: Case) -> None:
        """It waits no more, and nothing ran: nor does it after a restart."""
        if not case.kept:
            return
        try:
            await self._waits.drop(case.incident)
            case.kept = False
        except StoreError as error:
            _log.error("a restart would ask for the reaction to %s: %s", case.label, error)

    async def _keep(self, case: Case, step: int) -> None:
        """Have a restart know that it waits, where that may be for long. Of a second step it is
        known from the first, which ran; what would have run in a dry run is not made up for."""
        mode, _ = self._guards.mode(case.live, case.sensor)
        if case.kept or step != 1 or case.guard not in _LONG or mode is not ReactionMode.ON:
            return
        assert case.endpoint is not None
        wait = Wait(case.incident, case.cause, case.endpoint)
        try:
            async with self._keeping:
                await self._waits.add(wait)
            case.kept = True
        except StoreError as error:
            _log.error("a restart would forget the reaction to %s: %s", case.label, error)

    def _stays_in_line(self, case: Case) -> bool:
        """Whether there is still no place for it: in an alarm of the whole fleet, thousands would
        ask the policy in vain at each of their readings."""
        return case.guard is Guard.AT_ONCE and self._guards.full and not self._guards.stopped

    def _decide(self, case: Case, step: int, why: str) -> Decision:
        situation = self._guards.situation(
            case.live,
            case.sensor,
            case.instance,
            step=step,
            cause=why,
            by_zero=case.by_zero,
            started=step in case.ran,
        )
        if situation.mode is ReactionMode.DRY_RUN and step in case.shown:
            situation = replace(situation, started=True)
        if case.connection is not None and (moved := case.moved(case.connection)):
            situation = replace(situation, host_key=situation.host_key or moved)
        return decide(situation)

    def _line_up(self, case: Case, guard: Guard | None) -> None:
        """Note what it waits for; in the line it keeps its place."""
        case.guard = guard
        if guard is Guard.AT_ONCE:
            self._held.pop(case, None)
            self._line.setdefault(case)
        else:
            self._held[case] = None
            self._line.pop(case, None)
            self._call_next()

    def _leave(self, case: Case) -> None:
        case.guard = None
        self._held.pop(case, None)
        self._line.pop(case, None)

    def _call_next(self) -> None:
        first = next(iter(self._line), None)
        if first is not None and not self._guards.full:
            del self._line[first]
            first.changed.set()

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

    def _wake(self, cases: list[Case]) -> None:
        """Have some of them asked again, and the others after what else the loop has to do."""
        for case in cases[:WOKEN_AT_ONCE]:
            case.changed.set()
        if others := cases[WOKEN_AT_ONCE:]:
            self._loop.call_soon(self._wake, others)
