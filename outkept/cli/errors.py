"""How a verb ends when it can't go on: one line on stderr, 1 for failed work, 2 for usage."""

from collections.abc import Iterable
from typing import NoReturn

import typer

FAILED = 1
USAGE = 2
INTERRUPTED = 130
"""128 + SIGINT: the exit status of a program that Ctrl-C ended."""


def fail(message: str, code: int = FAILED) -> NoReturn:
    """End the process with `message`, as one line, on stderr."""
    typer.echo(f"outkept: {' '.join(message.split())}", err=True)
    raise typer.Exit(code)


def fail_all(messages: Iterable[object]) -> NoReturn:
    """End the process with a usage error for each of `messages`."""
    for message in messages:
        typer.echo(str(message), err=True)
    raise typer.Exit(USAGE)
