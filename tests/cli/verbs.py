"""The verbs and their options, as typer has them."""

import typer

from outkept.cli.main import app

_group = typer.main.get_group(app)
VERBS: dict[str, list[str]] = {
    name: [
        option
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--") and option != "--help"
    ]
    for name, command in _group.commands.items()
}
"""The long options of each verb."""
