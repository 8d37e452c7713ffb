"""What each sensor prints on a simulated machine. Pure: (machine, sensor, time) → text.

Without a model of its own a sensor moves gently around the first of its library examples,
and goes where its machine's character takes it (`moods.py`). So a sensor that joins the
library is simulated from that day on.

`teller` works out once what doesn't change in time; what it gives is asked for each reading.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from math import floor

from outkept.demo.chance import pick
from outkept.demo.characters import Character
from outkept.demo.machines import Machine
from outkept.demo.moods import HEIGHTS, WORK, Curve, is_dead
from outkept.demo.waves import Counter, Wave
from outkept.model.sensor import Parse, Sensor

_CALM = 0.9
"""A calm value keeps this far from its warning threshold, as a part of it."""
_HARD_AT_WORK = (Character.BUSY, Character.HOT)
_AS_BUSY = {Character.BUSY: 4.0, Character.IDLE: 0.02}
"""What a machine moves, as a part of what others of its kind move."""
USUAL = {
    "conntrack": 6.0,
    "docker": 9.0,
    "exim": 14.0,
    "files": 1.5,
    "load": 1.2,
    "mysql": 6.0,
    "podman": 4.0,
    "postfix_queue": 8.0,
    "redis_clients": 40.0,
    "ssh_failures": 5.0,
    "swap": 6.0,
    "tasks": 2.0,
    "tcp_connections": 60.0,
    "tcp_waiting": 20.0,
    "updates": 11.0,
    "users": 2.0,
}
"""Where the library's first example is not what a company's servers show."""
SWINGS = {
    "apache": 0.4,
    "disk": 0.002,
    "load": 0.6,
    "load_per_cpu": 0.6,
    "mysql": 0.6,
    "phpfpm": 0.4,
    "pressure_cpu": 0.8,
    "sockets": 0.15,
    "tcp_connections": 0.4,
    "users": 0.5,
    **dict.fromkeys(("certificates", "docker", "inodes", "podman", "smart_wear"), 0.0),
    **dict.fromkeys(("swap", "updates", "zfs_capacity"), 0.0),
}
"""How far a calm value moves, as a part of it, where it isn't a twentieth."""
ALIKE = frozenset({"entropy", "ups"})
"""Sensors that show the example's very value on every healthy machine."""


Teller = Callable[[float, float, float | None], str]
"""(seconds since the fleet's start, UNIX seconds, the fleet's age at the last reaction to the
sensor) → standard output, as the sensor parses it."""

Source = Callable[[float, float | None], float]
"""The same without the UNIX seconds → one value."""


@dataclass(frozen=True, slots=True)
class _Series:
    """One value of an example: what stands before it, and how many decimals it has."""

    label: str
    value: float
    decimals: int

    @property
    def form(self) -> str:
        """The line of a table that it fills, as a %-format."""
        return f"{self.label.replace('%', '%%')}%.{self.decimals}f\n"


def teller(machine: Machine, sensor: Sensor) -> Teller:
    """What `sensor` prints on `machine`."""
    if model := MODELS.get(sensor.name):
        return model(machine)
    series = _series(sensor)
    if not series:
        return _Constant(sensor.examples[0].output if sensor.examples else "0\n")
    sources = tuple(_source(machine, sensor, one, i == 0) for i, one in enumerate(series))
    return _Lines(_form(series), sources)


def status(sensor: Sensor) -> int:
    """The exit status that goes with the output."""
    return sensor.examples[0].status if sensor.examples else 0


class _Constant:
    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __call__(self, t: float, now: float, mended: float | None) -> str:
        return self._text


class _Lines:
    """A value to a line. The form is shared by all machines."""

    __slots__ = ("_form", "_sources")

    def __init__(self, form: str, sources: tuple[Source, ...]) -> None:
        self._form = form
        self._sources = sources

    def __call__(self, t: float, now: float, mended: float | None) -> str:
        return self._form % tuple([source(t, mended) for source in self._sources])


def _series(sensor: Sensor) -> tuple[_Series, ...]:
    """The numbers of the first example; none for texts, plugins and JSON, which stay as is."""
    if sensor.parse not in (Parse.NUMBER, Parse.TABLE) or not sensor.examples:
        return ()
    return _numbers(sensor.examples[0].output)


@lru_cache(maxsize=1000)
def _numbers(text: str) -> tuple[_Series, ...]:
    lines = [line.rsplit(maxsplit=1) for line in text.splitlines()]
    return tuple(_one(words) for words in lines if words)


@lru_cache(maxsize=1000)
def _form(series: tuple[_Series, ...]) -> str:
    return "".join(one.form for one in series)


def _one(words: list[str]) -> _Series:
    decimals = len(words[-1].partition(".")[2])
    return _Series(f"{words[0]} " if len(words) == 2 else "", float(words[-1]), decimals)


def _source(machine: Machine, sensor: Sensor, one: _Series, first: bool) -> Source:
    if sensor.rate:
        return _counted(machine, sensor, one)
    calm = _calm(machine, sensor, one)
    curve = HEIGHTS.get((machine.character, sensor.name)) if first else None
    if curve or machine.character is Character.DEAD_DAEMON:
        return _Moody(machine, sensor, one.value, curve, calm)
    return calm


class _Moody:
    """A value that goes where the machine's character takes it."""

    __slots__ = ("_calm", "_curve", "_machine", "_sensor", "_usual")

    def __init__(
        self, machine: Machine, sensor: Sensor, usual: float, curve: Curve | None, calm: Source
    ) -> None:
        self._machine, self._sensor, self._usual = machine, sensor, usual
        self._curve, self._calm = curve, calm

    def __call__(self, t: float, mended: float | None) -> float:
        machine, sensor = self._machine, self._sensor
        if is_dead(machine.character, sensor.name, t, mended):
            return 0
        if self._curve is None:
            return self._calm(t, mended)
        at = self._curve(machine.seed, t, mended)
        return _capped(sensor, _at_height(sensor, at, self._usual))


class _Fixed:
    __slots__ = ("_value",)

    def __init__(self, value: float) -> None:
        self._value = value

    def __call__(self, t: float, mended: float | None) -> float:
        return self._value


class _Counting:
    __slots__ = ("_counter",)

    def __init__(self, counter: Counter) -> None:
        self._counter = counter

    def __call__(self, t: float, mended: float | None) -> float:
        return self._counter.at(t)


def _counted(machine: Machine, sensor: Sensor, one: _Series) -> Source:
    """A counter's output. One whose example is 0 counts mishaps, and there are none."""
    if one.value == 0:
        return _Fixed(0)
    key = (machine.seed, sensor.name, one.label)
    limit = sensor.warning or sensor.alarm
    if not limit:
        usual = pick(2e4, 2e6, *key, "rate") if "B" in sensor.unit else pick(1, 20, *key, "rate")
        return _Counting(Counter(usual * _AS_BUSY.get(machine.character, 1.0), *key))
    if sensor.name in WORK and machine.character in _HARD_AT_WORK:
        return _Counting(Counter(limit * 0.85, *key, swing=0.15))
    share = 0.02 if machine.character is Character.IDLE else pick(0.05, 0.4, *key, "rate")
    return _Counting(Counter(limit * share, *key))


class _Calm:
    """Around what is usual for this machine, on the good side of an edge."""

    __slots__ = ("_base", "_edge", "_sensor", "_series", "_swing", "_wave")

    def __init__(self, machine: Machine, sensor: Sensor, one: _Series, base: float) -> None:
        self._wave = Wave(machine.seed, sensor.name, one.label)
        self._base = base
        self._swing = base * SWINGS.get(sensor.name, 0.05)
        self._sensor, self._series = sensor, one
        self._edge = _edge(sensor, one)

    def __call__(self, t: float, mended: float | None) -> float:
        value = self._base + self._swing * self._wave.at(t)
        one = self._series
        if self._sensor.zero and round(value, one.decimals) == 0:
            value = one.value
        if self._edge is None:
            return value
        if one.decimals == 0:
            value = round(value)
        return max(value, self._edge) if self._sensor.inverted else min(value, self._edge)


def _calm(machine: Machine, sensor: Sensor, one: _Series) -> Source:
    """Around what is usual, at another place on each machine; never past the warning."""
    usual = USUAL.get(sensor.name, one.value)
    # Small whole numbers count daemons or mishaps: none of them comes or goes by itself.
    if sensor.name in ALIKE or (one.decimals == 0 and usual <= 2 and sensor.name not in USUAL):
        edge = _edge(sensor, one)
        return _Fixed(usual if edge is None else (max if sensor.inverted else min)(usual, edge))
    idle = machine.character is Character.IDLE and sensor.name in WORK
    share = 0.08 if idle else pick(0.5, 1.6, machine.seed, sensor.name, one.label)
    return _Calm(machine, sensor, one, usual * share)


def _edge(sensor: Sensor, one: _Series) -> float | None:
    """The last value that is just normal, a whole one where the example is; None without
    thresholds."""
    if sensor.warning is None and sensor.alarm is None:
        return None
    warning, _ = _thresholds(sensor, one.value)
    if one.decimals == 0:
        return floor(warning) + 1 if sensor.inverted else floor(warning * _CALM)
    return warning / _CALM if sensor.inverted else warning * _CALM


def _thresholds(sensor: Sensor, usual: float) -> tuple[float, float]:
    """Warning and alarm; where one isn't set, it lies a fifth from the other one."""
    far = 0.8 if sensor.inverted else 1.25
    warning, alarm = sensor.warning, sensor.alarm
    if warning is None:
        warning = alarm / far if alarm is not None else usual * far
    if alarm is None:
        alarm = warning * far
    return warning, alarm


def _at_height(sensor: Sensor, at: float, usual: float) -> float:
    warning, alarm = _thresholds(sensor, usual)
    # Thresholds that are equal (one failed disk is an alarm) still have a height.
    step = alarm - warning or (-1 if sensor.inverted else 1) * max(abs(warning) / 4, 1)
    return warning + step * at


def _capped(sensor: Sensor, value: float) -> float:
    return max(0, min(value, 100) if sensor.unit == "%" else value)


def _time(machine: Machine) -> Teller:
    def told(t: float, now: float, mended: float | None) -> str:
        return f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M} UTC\n"

    return told


def _kernel(machine: Machine) -> Teller:
    return _Constant(f"{machine.system.kernel}\n")


def _uptime(machine: Machine) -> Teller:
    before = pick(2e5, 3e7, machine.seed, "uptime")

    def told(t: float, now: float, mended: float | None) -> str:
        return f"{before + t:.2f}\n"

    return told


MODELS: dict[str, Callable[[Machine], Teller]] = {
    "time": _time,
    "kernel": _kernel,
    "uptime": _uptime,
}
