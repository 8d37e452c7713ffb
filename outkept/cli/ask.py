"""`outkept servers`, `events` and `actions`: ask a running daemon."""

import time
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.text import Text

from outkept.cli.api import Daemon, Json
from outkept.cli.daemon import Asked, asking
from outkept.cli.lists import MOST, Limit, first, print_list
from outkept.cli.names import OfServer, id_of, names_of
from outkept.cli.render import cell, clock_time, worded
from outkept.cli.trouble import trouble
from outkept.model.event import EventType
from outkept.model.level import ServerStatus

_SERVERS = ("STATUS", "SERVER", "ADDRESSES", "OS", "SENSORS", "WHAT")
_EVENTS = ("TIME", "TYPE", "MESSAGE")
_ACTIONS = ("TIME", "OUTCOME", "SERVER", "SENSOR", "EXIT", "REASON", "COMMAND")

Search = Annotated[
    str | None, typer.Option("--search", "-q", metavar="TEXT", help="Only with TEXT.")
]


@asking
def servers(
    asked: Asked,
    status: Annotated[ServerStatus | None, typer.Option(help="Only with this status.")] = None,
    search: Search = None,
    limit: Limit = MOST,
) -> None:
    """List the servers of a running daemon, and what is wrong with each.

    Without --url, the local daemon of the state directory is asked.

    Example: outkept servers --status alarmed
    """
    word = status.value if status else None
    found = first(asked.daemon(), "servers", limit, status=word, q=search)
    nothing = _nothing("servers", any_filter=bool(word or search))
    rows = map(_server_row, found)
    print_list(found, _SERVERS, rows, nothing=nothing, as_json=asked.as_json)


@asking
def events(
    asked: Asked,
    server: OfServer = None,
    type_: Annotated[EventType | None, typer.Option("--type", help="Only of this type.")] = None,
    search: Search = None,
    limit: Limit = 100,
) -> None:
    """List what happened, newest first.

    Example: outkept events --type alarmed --limit 20
    """
    daemon = asked.daemon()
    word = type_.value if type_ else None
    found = first(daemon, "events", limit, server=id_of(daemon, server), type=word, q=search)
    nothing = _nothing("events", any_filter=bool(word or search or server))
    print_list(found, _EVENTS, map(_event_row, found), nothing=nothing, as_json=asked.as_json)


@asking
def actions(asked: Asked, server: OfServer = None, limit: Limit = 100) -> None:
    """List the reactions that ran, or would have, newest first.

    Example: outkept actions --server web1
    """
    daemon = asked.daemon()
    found = first(daemon, "actions", limit, server=id_of(daemon, server))
    nothing = _nothing("actions", any_filter=bool(server))
    rows = _action_rows(daemon, found)
    print_list(found, _ACTIONS, rows, nothing=nothing, as_json=asked.as_json)


def _server_row(server: Json) -> tuple[Text, ...]:
    facts = server.get("facts")
    addresses = server.get("addresses")
    sensors = server.get("sensors")
    return (
        worded(str(server.get("status"))),
        cell(server.get("hostname") or server.get("id"), "bold"),
        cell(", ".join(map(str, addresses)) if isinstance(addresses, list) else ""),
        cell(facts.get("os", "") if isinstance(facts, dict) else ""),
        cell(len(sensors) if isinstance(sensors, list) else ""),
        trouble(server, time.time()),
    )


def _event_row(event: Json) -> tuple[Text, ...]:
    return (
        cell(clock_time(event.get("at")), "dim"),
        worded(str(event.get("type"))),
        cell(event.get("message")),
    )


def _action_rows(daemon: Daemon, found: list[Json]) -> Iterator[tuple[Text, ...]]:
    """The daemon is asked for the servers' names once there is a table."""
    names = names_of(daemon, (action.get("server") for action in found))
    for action in found:
        yield _action_row(action, names)


def _action_row(action: Json, names: dict[object, str]) -> tuple[Text, ...]:
    status, instance = action.get("status"), action.get("instance")
    sensor = f"{action.get('sensor')}" + (f"[{instance}]" if instance is not None else "")
    return (
        cell(clock_time(action.get("at")), "dim"),
        cell(action.get("outcome")),
        cell(names.get(action.get("server"), action.get("server")), "bold"),
        cell(sensor),
        cell("" if status is None else status),
        cell(action.get("reason")),
        cell(_first_line(str(action.get("command")))),
    )


def _first_line(command: str) -> str:
    lines = command.strip().splitlines() or [""]
    return lines[0] if len(lines) == 1 else f"{lines[0]} … ({len(lines) - 1} more lines)"


def _nothing(what: str, *, any_filter: bool) -> str:
    return f"No {what}{' match' if any_filter else ' yet'}."
