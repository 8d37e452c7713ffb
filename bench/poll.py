"""The whole daemon over simulated servers: CPU a reading, lateness, memory a server.

`python -m bench.poll [--short] [--servers N] [--sensors N] [--interval S] [--seconds S]`: the
fleet in a process of its own, `outkept run` in another, measured from outside by `/metrics` and
`/proc`. Several numbers of servers, as in `--servers 10 100 1000`, make a line each.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop
import yaml
from prometheus_client.parser import text_string_to_metric_families

from bench.common import (
    KeepError,
    Report,
    Row,
    cpu_of,
    kept,
    memory_of,
    parser,
    result_name,
    rounded,
    steps,
)
from bench.fleet import Plain, plain_fleet
from bench.sensors import CHEAP, cheap, library
from tests.servers import free_port

NETWORK = "127.94.0.0"
NOBODY = "127.95.0.1"
"""Nothing listens there: a daemon that sweeps it has no servers."""
SETTLE_S = 5.0
"""How long a daemon without servers is given before its memory counts as the base."""

Metrics = Mapping[tuple[str, str], float]
"""By the sample's name and its only label's value, empty without one."""


@dataclass(frozen=True)
class Load:
    """What the daemon is given to do."""

    servers: int
    sensors: int
    interval: float
    seconds: float


@dataclass(frozen=True)
class Moment:
    """The daemon's counters at a time: CPU seconds of it and of the fleet."""

    at: float
    cpu: float
    fleet_cpu: float
    metrics: Metrics

    def since(self, before: "Moment", name: str, label: str = "") -> float:
        """How much a counter grew."""
        return self.metrics.get((name, label), 0.0) - before.metrics.get((name, label), 0.0)


class Daemon:
    """`outkept run` as a process."""

    def __init__(self, process: subprocess.Popen[bytes], state: Path, log: Path) -> None:
        self.pid = process.pid
        self._process = process
        self._state = state
        self._log = log

    def metrics(self) -> Metrics:
        """What /metrics says now; nothing while it does not answer yet."""
        if self._process.poll() is not None:
            raise RuntimeError(f"the daemon ended: {self._log.read_text()[-2000:]}")
        url = self._state / "url"
        if not url.exists():
            return {}
        try:
            with urllib.request.urlopen(f"{url.read_text()}metrics", timeout=60) as answer:
                text = answer.read().decode()
        except OSError:
            return {}
        return {
            (sample.name, next(iter(sample.labels.values()), "")): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


@contextmanager
def _daemon(folder: Path, config: Mapping[str, object]) -> Iterator[Daemon]:
    state, log, path = folder / "state", folder / "log", folder / "config.yaml"
    folder.mkdir()
    path.write_text(yaml.safe_dump({**config, "state": str(state)}))
    command = [sys.executable, "-m", "outkept", "run", "-c", str(path)]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        yield Daemon(process, state, log)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _config(load: Load, plain: Plain, range_: str) -> dict[str, object]:
    """The library's cheap sensors, all at one interval, and nothing else."""
    sensors = cheap(load.sensors)
    names = {sensor.name for sensor in sensors}
    every = {"every": f"{load.interval * 1000:.0f}ms"}
    return {
        "ranges": [range_],
        "ssh": {
            "user": plain.fleet.user,
            "keys": [str(plain.fleet.key)],
            "agent": False,
            "ports": [plain.fleet.port],
            "connect_timeout": "1m",
        },
        "sweep": {"rate": 0, "timeout": "30s"},
        "sensors": {
            "disable": sorted(set(library()) - names),
            "overrides": [{"set": dict.fromkeys(sorted(names), every)}],
        },
        "dashboard": {"listen": f"127.0.0.1:{free_port()}"},
    }


async def _base(folder: Path, load: Load, plain: Plain) -> int:
    """Bytes of a daemon without servers."""
    with _daemon(folder, _config(load, plain, NOBODY)) as daemon:
        await _until(daemon, bool, 60)
        await asyncio.sleep(SETTLE_S)
        return memory_of(daemon.pid)


async def _until(daemon: Daemon, enough: Callable[[Metrics], bool], deadline: float) -> None:
    end = time.monotonic() + deadline
    while not enough(metrics := await asyncio.to_thread(daemon.metrics)):
        if time.monotonic() > end:
            said = {key: value for key, value in metrics.items() if "servers" in key[0]}
            raise TimeoutError(f"the daemon was not at work within {deadline:g} s: {said}")
        await asyncio.sleep(0.5)


class Enough:
    """Whether every server is connected and shows all its sensors."""

    def __init__(self, load: Load) -> None:
        self._load = load

    def __call__(self, metrics: Metrics) -> bool:
        """To be asked of what /metrics says."""
        up = _sum(metrics, "outkept_servers", without=("disconnected", "quarantined", "new"))
        read = _sum(metrics, "outkept_sensors", without=("unknown", "stale", "new"))
        return up >= self._load.servers and read >= self._load.servers * self._load.sensors


def _sum(metrics: Metrics, name: str, *, without: Sequence[str]) -> float:
    return sum(v for (n, label), v in metrics.items() if n == name and label not in without)


async def _moment(daemon: Daemon, plain: Plain) -> Moment:
    metrics = await asyncio.to_thread(daemon.metrics)
    return Moment(time.monotonic(), cpu_of(daemon.pid), cpu_of(plain.fleet.pid), metrics)


async def measure(load: Load) -> Row:
    """One line: a fleet, a daemon without servers, and one with all of them."""
    with tempfile.TemporaryDirectory(prefix="outkept-bench-") as name:
        folder = Path(name)
        async with plain_fleet(folder / "fleet", load.servers, NETWORK) as plain:
            base = await _base(folder / "base", load, plain)
            with _daemon(folder / "daemon", _config(load, plain, plain.span)) as daemon:
                began = time.monotonic()
                await _until(daemon, Enough(load), 120 + load.servers / 3)
                warm = time.monotonic() - began
                await asyncio.sleep(load.interval)
                before = await _moment(daemon, plain)
                await asyncio.sleep(load.seconds)
                after = await _moment(daemon, plain)
                memory = (memory_of(daemon.pid) - base) / load.servers
    return _row(load, before, after, memory, warm)


def _row(load: Load, before: Moment, after: Moment, memory: float, warm: float) -> Row:
    seconds = after.at - before.at
    cpu = after.cpu - before.cpu
    readings = after.since(before, "outkept_readings_total")
    return {
        "servers": load.servers,
        "readings/s": rounded(readings / seconds),
        "wanted/s": rounded(load.servers * load.sensors / load.interval),
        "CPU ms a reading": rounded(cpu / max(1.0, readings) * 1000),
        "daemon CPU %": rounded(cpu / seconds * 100),
        "fleet CPU %": rounded((after.fleet_cpu - before.fleet_cpu) / seconds * 100),
        "late ms p50": _late(before, after, 0.5),
        "late ms p99": _late(before, after, 0.99),
        "missed": round(after.since(before, "outkept_ticks_missed")),
        "KB a server": rounded(memory / 1024),
        "ready s": rounded(warm),
    }


def _late(before: Moment, after: Moment, part: float) -> str | float:
    """Milliseconds that `part` of the readings were at most late, between two bounds of the
    daemon's histogram."""
    name = "outkept_lateness_seconds_bucket"
    bounds = [label for n, label in after.metrics if n == name]
    counts = {float(bound): after.since(before, name, bound) for bound in bounds}
    wanted = part * max(counts.values(), default=0.0)
    lower, below = 0.0, 0.0
    for bound in sorted(counts):
        if counts[bound] >= wanted and counts[bound] > below:
            if bound == float("inf"):
                return f"> {lower * 1000:g}"
            share = (wanted - below) / (counts[bound] - below)
            return rounded((lower + share * (bound - lower)) * 1000)
        lower, below = bound, counts[bound]
    return "–"


NOTES = (
    "The daemon is a whole one: sweep, poller, parsing, levels, history on disk, hub without "
    "clients. CPU is that of its process; 100 % is one core.",
    "Lateness is from a reading's due time to the start of its command, between the bounds of "
    "the daemon's own histogram. Missed ticks are those of the measured time.",
    "Memory is what the daemon has more than one that has no servers, over the number of "
    "servers. The fleet shares the machine: where its CPU is near 100 %, it is the limit.",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench; the exit status."""
    made = parser(__doc__)
    made.add_argument("--servers", type=int, nargs="+", help="simulated (10 100 1000; short: 20)")
    made.add_argument("--sensors", type=int, default=len(CHEAP), help="of each, at most 12 (12)")
    made.add_argument("--interval", type=float, default=0, help="seconds (10; short: 2)")
    made.add_argument("--seconds", type=float, default=0, help="measured (60; short: 10)")
    made.add_argument("--keep", action="store_true", help="lines of other sizes in the JSON")
    options = made.parse_args(arguments)
    sizes = options.servers or ([20] if options.short else [10, 100, 1000])
    interval = options.interval or (2.0 if options.short else 10.0)
    seconds = options.seconds or (10.0 if options.short else 60.0)
    same = {"sensors": options.sensors, "interval": f"{interval:g} s"}
    rows: list[Row] = []
    if options.keep:
        path = options.results / result_name("poll", short=options.short)
        try:
            rows = kept(path, same, "servers", sizes)
        except KeepError as error:
            made.error(str(error))
    notes = NOTES + tuple(f"From an earlier run: {row['servers']} servers." for row in rows)
    with steps("poll", len(sizes)) as step:
        for servers in sizes:
            step(f"{servers} servers")
            load = Load(servers, options.sensors, interval, seconds)
            rows.append(uvloop.run(measure(load)))
    rows.sort(key=lambda row: float(row["servers"] or 0))
    parameters = {**same, "seconds": seconds}
    Report("poll", options.short, parameters, rows, notes).publish(options.results)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
