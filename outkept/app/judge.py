"""From a reading to what it means: values, levels, events, and reactions asked for."""

from collections.abc import Callable
from dataclasses import dataclass

from outkept.app.fleet import Fleet, LiveServer, Series, SeriesKey
from outkept.app.views import series_name
from outkept.evaluate.tracker import Change, Track, step
from outkept.model.event import Event, EventType
from outkept.model.level import Level
from outkept.model.reading import Reading, Sample, Value
from outkept.model.sensor import Sensor
from outkept.ssh.connection import Connection

ABSENT_AFTER = 3
"""Good readings in a row without an instance after which its series is dropped: an interface
whose counter was reset is back in the next one, an unmounted disk is not."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A series entered alarm: what its reaction needs to know, and the very connection that
    gave the reading. `incident` is known once the event is on disk."""

    server: str
    sensor: Sensor
    instance: str | None
    cause: str
    by_zero: bool
    connection: Connection
    incident: int | None = None


Announce = Callable[[Event, Alarm | None], bool]
"""Takes an event, and the alarm it stands for. False: there is no room for it now."""


class Judge:
    """Keeps the fleet's series up to date. Called in the loop for every reading."""

    def __init__(self, fleet: Fleet, announce: Announce, interval: Callable[[Sensor], float]):
        self._fleet = fleet
        self._announce = announce
        self._interval = interval

    def take(self, connection: Connection, sensor: Sensor, reading: Reading) -> None:
        """Take one reading into account."""
        live = self._fleet.get(reading.server)
        if live is None:
            return
        if reading.failure is not None:
            self._fail(live, sensor, reading.failure)
            return
        for sample in reading.samples:
            series = live.series.get((sensor.name, sample.instance))
            if series is None or series.sensor is not sensor:
                series = self._series(live, sensor, sample.instance)
            self._value(live, series, sample, reading.at, connection)
        shape = tuple([sample.instance for sample in reading.samples])
        if shape and live.shapes.get(sensor.name) != shape:
            self._drop_absent(live, sensor, shape)

    def expect(self, live: LiveServer, sensor: Sensor) -> None:
        """The server supports `sensor`: show it before its first reading."""
        if not any(name == sensor.name for name, _ in live.series):
            self._series(live, sensor, None)

    def restore(self, live: LiveServer, key: SeriesKey, level: Level, *, fired: bool) -> None:
        """An open alarm or warning from before a restart: it is not entered a second time."""
        sensor = live.sensors.get(key[0])
        if sensor is not None:
            series = self._series(live, sensor, key[1])
            series.track, series.fired = Track(level), fired
            live.note_levels()

    def remember(self, live: LiveServer, key: SeriesKey, value: Value, at: float) -> None:
        """A value from before a restart: shown with its age until a newer one comes."""
        sensor = live.sensors.get(key[0])
        if sensor is not None:
            series = self._series(live, sensor, key[1])
            series.value, series.at, series.stale = value, at, True

    def _series(self, live: LiveServer, sensor: Sensor, instance: str | None) -> Series:
        series = live.series.get((sensor.name, instance))
        if series is None:
            series = Series(sensor, instance, self._interval(sensor))
            live.series[sensor.name, instance] = series
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
        self, live: LiveServer, series: Series, sample: Sample, at: float, connection: Connection
    ) -> None:
        track, change = step(series.sensor, series.track, sample, at)
        if series.stale or series.at is None:
            live.look_at = 0.0
        series.value, series.at = sample.value, at
        series.failure, series.stale, series.absent = None, False, 0
        if track is series.track:
            return
        # Without room for the event the level stays, and the next reading changes it.
        if change is None or self._tell(live, series, sample, at, change, connection):
            series.track = track
            series.fired = series.fired and track.level is Level.ALARMED
        if change is not None:
            live.note_levels()

    def _tell(
        self,
        live: LiveServer,
        series: Series,
        sample: Sample,
        at: float,
        change: Change,
        connection: Connection,
    ) -> bool:
        cause = _cause(series.sensor, sample, change)
        event = Event(
            at,
            _EVENT_OF[change.after],
            f"{live.name}: {series_name(series)} {cause}",
            server=live.record.id,
            sensor=series_name(series),
            value=sample.value,
        )
        if not change.enters_alarm:
            return self._announce(event, None)
        alarm = Alarm(
            live.record.id, series.sensor, series.instance, cause, change.by_zero, connection
        )
        return self._announce(event, alarm)

    def _drop_absent(
        self, live: LiveServer, sensor: Sensor, present: tuple[str | None, ...]
    ) -> None:
        complete = True
        for key, series in list(live.series.items()):
            if key[0] != sensor.name or key[1] in present:
                continue
            series.absent += 1
            if series.at is None or series.absent >= ABSENT_AFTER:
                self.drop(live, key, "is gone from the server")
            else:
                complete = False
        if complete:
            live.shapes[sensor.name] = present

    def drop(self, live: LiveServer, key: SeriesKey, why: str) -> None:
        """Forget a series; whoever was told of its alarm is told that it is over."""
        series = live.series.pop(key)
        if series.track.level is Level.NORMAL:
            return
        live.note_levels()
        message = f"{live.name}: {series_name(series)} {why}"
        at = series.at or live.last_seen
        self._announce(
            Event(at, EventType.RECOVERED, message, live.record.id, series_name(series)), None
        )


_EVENT_OF = {
    Level.NORMAL: EventType.RECOVERED,
    Level.WARNED: EventType.WARNED,
    Level.ALARMED: EventType.ALARMED,
}


def _cause(sensor: Sensor, sample: Sample, change: Change) -> str:
    value = sample.value if isinstance(sample.value, str) else f"{sample.value:g}{_unit(sensor)}"
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


def _unit(sensor: Sensor) -> str:
    return f" {sensor.unit}" if sensor.unit else ""
