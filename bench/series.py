"""Realistic series for the bench of history: the demo's waves, printed as sensors print them,
and what this very machine's own /proc says."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from outkept.demo.waves import Counter, Wave

Value = Callable[[int, float], float]
"""Of a server's number and a time in seconds."""

KINDS: Mapping[str, Value] = {
    "load, 0.52": lambda n, t: round(Wave(n, "load").level(t, 0.1, 2.0), 2),
    "percentage, 41": lambda n, t: float(round(Wave(n, "disk").level(t, 20, 60))),
    "percentage, 41.5": lambda n, t: round(Wave(n, "cpu").level(t, 20, 60), 1),
    "percentage, 41.53": lambda n, t: round(Wave(n, "wait").level(t, 20, 60), 2),
    "connections, 184": lambda n, t: float(round(Wave(n, "tcp").level(t, 50, 300))),
    "constant, 41": lambda n, t: 41.0,
    "memory, pages of 4096 B": lambda n, t: Wave(n, "m").level(t, 4e9, 5e9) // 4096 * 4096,
    "uptime, 861423.52": lambda n, t: round(8e5 + 977 * n + t, 2),
}
LATENCY_S = 0.02
"""Mean time between the tick and the answer; gamma distributed, as networks are."""


def rate(digits: int | None) -> Value:
    """A counter's rate over ten seconds, its time measured; to so many significant digits."""

    def value(n: int, t: float) -> float:
        rng = random.Random((n, t).__hash__())
        took = 10 + rng.gauss(0, 0.01)
        counter = Counter(5e5, n, "net")
        count = int(counter.at(t + took)) - int(counter.at(t))
        return count / took if digits is None else float(f"{count / took:.{digits}g}")

    return value


def arrivals(seed: int, every: float, count: int) -> Iterator[float]:
    """Seconds at which the answers of an aligned schedule arrive."""
    rng = random.Random(seed)
    phase = rng.random() * every
    for number in range(count):
        yield phase + number * every + rng.gammavariate(2, LATENCY_S / 2)


def machine_samples(count: int, pause: float) -> dict[str, list[float]]:
    """So many readings of this machine's own sensors, `pause` seconds apart."""
    found: dict[str, list[float]] = {"load": [], "memory %": [], "cpu %": [], "interrupts/s": []}
    busy, total, interrupts = _cpu()
    for _ in range(count):
        time.sleep(pause)
        found["load"].append(float(Path("/proc/loadavg").read_text().split()[0]))
        memory = {
            name: float(rest.split()[0])
            for name, _, rest in (
                line.partition(":") for line in Path("/proc/meminfo").read_text().splitlines()
            )
        }
        used = 100 * (1 - memory["MemAvailable"] / memory["MemTotal"])
        found["memory %"].append(round(used, 1))
        before = busy, total, interrupts
        busy, total, interrupts = _cpu()
        share = 100 * (busy - before[0]) / max(1, total - before[1])
        found["cpu %"].append(round(share, 1))
        found["interrupts/s"].append(float(f"{(interrupts - before[2]) / pause:.4g}"))
    return found


def _cpu() -> tuple[int, int, int]:
    lines = Path("/proc/stat").read_text().splitlines()
    times = [int(word) for word in lines[0].split()[1:9]]
    interrupts = next(int(line.split()[1]) for line in lines if line.startswith("intr "))
    return sum(times) - times[3] - times[4], sum(times), interrupts
