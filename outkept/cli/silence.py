"""`outkept silence`: have nobody told of something, and nothing react to it, for a time."""

from typing import Annotated

import typer
from rich.text import Text

from outkept.cli.api import Json, ask_list, tell
from outkept.cli.daemon import Asked, asking
from outkept.cli.errors import USAGE, fail
from outkept.cli.lists import print_list
from outkept.cli.moments import lasting, moment, own_zone
from outkept.cli.render import cell, clock_time, harmless, print_json
from outkept.model.silence import SilenceState
from outkept.serve.auth import Role

MOST = 20_000
"""Silences that are listed at most: more than are kept."""
_SHOWN = 10
_COLUMNS = ("ID", "STATE", "WHAT", "UNTIL", "WEEKLY", "BY", "REASON")

Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why; people see it.")]
Server = Annotated[str, typer.Option(metavar="GLOB", help="Hostnames, ids or addresses: 'db*'.")]
Sensor = Annotated[
    str, typer.Option(metavar="GLOB", help="Sensors, or single series: disk, 'disk\\[/var*]'.")
]
Label = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=GLOB", help="Only servers with this label (repeatable)."),
]
For = Annotated[
    str | None, typer.Option("--for", metavar="DURATION", help="How long it holds: 2h, 3d.")
]
Starts = Annotated[
    str | None, typer.Option(metavar="TIME", help="When it begins, if not now: 22:00.")
]
Ends = Annotated[str | None, typer.Option(metavar="TIME", help="When it ends: '2026-11-29 22:00'.")]
Weekly = Annotated[
    str | None,
    typer.Option(metavar="DAYS", help="Only on these days, between --from and --to: sat,sun."),
]
From = Annotated[str | None, typer.Option("--from", metavar="HH:MM", help="When a window begins.")]
To = Annotated[
    str | None, typer.Option(metavar="HH:MM", help="When it ends, on the next day if earlier.")
]
Zone = Annotated[
    str | None, typer.Option(metavar="ZONE", help="By whose clock: this machine's, if not.")
]
Everything = Annotated[bool, typer.Option("--everything", help="It is meant to leave nothing out.")]
Preview = Annotated[bool, typer.Option("--preview", help="Only show what it would match.")]
Id = Annotated[int, typer.Argument(metavar="ID", help="As `outkept silence` shows it.")]

silence = typer.Typer(
    invoke_without_command=True,
    help="List silences, add one, end one. While one holds, nobody is told and nothing reacts.\n\n"
    "Example: outkept silence add --server 'db*' --sensor disk --for 2h --reason 'disk swap'",
)


@silence.callback()
@asking
def list_(
    asked: Asked,
    context: typer.Context,
    all_: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
) -> None:
    """List the silences that hold or will.

    Example: outkept silence --all
    """
    if context.invoked_subcommand is not None:
        if all_ or asked != Asked():
            fail(f"write the options behind `{context.invoked_subcommand}`", USAGE)
        return
    found = ask_list(asked.daemon(), "silences", MOST)
    shown = [one for one in found if all_ or one.get("state") != SilenceState.EXPIRED]
    nothing = "Nothing is silenced."
    print_list(shown, _COLUMNS, map(_row, shown), nothing=nothing, as_json=asked.as_json)


@silence.command()
@asking
def add(
    asked: Asked,
    reason: Reason,
    server: Server = "*",
    sensor: Sensor = "*",
    label: Label = None,
    for_: For = None,
    starts: Starts = None,
    ends: Ends = None,
    weekly: Weekly = None,
    from_: From = None,
    to: To = None,
    zone: Zone = None,
    everything: Everything = False,
    preview: Preview = False,
) -> None:
    """Silence some sensors on some servers, for a time or in the same hours of each week.

    Example: outkept silence add --label site=lisbon --weekly sun --from 02:00 --to 04:00
    --reason backup
    """
    if server == sensor == "*" and not label and not everything:
        fail("this would silence everything; add --everything if that is meant", USAGE)
    body: Json = {
        "server": server,
        "sensor": sensor,
        "labels": dict(map(_label, label or ())),
        "starts": moment("--starts", starts),
        "ends": moment("--ends", ends),
        "for": lasting("--for", for_),
        "reason": reason,
        "everything": everything,
        "weekly": _weekly(weekly, from_, to, zone),
    }
    path = "silences/preview" if preview else "silences"
    found = tell(asked.daemon(Role.OPERATOR), "POST", path, body)
    if asked.as_json:
        print_json(found)
    else:
        _say("It would silence" if preview else f"Silence {found.get('id')}:", found)


@silence.command()
@asking
def end(asked: Asked, id_: Id) -> None:
    """End a silence now.

    Example: outkept silence end 3
    """
    ended = tell(asked.daemon(Role.OPERATOR), "DELETE", f"silences/{id_}")
    if asked.as_json:
        print_json(ended)
    else:
        typer.echo(f"Silence {id_} is over: {_what(ended)}")


def _say(of: str, found: Json) -> None:
    """What a silence is of, how long it holds, and what it matches now."""
    until = f"until {_until(found) or 'it is ended'}"
    typer.echo(f"{of} {_what(found)}, {until}{_on(_window(found))}")
    if found.get("servers") == 0:
        typer.echo("It matches nothing that is there now.", err=True)
    else:
        typer.echo(f"It matches now: {_matched(found)}")


def _label(text: str) -> tuple[str, str]:
    name, sign, glob = text.partition("=")
    if not (name and sign and glob):
        fail(f"--label: {text!r} is no label; write it as NAME=GLOB, such as site=lisbon", USAGE)
    return name, glob


def _weekly(days: str | None, from_: str | None, to: str | None, zone: str | None) -> Json | None:
    if days is None:
        if from_ or to or zone:
            fail("--from, --to and --zone go with --weekly", USAGE)
        return None
    if not (from_ and to):
        fail("--weekly needs --from and --to, such as --from 22:00 --to 02:00", USAGE)
    names = [day.strip().lower()[:3] for day in days.split(",")]
    return {"days": names, "from": from_, "to": to, "zone": zone or own_zone()}


def _row(one: Json) -> tuple[Text, ...]:
    return (
        cell(one.get("id"), "bold"),
        cell(one.get("state"), "" if one.get("holds") else "dim"),
        cell(_what(one)),
        cell(_until(one) or "it is ended"),
        cell(_window(one)),
        cell(one.get("author")),
        cell(one.get("reason")),
    )


def _what(one: Json) -> str:
    labels = one.get("labels")
    where = [] if one.get("server") == "*" else [str(one.get("server"))]
    if isinstance(labels, dict):
        where += [f"{name}={glob}" for name, glob in labels.items()]
    sensor = "everything" if one.get("sensor") == "*" else str(one.get("sensor"))
    return harmless(f"{sensor} on {', '.join(where)}" if where else sensor)


def _until(one: Json) -> str:
    return clock_time(one.get("ends"), "%Y-%m-%d %H:%M")


def _window(one: Json) -> str:
    weekly = one.get("weekly")
    if not isinstance(weekly, dict):
        return ""
    days = weekly.get("days")
    on = ",".join(map(str, days)) if isinstance(days, list) else ""
    return harmless(f"{on} {weekly.get('from')}-{weekly.get('to')} {weekly.get('zone')}")


def _on(window: str) -> str:
    return f", on {window}" if window else ""


def _matched(found: Json) -> str:
    first = found.get("first")
    names = [str(one.get("hostname")) for one in first] if isinstance(first, list) else []
    more = ", …" if len(names) > _SHOWN else ""
    listed = f" ({', '.join(names[:_SHOWN])}{more})" if names else ""
    servers = "1 server" if found.get("servers") == 1 else f"{found.get('servers')} servers"
    return harmless(f"{found.get('series')} series of {servers}{listed}")
