"""What a reading costs by exec and in a shell, on both sides, on one real sshd in one run.

    python -m bench.shells [--rounds 30]      (root; needs openssh-server)

Client: CPU of this process. Server: CPU of all that runs as children of the sshd, and of those
it has waited for. Both sides count the same commands, a dozen at a time.
"""

import argparse
import asyncio
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

from outkept.config.library import load_library
from outkept.config.resources import data_dir
from outkept.model.command import CommandOutcome
from outkept.ssh.channels import Job, Priority
from outkept.ssh.connection import Connection
from tests.servers import Server, generate_key, running_sshd, running_user
from tests.ssh.helpers import client_with, connected

_SENSORS, _ = load_library([data_dir("sensors")])
_TICKS = os.sysconf("SC_CLK_TCK")
SETS: dict[str, dict[str, str]] = {
    "builtin": {f"builtin{n}": f"echo {n}" for n in range(12)},
    "one program": {f"cat{n}": f"cat /proc/loadavg; : {n}" for n in range(12)},
    "library": {
        name: _SENSORS[name].cmd
        for name in (
            *("load", "memory", "swap", "disk", "inodes", "processes", "users", "uptime"),
            *("sshd", "cron", "disk_read", "disk_write", "entropy", "zombies", "tcp"),
        )
        if name in _SENSORS
    },
}


async def tick(connection: Connection, commands: dict[str, str], in_shell: bool) -> int:
    """Run `commands` together; how many gave an answer."""
    loop = asyncio.get_running_loop()
    over, left, good = loop.create_future(), len(commands), 0

    def done(_: Job, outcome: CommandOutcome) -> None:
        nonlocal left, good
        left -= 1
        good += getattr(outcome, "status", 1) == 0
        if not left:
            over.set_result(None)

    for key, command in commands.items():
        now, routine = loop.time(), Priority.ROUTINE
        connection.pool.submit(Job(key, command, 20.0, routine, now, 10.0, done, in_shell=in_shell))
    await over
    return good


def server_cpu(server: Server) -> float:
    """CPU seconds of the sshd, its sessions, and all their children that have ended."""
    total = 0
    for pid in [server.pid, *server.sessions()]:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(field) for field in fields[11:15])
    return total / _TICKS


async def measure(
    connection: Connection, server: Server, commands: dict[str, str], in_shell: bool, rounds: int
) -> dict[str, float]:
    """Milliseconds for each reading."""
    for _ in range(6):
        await tick(connection, commands, in_shell)
    readings, ours, theirs, wall = 0, time.process_time(), server_cpu(server), time.monotonic()
    for _ in range(rounds):
        readings += await tick(connection, commands, in_shell)
    spent = {
        "client": time.process_time() - ours,
        "server": server_cpu(server) - theirs,
        "wall": time.monotonic() - wall,
    }
    return {name: seconds * 1000 / max(1, readings) for name, seconds in spent.items()}


async def compare(rounds: int, login: str) -> dict[str, Any]:
    """All sets both ways, each way on a connection of its own."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        key = generate_key(Path(folder) / "key")
        with running_user(key, shell=login) as user:
            for name, commands in SETS.items():
                found[name] = {}
                for way in ("exec", "shell"):
                    with running_sshd() as server:
                        async with connected(
                            client_with(key), server.endpoint, user.name
                        ) as connection:
                            found[name][way] = await measure(
                                connection, server, commands, way == "shell", rounds
                            )
    return found


def main() -> None:
    """Print a table, and JSON on its last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--login-shell", default="/bin/bash")
    options = parser.parse_args()
    found = uvloop.run(compare(options.rounds, options.login_shell))
    print(f"{'ms a reading':14}{'':8}{'exec':>9}{'shell':>9}{'ratio':>8}")
    for name, ways in found.items():
        for side in ("client", "server", "wall"):
            one, other = ways["exec"][side], ways["shell"][side]
            ratio = one / other if other else float("inf")
            print(f"{name:14}{side:8}{one:9.3f}{other:9.3f}{ratio:7.1f}x")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
