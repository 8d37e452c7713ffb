"""The simulated fleet as seen by the daemon: started as a child, gone with its parent."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from outkept.demo.weather import CALM, Weather

READY_WITHIN = 5.0
"""Seconds the child has to listen everywhere; 36 servers take a third of one."""
_SERVERS_A_SECOND = 500
"""What a larger fleet is given time for; 3,000 servers took 1.9 s on two noisy cores."""
_STOP_WITHIN = 3.0
USER = "outkept"


class DemoError(Exception):
    """The fleet didn't start; the message says in one line why, and what to do."""


@dataclass(frozen=True, slots=True)
class SimulatedFleet:
    """Where the fleet listens and how to log in there.

    `ranges` are to be swept, as configuration text; `key` is the private key file, without
    passphrase; `log` is what the child wrote about its own trouble.
    """

    ranges: tuple[str, ...]
    port: int
    user: str
    key: Path
    log: Path
    pid: int
    labels: dict[str, str] = field(default_factory=dict)


@asynccontextmanager
async def simulated_fleet(
    directory: Path,
    servers: int = 36,
    seed: int = 1,
    *,
    network: str = "127.77.0.0/24",
    port: int = 0,
    pace: float = 1.0,
    plain: bool = False,
    weather: Weather = CALM,
) -> AsyncIterator[SimulatedFleet]:
    """Run a fleet of `servers` machines in a process of its own.

    A `plain` fleet has well-behaved machines alone, and up to ten thousand of them.
    A new client key and the child's log are written into `directory`, which is made if need
    be. Port 0: one that is free on every address. Raises DemoError. Cancel-safe: the child is
    stopped, and it stops by itself when this process dies, however it dies.
    """
    key = _client_key(directory)
    log = directory / "fleet.log"
    command = [
        *(sys.executable, "-m", "outkept.demo.fleet", "--with-parent"),
        *("--servers", str(servers), "--seed", str(seed), "--pace", str(pace)),
        *("--network", network, "--port", str(port), "--key", f"{key}.pub"),
        *("--latency", f"{weather.latency!r}", "--drops", f"{weather.drops * 100!r}"),
        *("--refusals", f"{weather.refusals * 100!r}", "--slow", f"{weather.slow * 100!r}"),
        *(["--plain"] if plain else []),
    ]
    child = await _start(command, log)
    try:
        taken = await _ready(child, log, max(READY_WITHIN, servers / _SERVERS_A_SECOND))
        yield SimulatedFleet((network,), taken, USER, key, log, child.pid, {"site": "demo"})
    finally:
        await _stop(child)


def _client_key(directory: Path) -> Path:
    """A new key pair; the private half is for the owner's eyes alone from its first byte."""
    path = directory / "id_ed25519"
    public = directory / "id_ed25519.pub"
    key = asyncssh.generate_private_key("ssh-ed25519", comment="outkept demo")
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.export_private_key("openssh"))
        public.write_bytes(key.export_public_key("openssh"))
    except OSError as error:
        raise DemoError(f"{path} can't be written: {error.strerror}") from None
    return path


async def _start(command: list[str], log: Path) -> asyncio.subprocess.Process:
    """Start the child in a session of its own, so that Ctrl-C reaches the daemon alone."""
    with log.open("wb") as errors:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )


async def _ready(child: asyncio.subprocess.Process, log: Path, within: float) -> int:
    """The port at which the fleet listens, told in `within` seconds. Raises DemoError."""
    assert child.stdout is not None
    try:
        line = await asyncio.wait_for(child.stdout.readline(), within)
    except TimeoutError:
        raise DemoError(
            f"the simulated fleet wasn't ready in {within:.0f} s; is the machine busy?"
        ) from None
    word, _, rest = line.decode(errors="replace").strip().partition(" ")
    if word == "ready" and rest.isdecimal():
        return int(rest)
    raise DemoError(f"the simulated fleet didn't start: {rest or f'see {log}'}")


async def _stop(child: asyncio.subprocess.Process) -> None:
    """Ask, then kill; waits until it is gone."""
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(child.wait(), _STOP_WITHIN)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
