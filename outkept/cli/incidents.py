"""`outkept incidents`, `ack` and `note`: what is wrong, and who has taken it on."""

import time
from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text

from outkept.cli import options
from outkept.cli.api import Daemon, DaemonError, Json, ask_pages, tell
from outkept.cli.ask import Limit, OfServer, id_of
from outkept.cli.daemon import Token, Url, daemon_of, give_up
from outkept.cli.render import cell, clock_time, harmless, print_json, print_table, seconds, worded
from outkept.serve.auth import Role

PAGE = 200
"""Incidents that the API puts on a page at most."""

Id = Annotated[int, typer.Argument(metavar="ID", help="As `outkept incidents` shows it.")]


class Status(StrEnum):
    """Whether it is over."""

    OPEN = "open"
    ENDED = "ended"


def incidents(
    status: Annotated[Status | None, typer.Option(help="Only such.")] = None,
    server: OfServer = None,
    unacknowledged: Annotated[
        bool, typer.Option("--unacknowledged", help="Only those that nobody has taken on.")
    ] = False,
    limit: Limit = 100,
    url: Url = None,
    token: Token = None,
    state: options.State = None,
    config: options.Config = None,
    as_json: options.Json = False,
) -> None:
    """List what is wrong, and what was: open incidents first.

    Example: outkept incidents --status open --unacknowledged
    """
    daemon = daemon_of(url, token, state, config)
    try:
        query = {
            "state": status.value if status else None,
            "server": id_of(daemon, server),
            "acknowledged": "false" if unacknowledged else None,
        }
        found = ask_pages(daemon, "incidents", limit + 1, PAGE, query)
    except DaemonError as error:
        give_up(error)
    if len(found) > limit:
        typer.echo(f"The first {limit:,} are shown; --limit gives more.", err=True)
    found = found[:limit]
    if as_json:
        print_json(found)
    elif found:
        columns = ("ID", "LEVEL", "SINCE", "LASTED", "TAKEN BY", "SILENCED", "WHAT")
        print_table(columns, [_row(one, time.time()) for one in found])
    else:
        typer.echo("No incidents.", err=True)


def ack(
    id_: Id,
    comment: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What there is to say of it.")
    ] = None,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Nobody has taken it on any more.")
    ] = False,
    url: Url = None,
    token: Token = None,
    state: options.State = None,
    config: options.Config = None,
    as_json: options.Json = False,
) -> None:
    """Take an incident on: until it has recovered nobody is reminded, and nothing reacts.

    Example: outkept ack 4711 --comment "the fan is ordered"
    """
    daemon = daemon_of(url, token, state, config, Role.OPERATOR)
    path = f"incidents/{id_}/acknowledge"
    if withdraw:
        found = _told(daemon, "DELETE", path)
    else:
        found = _told(daemon, "POST", path, {"comment": comment})
    said = "is no longer acknowledged" if withdraw else "is acknowledged"
    _print(found, said, as_json)


def note(
    id_: Id,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What is to be remembered.")],
    url: Url = None,
    token: Token = None,
    state: options.State = None,
    config: options.Config = None,
    as_json: options.Json = False,
) -> None:
    """Write a note to an incident, also to one that is over.

    Example: outkept note 4711 "it was the fan"
    """
    daemon = daemon_of(url, token, state, config, Role.OPERATOR)
    found = _told(daemon, "POST", f"incidents/{id_}/notes", {"text": text})
    _print(found, "has a note", as_json)


def _told(daemon: Daemon, method: str, path: str, body: Json | None = None) -> Json:
    try:
        return tell(daemon, method, path, body)
    except DaemonError as error:
        give_up(error)


def _print(found: Json, said: str, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        number, message = found.get("id"), found.get("message")
        typer.echo(harmless(f"Incident {number} {said} ({message})"))


def _row(one: Json, now: float) -> tuple[Text, ...]:
    taken, silenced = one.get("acknowledged"), one.get("silenced")
    open_ = one.get("state") == Status.OPEN
    return (
        cell(one.get("id"), "bold"),
        worded(str(one.get("level"))) if open_ else worded("recovered"),
        cell(clock_time(one.get("started")), "dim"),
        cell(_lasted(one.get("started"), one.get("ended") if not open_ else now)),
        cell(taken.get("by") if isinstance(taken, dict) else ""),
        cell(silenced.get("reason") if isinstance(silenced, dict) else ""),
        cell(f"{one.get('message')}{' (flapping)' if one.get('flapping') is True else ''}"),
    )


def _lasted(start: object, end: object) -> str:
    if not isinstance(start, int | float) or not isinstance(end, int | float):
        return ""
    return seconds(max(0.0, end - start))
