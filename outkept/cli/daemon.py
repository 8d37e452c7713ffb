"""Which daemon a verb asks, from its options."""

import functools
import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Concatenate, NoReturn, ParamSpec

import typer

from outkept.cli import options
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

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Asked:
    """The options that every verb has which asks a daemon: which one, and whether its answer is
    printed as JSON."""

    url: Url = None
    token: Token = None
    state: options.State = None
    config: options.Config = None
    as_json: options.Json = False

    def daemon(self, role: Role = Role.VIEWER) -> Daemon:
        """As `daemon_of` has it."""
        return daemon_of(self.url, self.token, self.state, self.config, role)


_SHARED = inspect.signature(Asked).parameters


def asking(verb: Callable[Concatenate[Asked, P], None]) -> Callable[..., None]:
    """Give `verb` the options of an `Asked` behind its own, and call it with one. A DaemonError
    that comes out of it ends the process."""
    own = list(inspect.signature(verb).parameters.values())[1:]

    @functools.wraps(verb)
    def with_options(**given: Any) -> None:
        asked = Asked(**{name: given.pop(name) for name in _SHARED})
        call: Callable[..., None] = verb
        try:
            call(asked, **given)
        except DaemonError as error:
            give_up(error)

    parameters = [*own, *_SHARED.values()]
    # What typer reads the options from.
    with_options.__dict__["__signature__"] = inspect.Signature(parameters)
    with_options.__annotations__ = {one.name: one.annotation for one in parameters}
    return with_options


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
