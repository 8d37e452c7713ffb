"""Alarms become reactions: asked of the policy, written down, run on the connection that
gave the reading, told."""

import asyncio
import logging
import time

from outkept.act.policy import Situation, decide
from outkept.act.runner import Send, carry_out, intend, record
from outkept.app.fleet import Fleet
from outkept.app.herald import Herald
from outkept.app.judge import Alarm
from outkept.config.settings import ReactionSettings
from outkept.model.action import Action, ActionOutcome
from outkept.model.command import CommandOutcome
from outkept.model.event import Event, EventType, sensor_label
from outkept.model.level import Level
from outkept.ssh.channels import Priority
from outkept.store.errors import StoreError
from outkept.store.store import Store

MOST_AT_ONCE = 64
"""Reactions that run at the same time over the whole fleet; the others wait."""

_log = logging.getLogger(__name__)


class Reactions:
    """`timeout` bounds each reaction's run, in seconds, where its sensor names none."""

    def __init__(
        self,
        fleet: Fleet,
        store: Store,
        herald: Herald,
        *,
        settings: ReactionSettings,
        timeout: float,
    ) -> None:
        self._fleet = fleet
        self._store = store
        self._herald = herald
        self._settings = settings
        self._timeout = timeout
        self._slots = asyncio.Semaphore(MOST_AT_ONCE)
        self._deciding = asyncio.Lock()

    async def run(self) -> None:
        """Take up alarms until cancelled; reactions under way are then cut off, and are
        *unknown* at the next start."""
        async with asyncio.TaskGroup() as group:
            while True:
                alarm = await self._herald.alarms.get()
                if alarm.sensor.reactive:
                    await self._slots.acquire()
                    group.create_task(self._take_up(alarm))

    async def _take_up(self, alarm: Alarm) -> None:
        """Without an intent on disk nothing is sent, so a full disk means that no reaction
        runs; the alarm itself was told."""
        try:
            intended = await self._decided(alarm)
            if intended is not None:
                send = self._sender(alarm)
                self._tell_run(alarm, await carry_out(self._store, intended, send, time.time))
        except StoreError as error:
            _log.error("the reaction to %s is not written down: %s", alarm.sensor.name, error)
            self._tell(EventType.MESSAGE, alarm, f"the reaction is not written down: {error}")
        finally:
            self._slots.release()

    async def _decided(self, alarm: Alarm) -> Action | None:
        """The intent that is on disk, None when nothing is to be run.

        One decision at a time: two instances of one sensor that enter alarm together must
        not both find that the last reaction was long ago.
        """
        async with self._deciding:
            last = await self._store.last_action(alarm.server, alarm.sensor.name)
            now = time.time()
            decision = decide(
                Situation(
                    mode=self._settings.mode,
                    limits=self._settings,
                    cooldown=alarm.sensor.cooldown,
                    command=alarm.sensor.reactive,
                    cause=alarm.cause,
                    by_zero=alarm.by_zero,
                    ran_ago=None if last is None else now - last.at,
                )
            )
            action = Action(
                alarm.server,
                alarm.sensor.name,
                alarm.sensor.reactive or "",
                now,
                ActionOutcome.INTENDED,
                decision.reason,
                alarm.instance,
                incident=alarm.incident,
            )
            if decision.run:
                return await intend(self._store, action)
            if decision.record:
                await record(self._store, action)
                self._tell(EventType.MESSAGE, alarm, f"would have run `{action.command}` (dry run)")
            else:
                self._tell(EventType.MESSAGE, alarm, decision.reason)
            return None

    def _sender(self, alarm: Alarm) -> Send:
        async def send(command: str) -> CommandOutcome:
            return await alarm.connection.run(
                command,
                timeout=alarm.sensor.timeout or self._timeout,
                priority=Priority.REACTION,
                key=f"reaction to {alarm.sensor.name}",
            )

        return send

    def _tell_run(self, alarm: Alarm, action: Action) -> None:
        if action.outcome is ActionOutcome.NOT_SENT:
            self._tell(EventType.MESSAGE, alarm, f"the reaction was {action.reason}")
            return
        live = self._fleet.get(alarm.server)
        series = live.series.get((alarm.sensor.name, alarm.instance)) if live else None
        # An alarm that was left meanwhile must not make the next one look fired.
        if series is not None and series.track.level is Level.ALARMED:
            series.fired = True
        said = (
            f"exit status {action.status}"
            if action.outcome is ActionOutcome.DONE
            else f"outcome unknown, it is not repeated ({action.reason})"
        )
        self._tell(EventType.FIRED, alarm, f"ran `{action.command}`: {said}")

    def _tell(self, type_: EventType, alarm: Alarm, what: str) -> None:
        live = self._fleet.get(alarm.server)
        name = live.name if live else alarm.server
        sensor = sensor_label(alarm.sensor.name, alarm.instance)
        self._herald.announce(
            Event(
                time.time(),
                type_,
                f"{name}: {sensor}: {what}",
                alarm.server,
                sensor,
                incident=alarm.incident,
            )
        )
