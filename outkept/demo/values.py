"""What each sensor prints on a simulated machine. Pure: (machine, sensor, time) → text.

Without a model of its own a sensor moves gently around the first of its library examples,
and goes where its machine's character takes it (`moods.py`). So a sensor that joins the
library is simulated from that day on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from math import floor

from outkept.demo.chance import pick
from outkept.demo.characters import Character
from outkept.demo.machines import Machine
from outkept.demo.moods import WORK, height, is_dead
from outkept.demo.waves import counter, wave
from outkept.model.sensor import Parse, Sensor

_CALM = 0.9
"""A calm value keeps this far from its warning threshold, as a part of it."""
_HARD_AT_WORK = (Character.BUSY, Character.HOT)
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


@dataclass(frozen=True, slots=True)
class Scene:
    """One question: `sensor` on `machine`, `t` seconds after the fleet's start, at `now`
    UNIX seconds; `mended` is the fleet's age at the last reaction to this sensor."""

    machine: Machine
    sensor: Sensor
    t: float
    now: float
    mended: float | None = None


@dataclass(frozen=True, slots=True)
class _Series:
    """One value of an example: its instance and how many decimals it was written with."""

    instance: str | None
    value: float
    decimals: int


def output(scene: Scene) -> str:
    """The standard output, as `scene.sensor` parses it."""
    if model := MODELS.get(scene.sensor.name):
        return model(scene)
    series = _series(scene.sensor)
    if not series:
        return scene.sensor.examples[0].output if scene.sensor.examples else "0\n"
    return "".join(
        f"{_label(one.instance)}{_written(_value(scene, one, i == 0), one.decimals)}\n"
        for i, one in enumerate(series)
    )


def status(sensor: Sensor) -> int:
    """The exit status that goes with the output."""
    return sensor.examples[0].status if sensor.examples else 0


def _series(sensor: Sensor) -> list[_Series]:
    """The numbers of the first example; none for texts, plugins and JSON, which stay as is."""
    if sensor.parse not in (Parse.NUMBER, Parse.TABLE) or not sensor.examples:
        return []
    lines = [line.rsplit(maxsplit=1) for line in sensor.examples[0].output.splitlines()]
    return [_one(words) for words in lines if words]


def _one(words: list[str]) -> _Series:
    decimals = len(words[-1].partition(".")[2])
    return _Series(words[0] if len(words) == 2 else None, float(words[-1]), decimals)


def _label(instance: str | None) -> str:
    return "" if instance is None else f"{instance} "


def _written(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}"


def _value(scene: Scene, one: _Series, first: bool) -> float:
    machine, sensor = scene.machine, scene.sensor
    if sensor.rate:
        return _counted(scene, one)
    if is_dead(machine.character, sensor.name, scene.t, scene.mended):
        return 0
    at = height(machine.character, sensor.name, machine.seed, scene.t, scene.mended)
    if at is None or not first:
        return _calm(scene, one)
    return _capped(sensor, _at_height(sensor, at, one.value))


def _counted(scene: Scene, one: _Series) -> float:
    """A counter's output. One whose example is 0 counts mishaps, and there are none."""
    if one.value == 0:
        return 0
    character, sensor = scene.machine.character, scene.sensor
    key = (scene.machine.seed, sensor.name, one.instance)
    limit = sensor.warning or sensor.alarm
    if not limit:
        usual = pick(2e4, 2e6, *key, "rate") if "B" in sensor.unit else pick(1, 20, *key, "rate")
        much = {Character.BUSY: 4.0, Character.IDLE: 0.02}.get(character, 1.0)
        return counter(key, scene.t, usual * much)
    if sensor.name in WORK and character in _HARD_AT_WORK:
        return counter(key, scene.t, limit * 0.85, swing=0.15)
    share = 0.02 if character is Character.IDLE else pick(0.05, 0.4, *key, "rate")
    return counter(key, scene.t, limit * share)


def _calm(scene: Scene, one: _Series) -> float:
    """Around what is usual, at another place on each machine; never past the warning."""
    machine, sensor = scene.machine, scene.sensor
    usual = USUAL.get(sensor.name, one.value)
    # Small whole numbers count daemons or mishaps: none of them comes or goes by itself.
    if sensor.name in ALIKE or (one.decimals == 0 and usual <= 2 and sensor.name not in USUAL):
        return _below_warning(sensor, one, usual)
    key = (machine.seed, sensor.name, one.instance)
    idle = machine.character is Character.IDLE and sensor.name in WORK
    share = 0.08 if idle else pick(0.5, 1.6, *key)
    value = usual * share * (1 + SWINGS.get(sensor.name, 0.05) * wave(key, scene.t))
    if sensor.zero and round(value, one.decimals) == 0:
        value = one.value
    return _below_warning(sensor, one, value)


def _below_warning(sensor: Sensor, one: _Series, value: float) -> float:
    """`value`, or what is just normal; in whole numbers where the example is one."""
    if sensor.warning is None and sensor.alarm is None:
        return value
    warning, _ = _thresholds(sensor, one.value)
    edge = warning / _CALM if sensor.inverted else warning * _CALM
    if one.decimals == 0:
        edge, value = (floor(warning) + 1 if sensor.inverted else floor(edge)), round(value)
    return max(value, edge) if sensor.inverted else min(value, edge)


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


def _time(scene: Scene) -> str:
    return f"{datetime.fromtimestamp(scene.now, UTC):%Y-%m-%d %H:%M} UTC\n"


def _kernel(scene: Scene) -> str:
    return f"{scene.machine.system.kernel}\n"


def _uptime(scene: Scene) -> str:
    return f"{pick(2e5, 3e7, scene.machine.seed, 'uptime') + scene.t:.2f}\n"


MODELS: dict[str, Callable[[Scene], str]] = {
    "time": _time,
    "kernel": _kernel,
    "uptime": _uptime,
}
