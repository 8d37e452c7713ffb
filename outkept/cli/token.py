"""`outkept token`: a bearer token for scripts."""

from pathlib import Path
from typing import Annotated

import typer

from outkept.cli import options
from outkept.cli.errors import fail
from outkept.cli.state import state_directory
from outkept.serve.auth import Role, SecretError, load_secret, mint


def token(
    role: Annotated[Role, typer.Option(help="What the token may do.")] = Role.VIEWER,
    state: options.State = None,
    config: options.Config = None,
) -> None:
    """Print a token for the daemon of a state directory, for `Authorization: Bearer`.

    Example: curl -H "Authorization: Bearer $(outkept token)" http://127.0.0.1:8844/api/v1/servers
    """
    directory: Path = state_directory(state, config)
    if not directory.is_dir():
        fail(f"{directory} is not a state directory: name the daemon's with --state or -c")
    try:
        typer.echo(mint(load_secret(directory), role))
    except SecretError as error:
        fail(str(error))
