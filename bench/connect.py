"""Cold logins with identification: Outkept against asyncssh as it comes.

`python -m bench.connect [--short] [--servers N]`: against N simulated servers (a process of
their own), and against one real sshd, which every login meets anew. As root, for the sshd.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import asyncssh
import uvloop

from bench.blocked import Blocked
from bench.common import Cpu, Report, Row, cpu_of, median, parser, rounded, steps
from bench.fleet import plain_fleet
from outkept.discover.identify import IDENTIFY_SCRIPT, identify
from outkept.model.server import Endpoint
from outkept.ssh.client import Client
from outkept.ssh.hostkeys import HostKeys
from outkept.ssh.keys import load_credentials
from tests.servers import generate_key, running_sshd, running_user

AT_ONCE = 32
"""Handshakes under way: what the daemon allows itself (ssh.client.HANDSHAKES_AT_ONCE)."""

GOAL = 200
"""Servers a second."""

Close = Callable[[], Awaitable[None]]
Login = Callable[[Endpoint], Awaitable[Close]]


@dataclass(frozen=True)
class Door:
    """Where to log in, and how. `pid` is the one process behind all of it, if it is one."""

    name: str
    endpoints: Sequence[Endpoint]
    user: str
    key: Path
    pid: int | None = None


@dataclass(frozen=True)
class Run:
    """What so many logins took: seconds, CPU seconds of this process, and the loop's stalls."""

    logins: int
    wall: float
    cpu: float
    blocked: float
    busy: float
    theirs: float | None


def _outkept(door: Door) -> Login:
    credentials, problems = load_credentials([door.key], agent=False, passphrase=lambda _: None)
    assert not problems, problems
    client = Client(credentials, HostKeys(None, strict=False), connect_timeout=60.0)

    async def login(endpoint: Endpoint) -> Close:
        connection = await client.connect(endpoint, door.user)
        answer = await identify(connection, timeout=60.0)
        assert not isinstance(answer, str), answer
        return connection.close

    return login


def _asyncssh(door: Door) -> Login:
    """Its defaults, but for the check of host keys, which needs a file of known hosts: the key
    file and the user's ssh configuration are read, the agent is asked, for every login."""

    async def login(endpoint: Endpoint) -> Close:
        connection = await asyncssh.connect(
            endpoint.address,
            endpoint.port,
            username=door.user,
            client_keys=[str(door.key)],
            known_hosts=None,
            login_timeout=60,
        )
        result = await connection.run(IDENTIFY_SCRIPT, timeout=60)
        assert result.exit_status == 0, result

        async def close() -> None:
            connection.close()
            await connection.wait_closed()

        return close

    return login


CLIENTS: dict[str, Callable[[Door], Login]] = {
    "Outkept": _outkept,
    "asyncssh, defaults": _asyncssh,
}


async def _all(login: Login, door: Door) -> Run:
    """Log in everywhere, at most AT_ONCE at a time; then, unmeasured, close everything."""
    closes: list[Close] = []
    waiting = iter(door.endpoints)

    async def worker() -> None:
        for endpoint in waiting:
            closes.append(await login(endpoint))

    theirs = cpu_of(door.pid) if door.pid else 0.0
    started, cpu = time.perf_counter(), Cpu.now()
    with Blocked() as blocked:
        async with asyncio.TaskGroup() as workers:
            for _ in range(AT_ONCE):
                workers.create_task(worker())
    run = Run(
        len(closes),
        time.perf_counter() - started,
        Cpu.now().since(cpu),
        blocked.longest,
        blocked.busiest,
        cpu_of(door.pid) - theirs if door.pid else None,
    )
    for close in closes:
        await close()
    return run


@asynccontextmanager
async def _doors(folder: Path, servers: int, logins: int) -> AsyncIterator[list[Door]]:
    async with plain_fleet(folder / "fleet", servers, "127.92.0.0") as plain:
        fleet = plain.fleet
        with _real(folder, logins) as real:
            yield [
                Door(
                    f"{servers} simulated servers",
                    plain.endpoints,
                    fleet.user,
                    fleet.key,
                    fleet.pid,
                ),
                real,
            ]


@contextmanager
def _real(folder: Path, logins: int) -> Iterator[Door]:
    key = generate_key(folder / "id_ed25519")
    with ExitStack() as stack:
        user = stack.enter_context(running_user(key))
        sshd = stack.enter_context(running_sshd())
        endpoints = list(islice(cycle([sshd.endpoint]), logins))
        yield Door(f"one sshd, {logins} times", endpoints, user.name, key)


async def measure(servers: int, logins: int, rounds: int) -> list[Row]:
    """All clients at all doors, taking turns."""
    runs: dict[tuple[str, str], list[Run]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="outkept-bench-") as folder,
        steps("connect", 2 * len(CLIENTS) * rounds) as step,
    ):
        async with _doors(Path(folder), servers, logins) as doors:
            for number in range(rounds):
                for door in doors:
                    for name, client in CLIENTS.items():
                        step(f"{door.name}: {name}, round {number + 1}")
                        run = await _all(client(door), door)
                        runs.setdefault((door.name, name), []).append(run)
    return [_row(door, name, runs) for door, name in runs]


def _row(door: str, name: str, runs: dict[tuple[str, str], list[Run]]) -> Row:
    done, ours = runs[door, name], runs[door, "Outkept"]
    cpu = median([run.cpu / run.logins for run in done])
    theirs = [run.theirs / run.logins for run in done if run.theirs is not None]
    return {
        "where": door,
        "client": name,
        "servers/s": rounded(median([run.logins / run.wall for run in done])),
        "CPU ms each": rounded(cpu * 1000),
        "CPU, times ours": rounded(cpu / median([run.cpu / run.logins for run in ours])),
        "CPU ms, other side": rounded(median(theirs) * 1000) if theirs else None,
        "servers/s of one core": rounded(1 / cpu),
        "loop blocked ms": rounded(max(run.blocked for run in done) * 1000),
        "of it CPU ms": rounded(max(run.busy for run in done) * 1000),
    }


NOTES = (
    f"A login is TCP, handshake, key and the identification script; {AT_ONCE} at a time. Goal: "
    f"{GOAL} servers/s.",
    "servers/s is bounded by the other side where that needs more CPU than we: the simulated "
    "servers are one process, whose CPU is given; an sshd forks for each login.",
    "“loop blocked” is the longest time the event loop did not come round, other processes' "
    "turns on the processor included; “of it CPU” leaves those out.",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench; the exit status."""
    made = parser(__doc__)
    made.add_argument("--servers", type=int, default=0, help="simulated ones (400; short: 10)")
    made.add_argument("--rounds", type=int, default=0, help="of all clients (3; short: 1)")
    options = made.parse_args(arguments)
    servers = options.servers or (10 if options.short else 400)
    rounds = options.rounds or (1 if options.short else 3)
    logins = min(servers, 100)
    rows = uvloop.run(measure(servers, logins, rounds))
    parameters = {"servers": servers, "at once": AT_ONCE, "rounds": rounds}
    Report("connect", options.short, parameters, rows, NOTES).publish(options.results)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
