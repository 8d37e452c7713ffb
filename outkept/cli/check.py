"""`outkept check`: is the configuration right?"""

import json

import typer

from outkept.cli import options
from outkept.cli.errors import USAGE
from outkept.cli.files import default_file
from outkept.cli.plan import inspect
from outkept.config.commandline import CommandLine


def check(config: options.Config = None, as_json: options.Json = False) -> None:
    """Validate the configuration, the sensor library with its examples, and the keys.

    Every problem is printed as FILE:LINE: what is wrong, and how to mend it.

    Example: outkept check -c config.yaml
    """
    loaded, _, problems = inspect(config or default_file(), CommandLine())
    if as_json:
        fields = ("file", "line", "what", "mend")
        found = [{name: getattr(problem, name) for name in fields} for problem in problems]
        typer.echo(json.dumps({"sensors": len(loaded.sensors), "problems": found}))
    elif problems:
        for problem in problems:
            typer.echo(str(problem), err=True)
    elif loaded.settings is not None:
        count = len(loaded.settings.ranges)
        ranges = "1 range" if count == 1 else f"{count:,} ranges"
        addresses = sum(len(rng) for rng in loaded.settings.ranges)
        typer.echo(
            f"No problems: {ranges} with {addresses:,} addresses, {len(loaded.sensors)} sensors"
        )
    if problems:
        raise typer.Exit(USAGE)
