"""`outkept servers`, `events` and `actions`: ask a running daemon."""

import time
from collections.abc import Iterable
from typing import Annotated

import typer
from rich.text import Text

from outkept.cli import options
from outkept.cli.api import Daemon, DaemonError, Json, UsageError, ask, ask_list
from outkept.cli.daemon import Token, Url, daemon_of, give_up
from outkept.cli.render import cell, clock_time, print_json, print_table, worded
from outkept.cli.trouble import trouble
from outkept.model.event import EventType
from outkept.model.level import ServerStatus

MOST = 100_000
"""Items a verb prints at most: what a person can't read and a program should page."""
MOST_NAMES = 50
"""Servers whose names are looked up for a table."""

Search = Annotated[
    str | None, typer.Option("--search", "-q", metavar="TEXT", help="Only with TEXT.")
]
Limit = Annotated[int, typer.Option(metavar="N", min=1, max=MOST, help="Most to print.")]
OfServer = Annotated[
    str | None,
    typer.Option("--server", metavar="SERVER", help="Only of this one: hostname, address or id."),
]


def servers(
    status: Annotated[ServerStatus | None, typer.Option(help="Only with this status.")] = None,
    search: Search = None,
    limit: Limit = MOST,
    url: Url = None,
    token: Token = None,
    state: options.State = None,
    config: options.Config = None,
    as_json: options.Json = False,
) -> None:
    """List the servers of a running daemon, and what is wrong with each.

    Without --url, the local daemon of the state directory is asked.

    Example: outkept servers --status alarmed
    """
    daemon = daemon_of(url, token, state, config)
    word = status.value if status else None
    found = _listed(daemon, "servers", limit, status=word, q=search)
    if as_json:
        print_json(found)
    elif found:
        columns = ("STATUS", "SERVER", "ADDRESSES", "OS", "SENSORS", "WHAT")
        print_table(columns, [_server_row(server) for server in found])
    else:
        _nothing("servers", any_filter=bool(word or search))


def events(
    server: OfServer = None,
    type_: Annotated[EventType | None, typer.Option("--type", help="Only of this type.")] = None,
    search: Search = None,
    limit: Limit = 100,
    url: Url = None,
    token: Token = None,
    state: options.State = None,
    config: options.Config = None,
    as_json: options.Json = False,
) -> None:
    """List what happened, newest first.

    Example: outkept events --type alarmed --limit 20
    """
    daemon = daemon_of(url, token, state, config)
    word = type_.value if type_ else None
    found = _listed(daemon, "events", limit, server=id_of(daemon, server), type=word, q=search)
    if as_json:
        print_json(found)
    elif found:
        print_table(("TIME", "TYPE", "MESSAGE"), [_event_row(event) for event in found])
    else:
        _nothing("events", any_filter=bool(word or search or server))


def actions(
    server: OfServer = None,
    limit: Limit = 100,
    url: Url = None,
    token: Token = None,
    state: options.State = None,
    config: options.Config = None,
    as_json: options.Json = False,
) -> None:
    """List the reactions that ran, or would have, newest first.

    Example: outkept actions --server web1
    """
    daemon = daemon_of(url, token, state, config)
    found = _listed(daemon, "actions", limit, server=id_of(daemon, server))
    if as_json:
        print_json(found)
    elif found:
        names = _names(daemon, (action.get("server") for action in found))
        columns = ("TIME", "OUTCOME", "SERVER", "SENSOR", "EXIT", "REASON", "COMMAND")
        print_table(columns, [_action_row(action, names) for action in found])
    else:
        _nothing("actions", any_filter=bool(server))


def _listed(daemon: Daemon, path: str, limit: int, **query: str | None) -> list[Json]:
    """The items; one more is asked for, so that a cut list is said to be cut."""
    try:
        found = ask_list(daemon, path, limit + 1, **query)
    except DaemonError as error:
        give_up(error)
    if len(found) > limit:
        typer.echo(f"The first {limit:,} are shown; --limit gives more.", err=True)
    return found[:limit]


def id_of(daemon: Daemon, name: str | None) -> str | None:
    """The id of a server that is named by hostname, address or id. One that is no longer in
    the inventory has its events still, by its id."""
    if name is None:
        return None
    try:
        found = ask_list(daemon, "servers", MOST, q=name)
        exact = [server for server in found if name in _names_of(server)]
        if len(exact) > 1:
            ids = ", ".join(str(server.get("id")) for server in exact[:5])
            raise UsageError(f"{len(exact)} servers are called {name!r}; use an id: {ids}")
        if not exact and not _looks_like_id(name):
            close = ", ".join(str(server.get("hostname")) for server in found[:5])
            hint = f"did you mean {close}?" if close else "`outkept servers` lists them"
            raise UsageError(f"no server is called {name!r}; {hint}")
    except DaemonError as error:
        give_up(error)
    return str(exact[0].get("id")) if exact else name


def _names_of(server: Json) -> list[object]:
    addresses = server.get("addresses")
    own = addresses if isinstance(addresses, list) else []
    return [server.get("id"), server.get("hostname"), *own]


def _looks_like_id(name: str) -> bool:
    return len(name) == 12 and all(c in "0123456789abcdef" for c in name)


def _names(daemon: Daemon, ids: Iterable[object]) -> dict[object, str]:
    """Hostnames of servers by id; a server that is gone keeps its id for a name."""
    names: dict[object, str] = {}
    for server_id in list(dict.fromkeys(ids))[:MOST_NAMES]:
        if not isinstance(server_id, str) or not _looks_like_id(server_id):
            continue
        try:
            names[server_id] = str(ask(daemon, f"servers/{server_id}").get("hostname") or server_id)
        except DaemonError:
            names[server_id] = server_id  # removed meanwhile
    return names


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


def _nothing(what: str, *, any_filter: bool) -> None:
    """Said on stderr: an empty list has no lines."""
    typer.echo(f"No {what}{' match' if any_filter else ' yet'}.", err=True)
