"""The sensors that benches read: twelve cheap ones of the library that any Linux supports."""

from outkept.config.library import load_library
from outkept.config.resources import data_dir
from outkept.model.sensor import Sensor

CHEAP = (
    "load",
    "load_per_cpu",
    "uptime",
    "memory",
    "processes",
    "blocked",
    "files",
    "entropy",
    "kernel",
    "sockets",
    "tcp_connections",
    "tcp_waiting",
)


def library() -> dict[str, Sensor]:
    """The built-in sensors by name."""
    sensors, problems = load_library([data_dir("sensors")])
    assert not problems, problems
    return sensors


def cheap(count: int = len(CHEAP)) -> list[Sensor]:
    """The first `count` of the twelve."""
    known = library()
    return [known[name] for name in CHEAP[:count]]
