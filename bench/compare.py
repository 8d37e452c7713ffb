"""The same twelve sensors on the same real sshd, through Outkept and through others.

`python -m bench.compare [--short]`, as root, for the sshd. Peers of PyPI are installed into a
virtual environment that the bench makes and removes; what can't be had is named in the table.
"""

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import uvloop

from bench.common import Cpu, Report, Row, median, parser, rounded, steps
from bench.peers import (
    AT_ONCE,
    PLUGINS,
    AbsentError,
    Run,
    Site,
    check_by_ssh,
    control_master,
    measured,
    new_ssh,
    process,
)
from bench.sensors import cheap
from outkept.model.reading import Reading
from outkept.model.sensor import Sensor
from outkept.poll.poller import Defaults, Poller
from outkept.poll.schedule import offset
from outkept.ssh.client import Client
from outkept.ssh.connection import Connection
from outkept.ssh.hostkeys import HostKeys
from outkept.ssh.keys import load_credentials
from tests.servers import generate_key, running_sshd, running_user

TICK = 0.5
"""Seconds between two readings of a sensor by Outkept, whose poller decides when to read."""

NAME = "bench"
PACKAGES = ("parallel-ssh==2.16.0.post1", "ansible-core==2.19.14")
OURS = "Outkept"


@dataclass(frozen=True)
class Way:
    """A way to read: `run` takes every sensor so many times. `share` of the passes asked for
    are run, for the dear ones take minutes."""

    name: str
    run: Callable[[Site, int], Run]
    share: float = 1.0


def _outkept(site: Site, passes: int) -> Run:
    return uvloop.run(_polled(site, passes))


async def _polled(site: Site, passes: int) -> Run:
    """As the daemon does it: its client, its channel pool, its poller, parsing included."""
    credentials, problems = load_credentials([site.key], agent=False, passphrase=lambda _: None)
    assert not problems, problems
    client = Client(credentials, HostKeys(None, strict=False), connect_timeout=30.0)
    connection = await client.connect(site.endpoint, site.user)
    wanted = (passes + 1) * len(site.sensors)
    taken, failed, enough = list[float](), list[str](), asyncio.Event()

    def report(_: Connection, sensor: Sensor, reading: Reading) -> None:
        taken.append(time.time())
        if reading.failure:
            failed.append(f"{sensor.name}: {reading.failure}")
        if len(taken) >= wanted:
            enough.set()

    poller = Poller(report, Defaults(TICK, 20.0), lambda server: frozenset())
    cpu = Cpu.now()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(poller.run())
        poller.start(NAME, connection, [replace(sensor, every=None) for sensor in site.sensors])
        async with asyncio.timeout(60 + passes * TICK * 3):
            await enough.wait()
        used = Cpu.now().since(cpu)
        poller.stop(NAME)
        running.cancel()
    await connection.close()
    assert not failed, failed[:3]
    return Run(len(taken), _wall(taken, len(site.sensors)) * len(taken), used)


def _wall(taken: Sequence[float], sensors: int) -> float:
    """Seconds a reading, from its tick to the last answer of that tick. The first pass has
    no tick."""
    shift = offset(NAME, TICK)
    ends = taken[2 * sensors - 1 :: sensors]
    return median([(end - shift) % TICK for end in ends]) / sensors


_PSSH = """
import json, resource, sys, time
from pssh.clients import SSHClient
host, port, user, key, passes = sys.argv[1:6]
commands = json.loads(sys.stdin.read())
client = SSHClient(host, port=int(port), user=user, pkey=key, num_retries=1)
def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
started, cpu = time.perf_counter(), used()
for _ in range(int(passes)):
    for command in commands:
        out = client.run_command(command)
        text = list(out.stdout)
        client.wait_finished(out)
        assert out.exit_code == 0 and text, command
print(time.perf_counter() - started, used() - cpu)
"""


def _parallel_ssh(site: Site, passes: int) -> Run:
    python = _installed(site, "python")
    probe = subprocess.run([python, "-c", "import pssh.clients"], capture_output=True)
    if probe.returncode:
        raise AbsentError(f"{PACKAGES[0]} does not install or load here")
    where = [site.endpoint.address, str(site.endpoint.port), site.user, str(site.key)]
    done = subprocess.run(
        [python, "-c", _PSSH, *where, str(passes)],
        input=json.dumps([sensor.cmd for sensor in site.sensors]),
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    wall, cpu = map(float, done.stdout.split())
    return Run(passes * len(site.sensors), wall, cpu)


def _ansible(site: Site, passes: int) -> Run:
    program = _installed(site, "ansible-playbook")
    raw = [
        {"ansible.builtin.raw": "{{ lookup('file', '%s') }}" % _file(site, s)}  # noqa: UP031
        for s in site.sensors
    ]
    play = site.folder / "play.json"
    play.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": raw}]))
    host = f"{site.endpoint.address},"
    options = ["-e", f"ansible_port={site.endpoint.port}", "-u", site.user]
    options += ["--private-key", str(site.key), "--ssh-common-args"]
    options += ["-F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"]
    commands = [[program, "-i", host, *options, str(play)]] * passes

    def run() -> Run:
        started = time.perf_counter()
        for command in commands:
            done = process(command, ANSIBLE_HOME=str(site.folder / "ansible"))
            assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-2000:])
        return Run(passes * len(site.sensors), time.perf_counter() - started, 0.0)

    return measured(run)


def _file(site: Site, sensor: Sensor) -> Path:
    """The command in a file, so that nothing in it is taken for a template."""
    path = site.folder / f"{sensor.name}.sh"
    path.write_text(sensor.cmd)
    return path


def _installed(site: Site, program: str) -> str:
    if site.peers is None:
        raise AbsentError("not in the short form")
    path = site.peers / "bin" / program
    if not path.exists():
        raise AbsentError(f"{', '.join(PACKAGES)} do not install here")
    return str(path)


WAYS = (
    Way(OURS, _outkept),
    Way("parallel-ssh, connection kept", _parallel_ssh, 0.5),
    Way("ssh, ControlMaster", control_master, 0.2),
    Way("ssh, new connection each", new_ssh, 0.1),
    Way("check_by_ssh", check_by_ssh, 0.1),
    Way("ansible-playbook, raw", _ansible, 0.05),
)


@contextmanager
def _site(*, peers: bool) -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="outkept-bench-") as name:
        folder = Path(name)
        key = generate_key(folder / "id_ed25519")
        venv = _venv(folder / "peers") if peers else None
        with running_user(key) as user, running_sshd() as sshd:
            yield Site(sshd.endpoint, user.name, key, tuple(cheap()), folder, venv)


def _venv(folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    for package in PACKAGES:
        command = [str(folder / "bin" / "pip"), "install", "-q", "--no-input", package]
        subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True)
    return folder


def measure(passes: int, rounds: int, *, peers: bool) -> list[Row]:
    """All ways, taking turns."""
    runs: dict[str, list[Run]] = {way.name: [] for way in WAYS}
    absent: dict[str, str] = {}
    with steps("compare", 1 + rounds * len(WAYS)) as step:
        step("installing the peers")
        with _site(peers=peers) as site:
            for number in range(rounds):
                for way in WAYS:
                    step(f"{way.name}, round {number + 1}")
                    try:
                        run = way.run(site, max(1, round(passes * way.share)))
                        runs[way.name].append(run)
                    except AbsentError as error:
                        absent[way.name] = str(error)
    return [_row(name, done, runs[OURS], absent.get(name, "")) for name, done in runs.items()]


def _row(name: str, runs: Sequence[Run], ours: Sequence[Run], absent: str) -> Row:
    if not runs:
        blank: Row = dict.fromkeys(_COLUMNS)
        return {"way": name} | blank | {"note": absent}
    cpu, wall = _each(runs)
    our_cpu, our_wall = _each(ours)
    return {
        "way": name,
        "readings": sum(run.readings for run in runs),
        "CPU ms each": rounded(cpu * 1000),
        "wall ms each": rounded(wall * 1000),
        "CPU, times ours": rounded(cpu / our_cpu),
        "wall, times ours": rounded(wall / our_wall),
        "note": "",
    }


_COLUMNS = ("readings", "CPU ms each", "wall ms each", "CPU, times ours", "wall, times ours")


def _each(runs: Sequence[Run]) -> tuple[float, float]:
    return (
        median([run.cpu / run.readings for run in runs]),
        median([run.wall / run.readings for run in runs]),
    )


def notes() -> tuple[str, ...]:
    """What to know of the numbers, with the versions of what was compared."""
    version = subprocess.run(["ssh", "-V"], capture_output=True, text=True).stderr.strip()
    return (
        "CPU is the client's: this process and its children, from the connection on where it is "
        "kept; the logins where each reading has its own.",
        f"Outkept reads by its own poller every {TICK:g} s and parses what it reads; its wall "
        "time is from a tick to the last answer, all sensors at once.",
        f"Processes run {AT_ONCE} at a time; parallel-ssh reads one after the other; ansible "
        "runs a playbook of one raw task for each sensor.",
        f"{version}; {', '.join(PACKAGES)}; check_by_ssh of Debian's monitoring-plugins: "
        f"{'there' if shutil.which('check_by_ssh', path=str(PLUGINS)) else 'not there'}.",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench; the exit status."""
    made = parser(__doc__)
    made.add_argument("--passes", type=int, default=0, help="over all sensors (60; short: 2)")
    made.add_argument("--rounds", type=int, default=0, help="of all ways (3; short: 1)")
    options = made.parse_args(arguments)
    passes = options.passes or (2 if options.short else 60)
    rounds = options.rounds or (1 if options.short else 3)
    rows = measure(passes, rounds, peers=not options.short)
    parameters = {"sensors": len(cheap()), "passes": passes, "rounds": rounds}
    Report("compare", options.short, parameters, rows, notes()).publish(options.results)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
