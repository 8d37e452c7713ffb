"""From a reading to what it means: values, levels, events, and reactions asked for."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter

from outkept.app.faults import Faults
from outkept.app.fleet import Fleet, LiveServer, Series, SeriesKey
from outkept.app.views import series_name
from outkept.config.durations import format_duration
from outkept.config.settings import FlappingSettings
from outkept.evaluate.flapping import STEADY, Flap, changed, settled, still_flapping
from outkept.evaluate.thresholds import is_zero_alarm
from outkept.evaluate.tracker import Change, Track, after_gap, step
from outkept.model.event import Condition, Event, EventType
from outkept.model.level import Level
from outkept.model.reading import Reading, Sample, Value
from outkept.model.sensor import Sensor
from outkept.ssh.connection import Connection

NO_LONGER_APPLIES = "no longer applies to the server"
ABSENT_AFTER = 3
"""Good readings in a row without an instance after which its series is dropped: an interface
whose counter was reset is back in the next one, an unmounted disk is not."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A series entered alarm: what its reaction needs to know, and the very connection that
    gave the reading. `incident` is known once the event is on disk; `opened` says that it is the
    event that opened it."""

    server: str
    sensor: Sensor
    instance: str | None
    cause: str
    by_zero: bool
    connection: Connection
    incident: int | None = None
    opened: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """What an open incident says of a series' level. `fired`: its reaction has run, or may have."""

    key: SeriesKey
    level: Level
    fired: bool = False
    flapping: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """What is to be told of a series, and the level it has then."""

    type: EventType
    cause: str
    level: Level
    by_zero: bool = False


Announce = Callable[[Event, Alarm | None], bool]
"""Takes an event, and the alarm it stands for. False: there is no room for it now."""


class Judge:
    """Keeps the fleet's series up to date. Called in the loop for every reading. `clock` never
    steps: what lasts is measured by it, and not by the readings' times."""

    def __init__(
        self,
        fleet: Fleet,
        announce: Announce,
        interval: Callable[[Sensor], float],
        faults: Faults,
        flapping: FlappingSettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fleet = fleet
        self._announce = announce
        self._interval = interval
        self._faults = faults
        self._flapping = flapping
        self._clock = clock

    def take(self, connection: Connection, sensor: Sensor, reading: Reading) -> None:
        """Take one reading into account."""
        live = self._fleet.get(reading.server)
        if live is None:
            return
        now = self._clock()
        if reading.failure is not None:
            self._fail(live, sensor, reading.failure)
            self._faults.failed(live, sensor, reading.failure, now)
            return
        if live.faults:
            self._faults.mended(live, sensor.name, valued=bool(reading.samples))
        times = (reading.at, now)
        for sample in reading.samples:
            series = live.series.get((sensor.name, sample.instance))
            if series is None or series.sensor is not sensor:
                series = self._series(live, sensor, sample.instance)
            self._value(live, series, sample, times, connection)
        shape = tuple(map(_INSTANCE, reading.samples))
        if shape and live.shapes.get(sensor.name) != shape:
            self._drop_absent(live, sensor, shape, reading.at)

    def expect(self, live: LiveServer, sensor: Sensor) -> None:
        """The server supports `sensor`: show it before its first reading."""
        if not any(name == sensor.name for name, _ in live.series):
            self._series(live, sensor, None)

    def restore(self, live: LiveServer, held: Held) -> None:
        """An open alarm or warning from before a restart: it is not entered a second time. Where
        the server no longer has the sensor, `drop_unsupported` says that it is over."""
        name, instance = held.key
        series = self._series(live, live.sensors.get(name) or Sensor(name, ""), instance)
        series.track, series.fired = Track(held.level), held.fired
        if held.flapping and self._flapping.changes:
            series.flap = still_flapping(self._clock())
        live.note_levels()

    def restore_fault(self, live: LiveServer, name: str, condition: Condition) -> None:
        """A sensor that failed, or was silent, before a restart; as with `restore`."""
        self._faults.restore(live, name, condition)

    def drop_unsupported(self, live: LiveServer) -> None:
        """Forget what the server no longer has of series, and of faults. What can't be told now
        is tried again once `live.look_at` has passed, which is at once then."""
        for key in [key for key in live.series if key[0] not in live.sensors]:
            if not self.drop(live, key, NO_LONGER_APPLIES, time.time()):
                live.look_at = 0.0
        self._faults.drop_unsupported(live)

    def remember(self, live: LiveServer, key: SeriesKey, value: Value, at: float) -> None:
        """A value from before a restart: shown with its age until a newer one comes."""
        sensor = live.sensors.get(key[0])
        if sensor is not None:
            series = self._series(live, sensor, key[1])
            series.value, series.at, series.stale = value, at, True

    def _series(self, live: LiveServer, sensor: Sensor, instance: str | None) -> Series:
        series = live.series.get((sensor.name, instance))
        if series is None:
            series = Series(sensor, instance, self._interval(sensor), owed=self._clock())
            live.series[sensor.name, instance] = series
            live.muted_for = None
        series.sensor, series.every = sensor, self._interval(sensor)
        live.shapes.pop(sensor.name, None)
        live.look_at = 0.0
        return series

    def _fail(self, live: LiveServer, sensor: Sensor, reason: str) -> None:
        self.expect(live, sensor)
        for (name, _), series in live.series.items():
            if name == sensor.name:
                series.failure = reason

    def _value(
        self,
        live: LiveServer,
        series: Series,
        sample: Sample,
        times: tuple[float, float],
        connection: Connection,
    ) -> None:
        at, now = times
        before = series.track
        if series.stale or series.at is None:
            live.look_at = 0.0
            before = after_gap(before, now)
            if series.flapping:
                series.flap = still_flapping(now)
        track, change = step(series.sensor, before, sample, now)
        series.value, series.at, series.heard = sample.value, at, now
        series.failure, series.stale, series.absent = None, False, 0
        if track is series.track and series.flap is STEADY:
            return
        flap, said = self._judged(series, sample, change, now)
        # Without room for the event all stays as it was, and the next reading changes it.
        if said is not None and not self._tell(live, series, sample, said, at, connection):
            return
        series.track, series.flap = track, flap
        series.fired = series.fired and track.level is Level.ALARMED
        if change is not None:
            live.note_levels()

    def _judged(
        self, series: Series, sample: Sample, change: Change | None, now: float
    ) -> tuple[Flap, Said | None]:
        """What becomes of the series' flapping, and what is to be said."""
        before, rule = series.flap, self._flapping
        if change is None:
            flap = settled(rule, before, now)
            if flap.flapping is before.flapping:
                return flap, None
            level = series.track.level
            by_zero = is_zero_alarm(series.sensor, sample)
            return flap, Said(
                _EVENT_OF[level], _steady(series.sensor, sample, level), level, by_zero
            )
        flap = changed(rule, before, now)
        if before.flapping:
            return flap, None
        if flap.flapping:
            cause = _restless(series.sensor, sample, rule)
            return flap, Said(EventType.FLAPPING, cause, change.after)
        cause = _cause(series.sensor, sample, change)
        return flap, Said(_EVENT_OF[change.after], cause, change.after, change.by_zero)

    def _tell(
        self,
        live: LiveServer,
        series: Series,
        sample: Sample,
        said: Said,
        at: float,
        connection: Connection,
    ) -> bool:
        event = Event(
            at,
            said.type,
            f"{live.name}: {series_name(series)} {said.cause}",
            server=live.record.id,
            sensor=series_name(series),
            value=sample.value,
            level=said.level if said.type is EventType.FLAPPING else None,
        )
        if said.type is not EventType.ALARMED:
            return self._announce(event, None)
        alarm = Alarm(
            live.record.id, series.sensor, series.instance, said.cause, said.by_zero, connection
        )
        return self._announce(event, alarm)

    def _drop_absent(
        self, live: LiveServer, sensor: Sensor, present: tuple[str | None, ...], at: float
    ) -> None:
        complete = True
        for key, series in list(live.series.items()):
            if key[0] != sensor.name or key[1] in present:
                continue
            series.absent += 1
            # Without a value it is a placeholder, or an alarm from before a restart.
            empty = series.at is None and series.track.level is Level.NORMAL
            late = empty or series.absent >= ABSENT_AFTER
            if not (late and self.drop(live, key, "is gone from the server", at)):
                complete = False
        if complete:
            live.shapes[sensor.name] = present

    def drop(self, live: LiveServer, key: SeriesKey, why: str, at: float) -> bool:
        """Forget a series; whoever was told of its alarm is told that it is over, since `at` (UNIX
        seconds). False: there is no room for that now, and the series stays."""
        series = live.series[key]
        if series.track.level is not Level.NORMAL or series.flapping:
            label = series_name(series)
            message = f"{live.name}: {label} {why}"
            event = Event(at, EventType.RECOVERED, message, live.record.id, label)
            if not self._announce(event, None):
                return False
        del live.series[key]
        live.muted_for = None
        live.note_levels()
        return True


_INSTANCE = attrgetter("instance")
_EVENT_OF = {
    Level.NORMAL: EventType.RECOVERED,
    Level.WARNED: EventType.WARNED,
    Level.ALARMED: EventType.ALARMED,
}


def _cause(sensor: Sensor, sample: Sample, change: Change) -> str:
    value = _shown(sensor, sample)
    if change.after is Level.NORMAL:
        return f"is back to normal at {value}"
    if change.by_zero:
        return f"is {value}, and 0 is an alarm"
    if change.before is Level.ALARMED:
        return f"has fallen to {value} and is warned"
    threshold = sensor.alarm if change.after is Level.ALARMED else sensor.warning
    if threshold is None or sample.level is not None:
        return f"is {change.after.value} at {value}"
    sign = "<=" if sensor.inverted else ">="
    return f"is {value} {sign} {threshold:g} ({change.after.value})"


def _restless(sensor: Sensor, sample: Sample, rule: FlappingSettings) -> str:
    return (
        f"is flapping: its level changed {rule.changes} times within"
        f" {format_duration(rule.within)}; it is {_shown(sensor, sample)} now"
    )


def _steady(sensor: Sensor, sample: Sample, level: Level) -> str:
    return f"no longer flaps and is {level.value} at {_shown(sensor, sample)}"


def _shown(sensor: Sensor, sample: Sample) -> str:
    if isinstance(sample.value, str):
        return sample.value
    return f"{sample.value:g}{_unit(sensor)}"


def _unit(sensor: Sensor) -> str:
    return f" {sensor.unit}" if sensor.unit else ""
