"""Options that several verbs share, so that they read the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

from outkept.cli.files import default_file
from outkept.config.commandline import CommandLine

Ranges = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="RANGE", help="Subnets to sweep: 10.0.0.0/24, 10.0.0.2-10.0.0.9, 10.0.0.7."
    ),
]
Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", metavar="FILE", help="Configuration file (YAML)."),
]
User = Annotated[str | None, typer.Option(metavar="NAME", help="Whom to log in as.")]
Keys = Annotated[
    list[Path] | None,
    typer.Option("--key", metavar="FILE", help="Private key to log in with (repeatable)."),
]
Ports = Annotated[
    list[int] | None, typer.Option("--port", metavar="N", help="SSH port to try (repeatable).")
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(metavar="RANGE", help="Addresses to leave out (repeatable)."),
]
Rate = Annotated[
    float | None,
    typer.Option(metavar="N", help="New connections a second; 0 for no limit.", min=0),
]
State = Annotated[
    Path | None, typer.Option(metavar="DIR", help="State directory: database, host keys, token.")
]
Listen = Annotated[
    str | None, typer.Option(metavar="ADDRESS:PORT", help="Where the dashboard is served.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def source(
    config: Path | None,
    ranges: list[str] | None,
    *,
    user: str | None,
    key: list[Path] | None,
    port: list[int] | None,
    exclude: list[str] | None,
    rate: float | None,
    state: Path | None = None,
    listen: str | None = None,
) -> tuple[Path | None, CommandLine]:
    """The configuration file, if any, and what the command line lays over it. The file that is
    there without being named counts only where no range is named."""
    if config is None and not ranges:
        config = default_file()
    return config, CommandLine(
        ranges=tuple(ranges or ()),
        user=user,
        keys=tuple(key or ()),
        ports=tuple(port or ()),
        exclude=tuple(exclude or ()),
        rate=rate,
        state=state,
        listen=listen,
    )
