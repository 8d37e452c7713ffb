"""Servers as people name them: by hostname or address, where the API has ids."""

from collections.abc import Iterable
from typing import Annotated

import typer

from outkept.cli.api import Daemon, DaemonError, Json, UsageError, ask, ask_list
from outkept.cli.lists import MOST

MOST_NAMES = 50
"""Servers whose names are looked up for a table."""

OfServer = Annotated[
    str | None,
    typer.Option("--server", metavar="SERVER", help="Only of this one: hostname, address or id."),
]


def id_of(daemon: Daemon, name: str | None) -> str | None:
    """The id of a server that is named by hostname, address or id. One that is no longer in
    the inventory has its events still, by its id. Raises DaemonError."""
    if name is None:
        return None
    found = ask_list(daemon, "servers", MOST, q=name)
    exact = [server for server in found if name in _names_of(server)]
    if len(exact) > 1:
        ids = ", ".join(str(server.get("id")) for server in exact[:5])
        raise UsageError(f"{len(exact)} servers are called {name!r}; use an id: {ids}")
    if not exact and not _looks_like_id(name):
        close = ", ".join(str(server.get("hostname")) for server in found[:5])
        hint = f"did you mean {close}?" if close else "`outkept servers` lists them"
        raise UsageError(f"no server is called {name!r}; {hint}")
    return str(exact[0].get("id")) if exact else name


def _names_of(server: Json) -> list[object]:
    addresses = server.get("addresses")
    own = addresses if isinstance(addresses, list) else []
    return [server.get("id"), server.get("hostname"), *own]


def _looks_like_id(name: str) -> bool:
    return len(name) == 12 and all(c in "0123456789abcdef" for c in name)


def names_of(daemon: Daemon, ids: Iterable[object]) -> dict[object, str]:
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
