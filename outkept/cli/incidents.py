"""`outkept incidents`, `ack` and `note`: what is wrong, and who has taken it on."""

import time
from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text

from outkept.cli.api import Json, tell
from outkept.cli.daemon import Asked, asking
from outkept.cli.lists import Limit, first, print_list
from outkept.cli.names import OfServer, id_of
from outkept.cli.render import cell, clock_time, harmless, print_json, seconds, worded
from outkept.serve.auth import Role

PAGE = 200
"""Incidents that the API puts on a page at most."""

_COLUMNS = ("ID", "LEVEL", "SINCE", "LASTED", "TAKEN BY", "SILENCED", "WHAT")

Id = Annotated[int, typer.Argument(metavar="ID", help="As `outkept incidents` shows it.")]


class Status(StrEnum):
    """Whether it is over."""

    OPEN = "open"
    ENDED = "ended"


@asking
def incidents(
    asked: Asked,
    status: Annotated[Status | None, typer.Option(help="Only such.")] = None,
    server: OfServer = None,
    unacknowledged: Annotated[
        bool, typer.Option("--unacknowledged", help="Only those that nobody has taken on.")
    ] = False,
    limit: Limit = 100,
) -> None:
    """List what is wrong, and what was: open incidents first.

    Example: outkept incidents --status open --unacknowledged
    """
    daemon = asked.daemon()
    query = {
        "state": status.value if status else None,
        "server": id_of(daemon, server),
        "acknowledged": "false" if unacknowledged else None,
    }
    found = first(daemon, "incidents", limit, PAGE, **query)
    rows = (_row(one, time.time()) for one in found)
    print_list(found, _COLUMNS, rows, nothing="No incidents.", as_json=asked.as_json)


@asking
def ack(
    asked: Asked,
    id_: Id,
    comment: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What there is to say of it.")
    ] = None,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Nobody has taken it on any more.")
    ] = False,
) -> None:
    """Take an incident on: until it has recovered nobody is reminded, and nothing reacts.

    Example: outkept ack 4711 --comment "the fan is ordered"
    """
    daemon, path = asked.daemon(Role.OPERATOR), f"incidents/{id_}/acknowledge"
    if withdraw:
        _print(tell(daemon, "DELETE", path), "is no longer acknowledged", asked.as_json)
    else:
        _print(tell(daemon, "POST", path, {"comment": comment}), "is acknowledged", asked.as_json)


@asking
def note(
    asked: Asked,
    id_: Id,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What is to be remembered.")],
) -> None:
    """Write a note to an incident, also to one that is over.

    Example: outkept note 4711 "it was the fan"
    """
    found = tell(asked.daemon(Role.OPERATOR), "POST", f"incidents/{id_}/notes", {"text": text})
    _print(found, "has a note", asked.as_json)


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
