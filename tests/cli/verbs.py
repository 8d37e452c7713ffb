"""The verbs and their options, as typer has them."""

from typing import Any

import typer

from outkept.cli.main import app


def _options(command: Any) -> list[str]:
    """The long options of a verb, and of its own verbs if it has some."""
    own = [
        option
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--") and option != "--help"
    ]
    return own + [option for inner in _inner(command) for option in _options(inner)]


def _inner(command: Any) -> list[Any]:
    return list(getattr(command, "commands", {}).values())


def _verbs() -> dict[str, Any]:
    group = typer.main.get_group(app)
    context = typer.Context(group)
    return {name: group.get_command(context, name) for name in group.list_commands(context)}


_VERBS = _verbs()

VERBS: dict[str, list[str]] = {name: _options(command) for name, command in _VERBS.items()}
"""The long options of each verb."""

INNER = [(name, inner.name) for name, command in _VERBS.items() for inner in _inner(command)]
"""The verbs of verbs, each with whose it is."""
