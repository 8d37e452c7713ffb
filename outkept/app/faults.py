"""Sensors that fail, or give no readings at all: incidents of their own, after a patience."""

import math
import time
from collections.abc import Callable

from outkept.app.fleet import Fault, LiveServer
from outkept.config.durations import roughly
from outkept.config.settings import JudgingSettings
from outkept.model.event import Condition, Event, EventType
from outkept.model.sensor import Sensor

Say = Callable[[Event, None], bool]
"""Takes an event; False: there is no room for it now."""


class Faults:
    """One for each sensor of a server at most, whatever came first; it ends with the first good
    reading. Times (`now`) are those of a clock that never steps; `timeout` is the deadline of a
    command whose sensor names none, in seconds.

    An event for which there is no room is tried again: at the next look, or at the next good
    reading.
    """

    def __init__(self, say: Say, judging: JudgingSettings, timeout: float) -> None:
        self._say = say
        self._failed_after = judging.failed_after
        self._stale_after = judging.stale_after
        self._timeout = timeout

    def failed(self, live: LiveServer, sensor: Sensor, reason: str, now: float) -> None:
        """A reading failed."""
        fault = live.faults.get(sensor.name)
        if fault is None:
            fault = live.faults[sensor.name] = Fault(Condition.FAILED, now, reason)
        else:
            fault.readings += 1
            fault.reason = reason
        if not fault.told:
            live.faults_at = min(live.faults_at, fault.since + self._failed_after)

    def mended(self, live: LiveServer, name: str, *, valued: bool) -> None:
        """A reading is good. The first count of a rate gives no value (`valued`) yet: it doesn't
        end what was told, which would be as true in the next moment."""
        fault = live.faults.get(name)
        if fault is not None and (valued or not fault.told):
            self._end(live, name, "gives readings again")

    def restore(self, live: LiveServer, name: str, condition: Condition) -> None:
        """An incident that was open before a restart: it isn't opened a second time."""
        live.faults[name] = Fault(condition, -math.inf, "", told=True)

    def drop_unsupported(self, live: LiveServer) -> None:
        """End what is about sensors that the server no longer has."""
        for name in [name for name in live.faults if name not in live.sensors]:
            self._end(live, name, "no longer applies to the server")
            if name in live.faults:
                live.faults_at = 0.0

    def connected(self, live: LiveServer, now: float) -> None:
        """The server is being read from now on. What its sensors owed before, they still owe; the
        time since `live.away_since` doesn't count."""
        away = live.away_since
        for series in live.series.values():
            series.owed = _moved(max(series.heard, series.owed), away, now)
        for fault in live.faults.values():
            if not fault.told:
                fault.since = _moved(fault.since, away, now)
        live.faults_at = now

    def lost(self, live: LiveServer) -> None:
        """The connection is gone: nothing is said of sensors that can't be read."""
        live.faults_at = math.inf

    def look(self, live: LiveServer, now: float) -> None:
        """Announce what has lasted for too long; does nothing before `live.faults_at`."""
        if now < live.faults_at or not live.connected:
            return
        live.faults_at = math.inf
        self.drop_unsupported(live)
        for name, fault in live.faults.items():
            if not fault.told:
                self._look_at_failed(live, name, fault, now)
        for name, due in self._silent_at(live).items():
            if due <= now:
                text = f"{name} gives no readings"
                if self._tell(live, name, Condition.STALE, text):
                    live.faults[name] = Fault(Condition.STALE, due, "", told=True)
                    continue
                due = now
            live.faults_at = min(live.faults_at, due)

    def _look_at_failed(self, live: LiveServer, name: str, fault: Fault, now: float) -> None:
        due = fault.since + self._failed_after
        if now >= due:
            # What is read once an hour must fail a second time: until then, nothing is known.
            if fault.readings < 2:
                return
            text = f"{name} has failed for {roughly(now - fault.since)}: {fault.reason}"
            fault.told = self._tell(live, name, Condition.FAILED, text)
            if fault.told:
                return
        live.faults_at = min(live.faults_at, due)

    def _silent_at(self, live: LiveServer) -> dict[str, float]:
        """When each sensor that has no fault will have been silent for too long."""
        due: dict[str, float] = {}
        for (name, _), series in live.series.items():
            if name in live.sensors and name not in live.faults:
                heard = max(series.heard, series.owed)
                patience = series.patience(self._timeout) + self._stale_after
                due[name] = max(due.get(name, 0.0), heard + patience)
        return due

    def _end(self, live: LiveServer, name: str, text: str) -> None:
        fault = live.faults.get(name)
        if fault is None:
            return
        recovered = EventType.RECOVERED
        if not fault.told or self._tell(live, name, fault.condition, f"{name} {text}", recovered):
            del live.faults[name]

    def _tell(
        self,
        live: LiveServer,
        name: str,
        condition: Condition,
        text: str,
        type_: EventType = EventType.FAILING,
    ) -> bool:
        message = f"{live.name}: {text}"
        return self._say(
            Event(time.time(), type_, message, live.record.id, name, condition=condition), None
        )


def _moved(at: float, away: float | None, now: float) -> float:
    """A time, moved on so that only what was before `away` has passed since; None: nothing has."""
    return now if away is None else now - max(0.0, away - at)
