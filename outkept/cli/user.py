"""`outkept user`: who may sign in to the dashboard with a password."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import getpass
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from outkept.cli import options
from outkept.cli.errors import fail
from outkept.cli.lists import print_list
from outkept.cli.render import cell, clock_time
from outkept.cli.state import state_directory
from outkept.serve import users
from outkept.serve.auth import Role
from outkept.serve.files import AccessFileError
from outkept.serve.users import User, UserError, Users

user = typer.Typer(
    help="Say who may sign in to the dashboard, and what they may do there.\n\n"
    "What is changed holds at once, in a running daemon too.\n\n"
    "Example: outkept user add ada --role operator",
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")]
RoleOption = Annotated[Role, typer.Option(help="What the user may do.")]


@user.command()
def add(
    name: Name,
    role: RoleOption = Role.VIEWER,
    state: options.State = None,
    config: options.Config = None,
) -> None:
    """Add a user. The password is asked for, or read as a line from standard input.

    Example: outkept user add ada --role operator
    """
    directory = _directory(state, config)
    with _told():
        users.add(directory, users.checked_name(name), role, _password(users.normal(name)))
    typer.echo(f"{users.normal(name)} may sign in as {role}.")


@user.command("list")
def list_(
    state: options.State = None, config: options.Config = None, as_json: options.Json = False
) -> None:
    """List the users with their roles.

    Example: outkept user list
    """
    with _told():
        found = sorted(Users(_directory(state, config)).load().values(), key=lambda one: one.name)
    views = [{"name": one.name, "role": one.role, "changed": one.changed} for one in found]
    rows = ((cell(one.name, "bold"), cell(one.role), _changed(one)) for one in found)
    columns = ("NAME", "ROLE", "CHANGED")
    print_list(views, columns, rows, nothing="No users yet.", as_json=as_json)


@user.command()
def role(
    name: Name,
    role: Annotated[Role, typer.Argument(help="What the user may do from now on.")],
    state: options.State = None,
    config: options.Config = None,
) -> None:
    """Give a user another role. Their sessions end.

    Example: outkept user role ada viewer
    """
    with _told():
        users.set_role(_directory(state, config), name, role)
    typer.echo(f"{users.normal(name)} is {role} now, and has to sign in anew.")


@user.command()
def password(name: Name, state: options.State = None, config: options.Config = None) -> None:
    """Give a user another password. Their sessions end.

    Example: outkept user password ada
    """
    directory = _directory(state, config)
    with _told():
        name = users.known(directory, name)
        users.set_password(directory, name, _password(name))
    typer.echo(f"{name} has a new password, and has to sign in anew.")


@user.command()
def remove(name: Name, state: options.State = None, config: options.Config = None) -> None:
    """Remove a user. Their sessions end.

    Example: outkept user remove ada
    """
    with _told():
        users.remove(_directory(state, config), name)
    typer.echo(f"{users.normal(name)} can't sign in any more.")


def _directory(state: Path | None, config: Path | None) -> Path:
    """The state directory; made if need be, since users come before the first start."""
    directory = state_directory(state, config)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        fail(f"{directory} can't be made: {error.strerror}; name another with --state or -c")
    return directory


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (UserError, AccessFileError) as error:
        fail(str(error))


def _password(name: str) -> str:
    """Typed twice where somebody can, else a line of standard input. Raises UserError."""
    if not sys.stdin.isatty():
        return users.checked_password(name, sys.stdin.readline().rstrip("\r\n"))
    first = users.checked_password(name, _asked(f"Password for {name}: "))
    if _asked("Again: ") != first:
        raise UserError("the two passwords differ; nothing was changed")
    return first


def _asked(prompt: str) -> str:
    try:
        return getpass(prompt, stream=sys.stderr)
    except EOFError:
        typer.echo(err=True)
        raise UserError("no password was given; nothing was changed") from None


def _changed(one: User) -> Text:
    return cell(clock_time(one.changed), "dim")
