"""Which daemon a verb asks, from its options."""

import os
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from outkept.cli.api import Daemon, DaemonError, UsageError, find_daemon
from outkept.cli.errors import FAILED, USAGE, fail
from outkept.cli.render import harmless
from outkept.cli.state import state_directory
from outkept.serve.auth import Role

Url = Annotated[
    str | None,
    typer.Option(metavar="URL", help="The daemon's address, such as http://127.0.0.1:8844."),
]
TOKEN = "OUTKEPT_TOKEN"  # noqa: S105 - the name of the variable
Token = Annotated[
    str | None,
    typer.Option(metavar="TOKEN", help=f"Its token; better in {TOKEN}, where ps can't see it."),
]


def daemon_of(
    url: str | None,
    token: str | None,
    state: Path | None,
    config: Path | None,
    role: Role = Role.VIEWER,
) -> Daemon:
    """The daemon that is meant, to be asked as `role` where no token is named; ends the process
    when there is none."""
    token = token or os.environ.get(TOKEN)
    named = state is not None or config is not None
    try:
        # A remote daemon needs no local configuration, so a faulty one is no obstacle.
        here = Path() if url and token else state_directory(state, config)
        return find_daemon(url, token, here, named=named, role=role)
    except DaemonError as error:
        give_up(error)


def give_up(error: DaemonError) -> NoReturn:
    """End the process with what went wrong."""
    fail(harmless(error), USAGE if isinstance(error, UsageError) else FAILED)
