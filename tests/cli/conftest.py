"""A simulated fleet, a daemon that watches one, and a home without anybody's configuration."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from outkept.demo import SimulatedFleet, simulated_fleet
from tests.cli.command import OUTKEPT, environment, outkept
from tests.servers import until


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where the command is run; also its HOME."""
    return tmp_path


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedFleet]:
    """The usual company, on a subnet of its own."""
    with asyncio.Runner() as runner:
        context = simulated_fleet(tmp_path_factory.mktemp("fleet"), network="127.84.0.0/24")
        yield runner.run(context.__aenter__())
        runner.run(context.__aexit__(None, None, None))


@dataclass(frozen=True)
class Daemon:
    """A running daemon that has read its servers."""

    state: Path
    url: str
    pid: int


@pytest.fixture(scope="session")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """`outkept demo`, with all its servers met."""
    home = tmp_path_factory.mktemp("daemon")
    state = home / "state"
    process = subprocess.Popen(
        [*OUTKEPT, "demo", "--state", str(state), "--listen", "127.0.0.1:0"],
        env=environment(home),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    try:
        until(
            lambda: (state / "url").exists() and (state / "url").read_text(),
            "the daemon serves",
            60,
        )
        until(lambda: _alarmed(home, state), "the daemon has read a server in alarm", 90)
        yield Daemon(state, (state / "url").read_text().strip(), process.pid)
    finally:
        process.terminate()
        process.wait(20)


def _alarmed(home: Path, state: Path) -> bool:
    ended = outkept(home, "servers", "--json", "--state", state)
    servers = json.loads(ended.out) if ended.code == 0 else []
    return len(servers) > 30 and any(server["status"] == "alarmed" for server in servers)
