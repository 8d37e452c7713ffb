"""`outkept demo`: the same daemon against a simulated fleet."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer
import yaml

from outkept.app.start import Plan, StartError
from outkept.app.start import run as run_daemon
from outkept.cli import options
from outkept.cli.errors import fail_all
from outkept.cli.run import until_stopped
from outkept.cli.watch import watch
from outkept.config.commandline import CommandLine
from outkept.config.load import load
from outkept.demo import LIVELY, DemoError, SimulatedFleet, simulated_fleet
from outkept.ssh.keys import load_credentials

READ_EVERY = "5s"
SWEEP_EVERY = "15s"
"""So short that things are seen to happen; a demo isn't left running."""


def demo(
    servers: Annotated[int, typer.Option(min=1, max=200, help="Simulated servers.")] = 36,
    seed: Annotated[int, typer.Option(help="Another number, another company.")] = 1,
    listen: options.Listen = None,
    state: options.State = None,
) -> None:
    """Watch a simulated company of servers, with things going wrong, in the real daemon.

    Nothing outside this machine is contacted, and everything is gone afterwards, unless a
    state directory is named.

    Example: outkept demo --servers 60
    """
    with tempfile.TemporaryDirectory(prefix="outkept-demo-") as scratch:
        until_stopped(lambda: _demo(Path(scratch), servers, seed, listen, state))


async def _demo(
    scratch: Path, servers: int, seed: int, listen: str | None, state: Path | None
) -> None:
    try:
        async with simulated_fleet(scratch / "fleet", servers, seed) as fleet:
            plan = demo_plan(fleet, scratch, listen, state)
            await run_daemon(plan, watch)
    except DemoError as error:
        raise StartError(str(error)) from None


def demo_plan(fleet: SimulatedFleet, scratch: Path, listen: str | None, state: Path | None) -> Plan:
    """What `outkept run` would be given for this fleet, written as the configuration file
    that a person would write."""
    path = scratch / "config.yaml"
    path.write_text(yaml.safe_dump(_configuration(fleet)), encoding="utf-8")
    options_ = CommandLine(keys=(fleet.key,), listen=listen, state=state or scratch / "state")
    loaded = load(path, options_)
    if loaded.settings is None or loaded.problems:
        fail_all(loaded.problems)
    credentials, _ = load_credentials([fleet.key], agent=False, passphrase=lambda _: None)
    return Plan(loaded.settings, loaded.sensors, credentials)


def _configuration(fleet: SimulatedFleet) -> dict[str, object]:
    ranges = [
        {"range": text, "ports": [fleet.port], "every": SWEEP_EVERY, "labels": fleet.labels}
        for text in fleet.ranges
    ]
    return {
        "ranges": ranges,
        "ssh": {"user": fleet.user, "agent": False},
        "sweep": {"rate": 0},
        "sensors": {
            "every": READ_EVERY,
            "overrides": [{"set": {name: {"every": every} for name, every in LIVELY.items()}}],
        },
        "reactions": {"mode": "on"},
    }
