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
from outkept.config.durations import parse_duration
from outkept.config.load import load
from outkept.config.problems import Mistake
from outkept.demo import (
    LIVELY,
    DemoError,
    FileLimitError,
    SimulatedFleet,
    Weather,
    make_room,
    simulated_fleet,
)
from outkept.ssh.keys import load_credentials

MOST_SERVERS = 5000
"""Beyond it, the fleet's listeners and connections, two open files a server, and the daemon's
readings are more than a laptop has room for."""
FEW = 500
"""Servers for which the daemon of a demonstration can read everything every few seconds."""
READ_EVERY, READ_MANY_EVERY = "5s", "15s"
SWEEP_EVERY, SWEEP_MANY_EVERY = "15s", "60s"
"""So short that things are seen to happen; a demo isn't left running."""
IN_FLIGHT = 2500
"""Open files for the daemon's sweep, its database and browsers, besides its servers."""


def _duration(text: str) -> float:
    try:
        return parse_duration(text)
    except Mistake as mistake:
        raise typer.BadParameter(str(mistake)) from None


def demo(
    servers: Annotated[int, typer.Option(min=1, max=MOST_SERVERS, help="Simulated servers.")] = 36,
    seed: Annotated[int, typer.Option(help="Another number, another company.")] = 1,
    latency: Annotated[
        float, typer.Option(metavar="DURATION", parser=_duration, help="Of a round trip, as 80ms.")
    ] = "0s",  # type: ignore[assignment]  # typer parses defaults, too
    drops: Annotated[
        float, typer.Option(metavar="PERCENT", min=0, max=100, help="Connections lost a minute.")
    ] = 0,
    refusals: Annotated[
        float,
        typer.Option(
            metavar="PERCENT", min=0, max=100, help="Time in which a server refuses what is new."
        ),
    ] = 0,
    slow: Annotated[
        float,
        typer.Option(metavar="PERCENT", min=0, max=100, help="Commands that take seconds."),
    ] = 0,
    listen: options.Listen = None,
    state: options.State = None,
) -> None:
    """Watch a simulated company of servers, with things going wrong, in the real daemon.

    Nothing outside this machine is contacted, and everything is gone afterwards, unless a
    state directory is named.

    Example: outkept demo --servers 60 --latency 80ms
    """
    try:
        weather = Weather(latency, drops / 100, refusals / 100, slow / 100)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    with tempfile.TemporaryDirectory(prefix="outkept-demo-") as scratch:
        until_stopped(lambda: _demo(Path(scratch), servers, seed, weather, listen, state))


async def _demo(
    scratch: Path,
    servers: int,
    seed: int,
    weather: Weather,
    listen: str | None,
    state: Path | None,
) -> None:
    try:
        make_room(servers, others=IN_FLIGHT)
        async with simulated_fleet(
            scratch / "fleet", servers, seed, network=network_for(servers), weather=weather
        ) as fleet:
            plan = demo_plan(fleet, scratch, listen, state, many=servers > FEW)
            await run_daemon(plan, watch)
    except (DemoError, FileLimitError) as error:
        raise StartError(str(error)) from None


def network_for(servers: int) -> str:
    """A subnet of loopback with room for them: a /24, or what more of them need."""
    return f"127.77.0.0/{32 - max(8, (servers + 4).bit_length())}"


def demo_plan(
    fleet: SimulatedFleet, scratch: Path, listen: str | None, state: Path | None, *, many: bool
) -> Plan:
    """What `outkept run` would be given for this fleet, written as the configuration file
    that a person would write. `many`: so many that they are read less often."""
    path = scratch / "config.yaml"
    path.write_text(yaml.safe_dump(_configuration(fleet, many)), encoding="utf-8")
    options_ = CommandLine(keys=(fleet.key,), listen=listen, state=state or scratch / "state")
    loaded = load(path, options_)
    if loaded.settings is None or loaded.problems:
        fail_all(loaded.problems)
    credentials, _ = load_credentials([fleet.key], agent=False, passphrase=lambda _: None)
    return Plan(loaded.settings, loaded.sensors, credentials)


def _configuration(fleet: SimulatedFleet, many: bool) -> dict[str, object]:
    again = SWEEP_MANY_EVERY if many else SWEEP_EVERY
    ranges = [
        {"range": text, "ports": [fleet.port], "every": again, "labels": fleet.labels}
        for text in fleet.ranges
    ]
    lively = {name: {"every": every} for name, every in LIVELY.items()}
    return {
        "ranges": ranges,
        "ssh": {"user": fleet.user, "agent": False},
        "sweep": {"rate": 0},
        "sensors": {
            "every": READ_MANY_EVERY if many else READ_EVERY,
            "overrides": [] if many else [{"set": lively}],
        },
        "reactions": {"mode": "on"},
    }
