"""How others read a server by ssh, and what that costs the client: shared by `compare`, which
asks for this side's cost, and `target`, which asks for the server's."""

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench.common import Cpu
from outkept.model.sensor import Sensor
from outkept.model.server import Endpoint
from tests.servers import until

AT_ONCE = 4
"""Processes at a time, where each reading is one: as many as our pool has channels at first."""

PLUGINS = Path("/usr/lib/nagios/plugins")


class AbsentError(Exception):
    """A peer can't be had here; the message says why."""


@dataclass(frozen=True)
class Site:
    """The sshd, how to log in, what to read, a folder for files, and the peers' programs."""

    endpoint: Endpoint
    user: str
    key: Path
    sensors: tuple[Sensor, ...]
    folder: Path
    peers: Path | None

    def ssh(self, *more: str) -> list[str]:
        """OpenSSH's client with nobody's configuration but ours."""
        options = ["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes"]
        options += ["-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
        where = ["-p", str(self.endpoint.port), "-i", str(self.key), "-l", self.user]
        return ["ssh", *options, *where, *more, self.endpoint.address]


@dataclass(frozen=True)
class Run:
    """Readings taken, and the seconds of wall and CPU that they took."""

    readings: int
    wall: float
    cpu: float


def processes(commands: Sequence[list[str]]) -> Run:
    """Run each command, some at a time; all have to succeed."""
    started = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in pool.map(process, commands):
            assert done.returncode == 0, (done.args, done.stdout, done.stderr)
    return Run(len(commands), time.perf_counter() - started, 0.0)


def process(command: list[str], **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run one command to its end, with more in its environment."""
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        env={**os.environ, **environment},
    )


def measured(run: Callable[[], Run]) -> Run:
    """`run` with the CPU of this process and of all children that ended in it."""
    before = Cpu.now()
    done = run()
    return Run(done.readings, done.wall, Cpu.now().since(before))


def control_master(site: Site, passes: int) -> Run:
    """`ssh` for each reading, all over one connection that a master keeps."""
    path = str(site.folder / "master")
    command = [s.cmd for _ in range(passes) for s in site.sensors]

    def run() -> Run:
        master = subprocess.Popen(site.ssh("-M", "-N", "-S", path), stdin=subprocess.DEVNULL)
        try:
            until(Path(path).exists, "the master's socket is there")
            return processes([[*site.ssh("-S", path), one] for one in command])
        finally:
            master.terminate()
            master.wait(10)

    return measured(run)


def check_by_ssh(site: Site, passes: int) -> Run:
    """The plugin of Nagios and Icinga. Raises AbsentError."""
    plugin = PLUGINS / "check_by_ssh"
    if not plugin.exists():
        raise AbsentError("apt-get install monitoring-plugins-standard")
    base = [str(plugin), "-H", site.endpoint.address, "-p", str(site.endpoint.port)]
    base += ["-l", site.user, "-i", str(site.key), "-t", "30", "-E", "-q"]
    base += ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    commands = [[*base, "-C", s.cmd] for _ in range(passes) for s in site.sensors]
    return measured(lambda: processes(commands))


def new_ssh(site: Site, passes: int) -> Run:
    """`ssh` for each reading, each with a connection of its own."""
    commands = [[*site.ssh(), s.cmd] for _ in range(passes) for s in site.sensors]
    return measured(lambda: processes(commands))
