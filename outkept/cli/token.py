"""`outkept token`: bearer tokens for scripts, and links that sign in."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from outkept.app.whereabouts import PAGE_FILE
from outkept.cli import options
from outkept.cli.errors import USAGE, fail
from outkept.cli.lists import print_list
from outkept.cli.render import cell, clock_time
from outkept.cli.state import state_directory
from outkept.config.durations import parse_duration
from outkept.config.problems import Mistake
from outkept.serve import links, tokens
from outkept.serve.auth import Role, Scope, SecretError, load_secret, mint
from outkept.serve.files import AccessFileError
from outkept.serve.tokens import ApiToken, TokenError, Tokens


def token(
    role: Annotated[
        Role | None, typer.Option(help="What it may do: viewer, or for a link admin, if not given.")
    ] = None,
    scope: Annotated[
        list[Scope] | None,
        typer.Option(help="Only this, in place of a role (repeatable)."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Keep it under a name, to list and revoke it."),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="DURATION", help="How long it is valid: 12h, 90d.")
    ] = None,
    link: Annotated[
        bool, typer.Option("--link", help="Print a link that signs a browser in, once.")
    ] = False,
    list_: Annotated[bool, typer.Option("--list", help="List the tokens with a name.")] = False,
    revoke: Annotated[
        str | None, typer.Option(metavar="NAME", help="Revoke a token with a name, at once.")
    ] = None,
    state: options.State = None,
    config: options.Config = None,
    json_: options.Json = False,
) -> None:
    """Print a token for the daemon of a state directory, for `Authorization: Bearer`.

    Example: curl -H "Authorization: Bearer $(outkept token)" http://127.0.0.1:8844/api/v1/servers
    """
    if sum((link, list_, revoke is not None)) > 1 or (role and scope):
        fail("name one of --link, --list and --revoke, and one of --role and --scope", USAGE)
    if (link or list_ or revoke is not None) and (scope or name or expires):
        fail("--scope, --name and --expires are for a new token; leave them out", USAGE)
    directory: Path = state_directory(state, config)
    if not directory.is_dir():
        fail(f"{directory} is not a state directory: name the daemon's with --state or -c")
    try:
        if link:
            typer.echo(_link(directory, role or Role.ADMIN))
        elif list_:
            _show(Tokens(directory), json_)
        elif revoke is not None:
            tokens.revoke(directory, revoke)
        else:
            scopes = frozenset(scope or (role or Role.VIEWER).scopes)
            typer.echo(_new(directory, name, scopes, _until(expires)))
    except (SecretError, AccessFileError, TokenError) as error:
        fail(str(error))


def _new(directory: Path, name: str | None, scopes: frozenset[Scope], until: float | None) -> str:
    if name is not None:
        return tokens.create(directory, name, scopes, until)
    return mint(load_secret(directory), Role.VIEWER, scopes=scopes, expires=until)


def _link(directory: Path, role: Role) -> str:
    try:
        page = (directory / PAGE_FILE).read_text(encoding="ascii")
    except (OSError, ValueError):
        fail(f"no daemon is running with state directory {directory}; start it with `outkept run`")
    typer.echo(f"It signs in once, within {links.AGE / 60:.0f} minutes.", err=True)
    return links.link_of(page, links.link_token(load_secret(directory), role))


def _until(expires: str | None) -> float | None:
    if expires is None:
        return None
    try:
        seconds = parse_duration(expires)
    except Mistake as error:
        fail(f"--expires: {error}", USAGE)
    if seconds <= 0:
        fail("--expires: a token that has expired already is of no use", USAGE)
    return time.time() + seconds


def _show(kept: Tokens, as_json: bool) -> None:
    found = sorted(kept.load().values(), key=lambda token: token.name)
    columns = ("NAME", "SCOPES", "CREATED", "EXPIRES")
    views, nothing = list(map(_view, found)), "No token has a name yet."
    print_list(views, columns, map(_row, found), nothing=nothing, as_json=as_json)


def _view(one: ApiToken) -> dict[str, object]:
    return {
        "name": one.name,
        "scopes": sorted(one.scopes),
        "created": one.created,
        "expires": one.expires,
    }


def _row(one: ApiToken) -> tuple[Text, ...]:
    ended = one.expires is not None and one.expires <= time.time()
    return (
        cell(one.name, "bold"),
        cell(", ".join(sorted(one.scopes))),
        cell(clock_time(one.created), "dim"),
        cell("never" if one.expires is None else clock_time(one.expires), "red" if ended else ""),
    )
