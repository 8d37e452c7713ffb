"""Readings compared with what Python reads from the machine itself at the same moment."""

import math
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from outkept.model.reading import Value
from outkept.poll.parse import parse_output
from tests.sensors.library import SENSORS, SHELLS, SYSTEM_PATH, applets, applies, run

Read = Callable[[str], dict[str | None, Value]]


@pytest.fixture(scope="module", params=list(SHELLS))
def read(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Run a built-in sensor for real; empty where its verifier says no."""
    shell = request.param
    busy = shell == "busybox"
    path = applets(tmp_path_factory.mktemp("alpine") / "bin") if busy else SYSTEM_PATH

    def reading(name: str) -> dict[str | None, Value]:
        sensor = SENSORS[name]
        if sensor.verifier and not applies(sensor, run(sensor.verifier, shell=shell, path=path)):
            return {}
        samples = parse_output(sensor, run(sensor.cmd, shell=shell, path=path))
        return {sample.instance: sample.value for sample in samples}

    return reading


def _between(read: Callable[[], float], reading: Callable[[], float], slack: float = 0) -> None:
    """The truth moves: a reading lies between the truths before and after it."""
    misses = []
    for _ in range(5):
        before, value, after = read(), reading(), read()
        if min(before, after) - slack <= value <= max(before, after) + slack:
            return
        misses.append((before, value, after))
    pytest.fail(f"no reading lay between the truths around it: {misses}")


def _number(read: Read, name: str) -> float:
    value = read(name).get(None, "does not apply here")
    assert isinstance(value, float)
    return value


def _meminfo() -> dict[str, int]:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return {line.split(":")[0]: int(line.split()[1]) for line in lines}


def _cpu_fields() -> list[int]:
    return [int(field) for field in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]


def test_load(read: Read) -> None:
    _between(lambda: os.getloadavg()[0], lambda: _number(read, "load"), 0.011)


def test_load_per_cpu(read: Read) -> None:
    cpus = os.cpu_count() or 1
    _between(lambda: os.getloadavg()[1] / cpus, lambda: _number(read, "load_per_cpu"), 0.011)


def test_busy_seconds_of_the_processors(read: Read) -> None:
    def truth() -> float:
        user, nice, system, _, _, irq, soft, steal = _cpu_fields()[:8]
        return (user + nice + system + irq + soft + steal) / (os.cpu_count() or 1)

    _between(truth, lambda: _number(read, "cpu"), 0.01)


def test_time_waiting_for_disks(read: Read) -> None:
    cpus = os.cpu_count() or 1
    _between(lambda: _cpu_fields()[4] / cpus, lambda: _number(read, "iowait"), 0.01)


def test_memory(read: Read) -> None:
    def truth() -> float:
        info = _meminfo()
        return 100 - info["MemAvailable"] * 100 / info["MemTotal"]

    _between(truth, lambda: _number(read, "memory"), 3)


def test_swap(read: Read) -> None:
    if _meminfo()["SwapTotal"] == 0:
        assert read("swap") == {}
        return
    assert _number(read, "swap") >= 0

    def truth() -> float:
        info = _meminfo()
        return 100 - info["SwapFree"] * 100 / info["SwapTotal"]

    _between(truth, lambda: _number(read, "swap"), 1)


def test_processes(read: Read) -> None:
    def truth() -> float:
        return sum(name.isdecimal() for name in os.listdir("/proc"))

    _between(truth, lambda: _number(read, "processes"), 5)


def test_zombies_are_counted(read: Read) -> None:
    before = _number(read, "zombies")
    child = subprocess.Popen(["true"])
    stat = Path(f"/proc/{child.pid}/stat")
    deadline = time.monotonic() + 10
    while ") Z " not in stat.read_text():
        assert time.monotonic() < deadline
    try:
        assert _number(read, "zombies") >= before + 1 or _number(read, "zombies") >= 1
    finally:
        child.wait()


def test_uptime(read: Read) -> None:
    _between(
        lambda: float(Path("/proc/uptime").read_text().split()[0]),
        lambda: _number(read, "uptime"),
    )


def test_users(read: Read) -> None:
    who = subprocess.run(["who"], capture_output=True, text=True, check=True)
    assert _number(read, "users") == len(who.stdout.splitlines())


def test_kernel(read: Read) -> None:
    assert read("kernel") == {None: platform.release()}


def test_clock(read: Read) -> None:
    value = read("time")[None]
    assert isinstance(value, str)
    shown = time.mktime(time.strptime(value[:16], "%Y-%m-%d %H:%M"))
    assert abs(shown - time.time()) < 120


def _used_percent(used: int, free: int) -> float:
    return math.ceil(used * 100 / (used + free))


def test_space_on_disks(read: Read) -> None:
    values = read("disk")
    assert "/" in values
    for mount, value in values.items():
        facts = os.statvfs(str(mount))
        used = facts.f_blocks - facts.f_bfree
        assert value == pytest.approx(_used_percent(used, facts.f_bavail), abs=1), mount


def test_inodes_on_disks(read: Read) -> None:
    values = read("inodes")
    assert "/" in values
    for mount, value in values.items():
        facts = os.statvfs(str(mount))
        used = facts.f_files - facts.f_ffree
        assert value == pytest.approx(_used_percent(used, facts.f_ffree), abs=1), mount


def _interfaces() -> dict[str, list[int]]:
    lines = Path("/proc/net/dev").read_text().splitlines()[2:]
    split = (line.partition(":") for line in lines)
    return {name.strip(): [int(field) for field in rest.split()] for name, _, rest in split}


@pytest.mark.parametrize(("name", "column"), [("network_rx", 0), ("network_tx", 8)])
def test_network_counters(read: Read, name: str, column: int) -> None:
    before, values, after = _interfaces(), read(name), _interfaces()
    assert "lo" not in values
    for interface, value in values.items():
        assert isinstance(value, float)
        assert before[str(interface)][column] <= value <= after[str(interface)][column]


def _sectors(column: int) -> dict[str, int]:
    lines = [line.split() for line in Path("/proc/diskstats").read_text().splitlines()]
    return {fields[2]: int(fields[column]) * 512 for fields in lines}


@pytest.mark.parametrize(("name", "column"), [("disk_read", 5), ("disk_write", 9)])
def test_disk_counters(read: Read, name: str, column: int) -> None:
    before, values, after = _sectors(column), read(name), _sectors(column)
    for disk, value in values.items():
        assert isinstance(value, float)
        assert before[str(disk)] <= value <= after[str(disk)]
        assert Path("/sys/block", str(disk).replace("/", "!")).exists(), "a whole disk"


def test_established_connections(read: Read) -> None:
    def truth() -> float:
        tables = [path for path in ("/proc/net/tcp", "/proc/net/tcp6") if os.path.exists(path)]
        lines = [line for path in tables for line in Path(path).read_text().splitlines()[1:]]
        return sum(line.split()[3] in ("01", "08") for line in lines)

    _between(truth, lambda: _number(read, "tcp_connections"), 4)


def test_open_files(read: Read) -> None:
    def truth() -> float:
        used, _, most = map(int, Path("/proc/sys/fs/file-nr").read_text().split())
        return used * 100 / most

    _between(truth, lambda: _number(read, "files"), 0.1)


def test_accounts_of_root(read: Read) -> None:
    lines = Path("/etc/passwd").read_text().splitlines()
    assert _number(read, "root_accounts") == sum(line.split(":")[2] == "0" for line in lines)


def test_daemons_are_counted_by_their_processes(read: Read, tmp_path: Path) -> None:
    """A program of that name is all there is to see of a daemon from outside."""
    sleep = shutil.which("sleep")
    assert sleep is not None
    for name, program in [("nginx", "nginx"), ("phpfpm", "php-fpm8.2"), ("dns", "unbound")]:
        shutil.copy(sleep, tmp_path / program)
        child = subprocess.Popen([str(tmp_path / program), "60"])
        try:
            assert _number(read, name) >= 1
        finally:
            child.terminate()
            child.wait()
