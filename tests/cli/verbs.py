"""The verbs and their options, as typer has them."""

from typing import Any

from outkept.cli.verbs import VERBS as PLACES
from outkept.cli.verbs import load


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


COMMANDS: dict[str, Any] = {name: load(name) for name in PLACES}
"""All of them, loaded."""

VERBS: dict[str, list[str]] = {name: _options(command) for name, command in COMMANDS.items()}
"""The long options of each verb."""
INNER = [(name, str(inner.name)) for name, command in COMMANDS.items() for inner in _inner(command)]
"""The verbs that have a verb before them."""
