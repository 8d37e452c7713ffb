"""What a reading costs the monitored server, and the client: shells, execs, and other ways.

`python -m bench.target [--short] [--passes N]`, as root, for a real sshd. Three sets of sensors,
each read by every way: commands of the shell alone show what the way itself costs, one small
program each, and what the library runs.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import uvloop

from bench.common import Cpu, Report, Row, parser, rounded, steps
from bench.peers import AbsentError, Run, Site, check_by_ssh, control_master, new_ssh
from bench.sensors import library
from outkept.model.command import CommandOutcome, CommandResult
from outkept.model.sensor import Sensor
from outkept.ssh.channels import Job, Priority
from outkept.ssh.connection import Connection
from tests.servers import Server, generate_key, running_sshd, running_user, until
from tests.ssh.helpers import client_with, connected

WARM_UP = 6
"""Passes before it counts: a shell trusts a sensor after three good answers."""

LIBRARY = (
    *("load", "memory", "swap", "disk", "inodes", "processes", "users", "uptime"),
    *("cpu", "cron", "disk_read", "disk_write", "entropy", "zombies", "tcp_connections"),
)
"""A plain Linux server's sensors; those that have no answer on this machine are left out."""

OURS = "Outkept, in a shell"


@dataclass(frozen=True)
class Way:
    """A way to read. `run` reads every sensor so many times and gives this side's CPU, and the
    server's. `share` of the passes asked for are run, for the dear ones take minutes."""

    name: str
    run: Callable[[Site, Server, int], tuple[Run, float]]
    share: float = 1.0


def _sets() -> dict[str, tuple[Sensor, ...]]:
    known = library()
    return {
        "shell builtins": tuple(Sensor(f"builtin{n}", f"echo {n}") for n in range(12)),
        "one program": tuple(Sensor(f"cat{n}", f"cat /proc/loadavg; : {n}") for n in range(12)),
        "library": tuple(known[name] for name in LIBRARY),
    }


def server_cpu(server: Server) -> float:
    """CPU seconds of the sshd and all that ever ran below it; a process that has ended is
    missing until its parent, or the reaper, has waited for it."""
    total = 0
    for pid in [server.pid, *server.sessions()]:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


async def _tick(
    connection: Connection, sensors: Sequence[Sensor], *, in_shell: bool
) -> dict[str, CommandOutcome]:
    """Run all commands together, as the poller does with what is due; outcomes by sensor."""
    loop = asyncio.get_running_loop()
    outcomes: dict[str, CommandOutcome] = {}
    over = loop.create_future()

    def done(job: Job, outcome: CommandOutcome) -> None:
        outcomes[job.key] = outcome
        if len(outcomes) == len(sensors):
            over.set_result(None)

    for sensor in sensors:
        due = loop.time()
        connection.pool.submit(
            Job(sensor.name, sensor.cmd, 20.0, Priority.ROUTINE, due, 10.0, done, in_shell=in_shell)
        )
    await over
    return outcomes


def _good(outcomes: Mapping[str, CommandOutcome]) -> set[str]:
    return {
        name
        for name, outcome in outcomes.items()
        if isinstance(outcome, CommandResult) and outcome.status == 0
    }


async def _pooled(site: Site, server: Server, passes: int, in_shell: bool) -> tuple[Run, float]:
    async with connected(client_with(site.key), site.endpoint, site.user) as connection:
        for _ in range(WARM_UP):
            await _tick(connection, site.sensors, in_shell=in_shell)
        ours, theirs, began = Cpu.now(), server_cpu(server), time.perf_counter()
        for _ in range(passes):
            answered = _good(await _tick(connection, site.sensors, in_shell=in_shell))
            assert len(answered) == len(site.sensors), answered
        wall, used = time.perf_counter() - began, Cpu.now().since(ours)
        return Run(passes * len(site.sensors), wall, used), server_cpu(server) - theirs


def _in_shell(site: Site, server: Server, passes: int) -> tuple[Run, float]:
    return uvloop.run(_pooled(site, server, passes, in_shell=True))


def _by_exec(site: Site, server: Server, passes: int) -> tuple[Run, float]:
    return uvloop.run(_pooled(site, server, passes, in_shell=False))


def _quiet(server: Server) -> None:
    until(lambda: len(server.sessions()) == 1, "only the listening sshd is left", 30.0)


def _peer(read: Callable[[Site, int], Run]) -> Callable[[Site, Server, int], tuple[Run, float]]:
    def run(site: Site, server: Server, passes: int) -> tuple[Run, float]:
        _quiet(server)
        theirs = server_cpu(server)
        done = read(site, passes)
        _quiet(server)
        return done, server_cpu(server) - theirs

    return run


WAYS = (
    Way(OURS, _in_shell),
    Way("Outkept, an exec each", _by_exec),
    Way("ssh, ControlMaster", _peer(control_master), 0.4),
    Way("ssh, new connection each", _peer(new_ssh), 0.1),
    Way("check_by_ssh", _peer(check_by_ssh), 0.1),
)


async def _readable(site: Site) -> tuple[Sensor, ...]:
    async with connected(client_with(site.key), site.endpoint, site.user) as connection:
        good = _good(await _tick(connection, site.sensors, in_shell=False))
    return tuple(sensor for sensor in site.sensors if sensor.name in good)


@contextmanager
def _site(login_shell: str) -> Iterator[tuple[Site, Server]]:
    with tempfile.TemporaryDirectory(prefix="outkept-bench-") as name:
        folder = Path(name)
        key = generate_key(folder / "id_ed25519")
        with (
            running_user(key, shell=login_shell) as user,
            running_sshd(wrap=[sys.executable, "-m", "bench.reaper"]) as server,
        ):
            yield Site(server.endpoint, user.name, key, (), folder, None), server


def measure(passes: int, login_shell: str) -> list[Row]:
    """Every set by every way, on one sshd."""
    rows: list[Row] = []
    with (
        steps("target", len(_sets()) * len(WAYS)) as step,
        _site(login_shell) as (empty, server),
    ):
        for title, sensors in _sets().items():
            site = replace(empty, sensors=sensors)
            site = replace(site, sensors=uvloop.run(_readable(site)))
            ours: tuple[float, float] | None = None
            for way in WAYS:
                step(f"{title}: {way.name}")
                try:
                    run, theirs = way.run(site, server, max(1, round(passes * way.share)))
                except AbsentError as error:
                    rows.append(_absent(title, way.name, str(error)))
                    continue
                each = theirs / run.readings, run.cpu / run.readings
                ours = ours or each
                rows.append(_row(title, way.name, run, each, ours))
    return rows


def _row(
    title: str, way: str, run: Run, each: tuple[float, float], ours: tuple[float, float]
) -> Row:
    server, client = each
    return {
        "sensors": title,
        "way": way,
        "readings": run.readings,
        "server CPU ms": rounded(server * 1000),
        "server, times ours": _ratio(server, ours[0]),
        "client CPU ms": rounded(client * 1000),
        "client, times ours": _ratio(client, ours[1]),
        "wall ms": rounded(run.wall / run.readings * 1000),
        "note": "",
    }


def _ratio(cost: float, ours: float) -> float | None:
    return rounded(cost / ours) if ours else None


def _absent(title: str, way: str, why: str) -> Row:
    columns = (
        "server CPU ms",
        "server, times ours",
        "client CPU ms",
        "client, times ours",
        "wall ms",
    )
    return {"sensors": title, "way": way, "readings": None} | dict.fromkeys(columns) | {"note": why}


NOTES = (
    "Server: CPU of the sshd and all that ran below it, in the kernel's hundredths of a second. "
    "Client: this process and its children.",
    "Outkept's login is left out, for it keeps the connection; the master's one login counts, "
    "and so do the logins of those that have one for each reading.",
    "All sensors of a set are due together. Of the library's, those count that have an answer "
    "on this machine.",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench; the exit status."""
    made = parser(__doc__)
    made.add_argument("--passes", type=int, default=0, help="over all sensors (60; short: 2)")
    made.add_argument("--login-shell", default="/bin/bash", help="of the user (/bin/bash)")
    options = made.parse_args(arguments)
    passes = options.passes or (2 if options.short else 60)
    rows = measure(passes, options.login_shell)
    parameters = {"passes": passes, "login shell": options.login_shell}
    Report("target", options.short, parameters, rows, NOTES).publish(options.results)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
