"""Outkept's sweep against nmap, masscan and ssh-keyscan: same port, same range, one run.

`python -m bench.sweep [--short]`, as root: it runs itself in a network namespace of its own,
which has a loopback where nothing listens but the bench's own sshds, and a road to a second
namespace that drops whatever it gets. No other network is touched.
"""

import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

from bench.common import Cpu, Report, Row, median, parser, rounded, steps
from tests.servers import running_sshd

PORT = 2022
INSIDE = "--inside"
TIMEOUT = 1.0
"""Seconds an address has to answer, for every tool: what nmap starts with by itself."""
SILENT = "10.65.0.0"
OURS = "Outkept, in a running daemon"


@dataclass(frozen=True)
class Target:
    """What is swept. `servers` is how many real sshds are in it."""

    name: str
    network: str
    silent: bool = False
    servers: int = 0
    deadline: float = 60.0


@dataclass(frozen=True)
class Run:
    """One tool's run over one target: seconds as a whole, and those it says its scan took."""

    wall: float
    scan: float
    cpu: float
    found: int
    cut: bool = False


@dataclass(frozen=True)
class Tool:
    """`command` for a target, None where it can't run; `found` reads its output."""

    name: str
    command: Callable[[Target, Path], list[str] | None]
    found: Callable[[str], int]


def _ours(target: Target, _: Path) -> list[str]:
    return [sys.executable, "-m", "bench.sweeper", target.network, str(PORT), str(TIMEOUT)]


def _nmap(*more: str) -> Callable[[Target, Path], list[str]]:
    def command(target: Target, _: Path) -> list[str]:
        base = ["nmap", "-n", "-Pn", "-sT", "-p", str(PORT), "--open", "-oG", "-", *more]
        ms = f"{TIMEOUT * 1000:.0f}ms"
        same = ["--initial-rtt-timeout", ms, "--min-rtt-timeout", ms, "--max-rtt-timeout", ms]
        same += ["--max-retries", "0"]
        return [*base, *(same if target.silent else ()), target.network]

    return command


def _masscan(target: Target, _: Path) -> list[str] | None:
    """Raw packets over Ethernet: it can't use loopback."""
    if not target.silent or not shutil.which("masscan"):
        return None
    options = ["--rate", "100000", "--wait", f"{TIMEOUT:.0f}", "-e", "near"]
    options += ["--source-ip", "10.64.0.1", "--router-mac", FAR_MAC.replace(":", "-")]
    return ["masscan", target.network, "-p", str(PORT), *options]


def _keyscan(target: Target, folder: Path) -> list[str]:
    addresses = folder / f"{target.network.replace('/', '-')}.txt"
    if not addresses.exists():
        addresses.write_text("\n".join(map(str, IPv4Network(target.network))) + "\n")
    return [
        "ssh-keyscan",
        "-T",
        f"{TIMEOUT:.0f}",
        "-t",
        "ed25519",
        "-p",
        str(PORT),
        "-f",
        str(addresses),
    ]


def _matches(pattern: str) -> Callable[[str], int]:
    return lambda output: len(set(re.findall(pattern, output, re.MULTILINE)))


_OPEN = _matches(rf"^Host: (\S+) .*{PORT}/open/tcp")
FAR_MAC = "02:00:00:00:00:02"
TOOLS = (
    Tool(OURS, _ours, lambda output: int(output.split()[1])),
    Tool("nmap -n -Pn -sT", _nmap(), _OPEN),
    Tool("nmap … -T4", _nmap("-T4"), _OPEN),
    Tool("nmap … -T4 --min-rate 10000", _nmap("-T4", "--min-rate", "10000"), _OPEN),
    Tool(
        "nmap … --min-parallelism 1000",
        _nmap("-T4", "--min-rate", "10000", "--min-parallelism", "1000"),
        _OPEN,
    ),
    Tool("masscan --rate 100000", _masscan, _matches(r"^Discovered open port .* on (\S+)")),
    Tool("ssh-keyscan", _keyscan, _matches(r"^\[(\S+)\]:\d+ ssh-")),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench; the exit status."""
    made = parser(__doc__)
    made.add_argument("--rounds", type=int, default=0, help="of all tools (3; short: 1)")
    made.add_argument(INSIDE, action="store_true", help="we are in our own namespace already")
    options = made.parse_args(arguments)
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not options.inside:
        command = ["unshare", "--net", sys.executable, "-m", "bench.sweep", *given, INSIDE]
        return subprocess.run(command, check=False).returncode
    rounds = options.rounds or (1 if options.short else 3)
    with _roads():
        rows = _measure(_targets(short=options.short), rounds)
    parameters = {"port": PORT, "timeout": f"{TIMEOUT:g} s", "rounds": rounds}
    Report("sweep", options.short, parameters, rows, NOTES).publish(options.results)
    return 0


NOTES = (
    "Seconds are medians of the rounds; tools take turns, in another order each round.",
    f"“{OURS}” is the sweep alone, as a daemon that runs already does it; “as a process”",
    "includes Python's start. nmap and the others are whole processes, nmap's own count of its",
    "scan beside. Outkept runs with rate 0; its default of 500 connections a second is there to",
    "spare routers. “cut” did not end within the deadline. On silent addresses nmap gets the",
    "same timeout (--*-rtt-timeout) and no retries.",
    "masscan needs Ethernet, so it runs only towards the namespace that drops everything; it",
    "sends one packet without connecting.",
)


def _targets(*, short: bool) -> list[Target]:
    if short:
        return [
            Target("refused", "127.80.0.0/22", deadline=20),
            Target("silent", f"{SILENT}/26", silent=True, deadline=6),
            Target("with sshds", "127.81.0.0/24", servers=3, deadline=20),
        ]
    return [
        Target("refused", "127.80.0.0/16"),
        Target("silent", f"{SILENT}/24", silent=True, deadline=60),
        Target("silent", f"{SILENT}/16", silent=True, deadline=60),
        Target("with sshds", "127.81.0.0/20", servers=20),
    ]


@contextmanager
def _roads() -> Iterator[None]:
    """Loopback up, and a second namespace beyond `near`, where everything ends unanswered.
    All of it goes with the processes that are in it."""
    sleeper = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
    beyond = ["nsenter", "-t", str(sleeper.pid), "-n"]
    ours = f"/proc/{sleeper.pid}/ns/net"
    try:
        until = time.monotonic() + 10
        while Path(ours).readlink() == Path("/proc/self/ns/net").readlink():
            if time.monotonic() > until:
                raise TimeoutError("unshare --net made no namespace in 10 s")
            time.sleep(0.01)
        for command in (
            "ip link set lo up",
            f"ip link add near type veth peer name far netns {sleeper.pid}",
            "ip address add 10.64.0.1/30 dev near",
            "ip link set near up",
            f"ip route add {SILENT}/16 via 10.64.0.2",
        ):
            subprocess.run(command.split(), check=True)
        for command in (
            f"ip link set far address {FAR_MAC}",
            "ip address add 10.64.0.2/30 dev far",
            "ip link set far up",
            f"ip route add blackhole {SILENT}/16",
        ):
            subprocess.run([*beyond, *command.split()], check=True)
        yield
    finally:
        sleeper.kill()
        sleeper.wait()


def _measure(targets: Sequence[Target], rounds: int) -> list[Row]:
    rows: list[Row] = []
    with (
        steps("sweep", len(targets) * len(TOOLS) * rounds) as step,
        tempfile.TemporaryDirectory(prefix="outkept-bench-") as folder,
    ):
        for target in targets:
            with _servers(target):
                rows += _table(target, _runs(target, rounds, Path(folder), step))
    return rows


@contextmanager
def _servers(target: Target) -> Iterator[None]:
    """Real sshds, far apart from each other in the target."""
    network = IPv4Network(target.network)
    stride = network.num_addresses // (target.servers or 1)
    with ExitStack() as stack:
        for i in range(target.servers):
            address = str(network[stride * i + stride // 2])
            stack.enter_context(running_sshd(addresses=[address], port=PORT))
        yield


def _runs(
    target: Target, rounds: int, folder: Path, step: Callable[[str], None]
) -> dict[str, list[Run]]:
    runs: dict[str, list[Run]] = {tool.name: [] for tool in TOOLS}
    for number in range(rounds):
        for tool in random.sample(TOOLS, len(TOOLS)):
            step(f"{target.name} {target.network}: {tool.name}, round {number + 1}")
            before = runs[tool.name]
            command = tool.command(target, folder)
            # What was cut once would be cut again.
            runs_here = command is not None and shutil.which(command[0])
            if command is not None and runs_here and not (before and before[-1].cut):
                before.append(_run(tool, command, target.deadline))
    return runs


def _run(tool: Tool, command: list[str], deadline: float) -> Run:
    started, cpu = time.monotonic(), _children()
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    cut = False
    try:
        output, _ = process.communicate(timeout=deadline)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
        cut = True
    wall = time.monotonic() - started
    text = output.decode("utf-8", "replace")
    if tool.name == OURS and not cut:
        return Run(wall, float(text.split()[0]), _children() - cpu, tool.found(text))
    said = re.search(r"scanned in ([\d.]+) seconds", text)
    scan = float(said[1]) if said else wall
    found = 0 if cut and tool.name == OURS else tool.found(text)
    return Run(wall, scan, _children() - cpu, found, cut)


def _children() -> float:
    return Cpu.now().children


def _table(target: Target, runs: dict[str, list[Run]]) -> list[Row]:
    addresses = IPv4Network(target.network).num_addresses
    ours = median([run.scan for run in runs[OURS]])
    rows = []
    for name, done in runs.items():
        rows.append(_row(target, name, done, addresses, ours, whole=name != OURS))
        if name == OURS:
            rows.append(_row(target, "Outkept, as a process", done, addresses, ours, whole=True))
    return rows


def _row(
    target: Target, name: str, runs: Sequence[Run], addresses: int, ours: float, *, whole: bool
) -> Row:
    row: Row = {"target": f"{target.name} {target.network}", "tool": name}
    if not runs:
        why = "no loopback" if shutil.which(name.split()[0]) else "not installed"
        return row | dict.fromkeys(_NUMBERS) | {"found": why}
    seconds = median([run.wall if whole else run.scan for run in runs])
    cut = any(run.cut for run in runs)
    return row | {
        "seconds": rounded(seconds),
        "its own count": rounded(median([run.scan for run in runs])),
        "CPU s": rounded(median([run.cpu for run in runs])),
        "addresses/s": None if cut else rounded(addresses / seconds),
        "times ours": rounded(seconds / ours),
        "found": "cut" if cut else f"{min(run.found for run in runs)} of {target.servers}",
    }


_NUMBERS = ("seconds", "its own count", "CPU s", "addresses/s", "times ours")


if __name__ == "__main__":
    raise SystemExit(main())
