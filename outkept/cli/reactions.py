"""`outkept reactions`: how reactions stand, the kill switch, and the release of latches."""

from collections.abc import Callable
from typing import Annotated
from urllib.parse import quote

import typer
from rich.text import Text

from outkept.cli.api import Json, ask, tell
from outkept.cli.daemon import Asked, asking
from outkept.cli.names import id_of
from outkept.cli.render import cell, clock_time, harmless, print_json, print_table
from outkept.config.durations import format_duration
from outkept.serve.auth import Role

reactions = typer.Typer(
    help="See how reactions stand, stop and resume all of them, release what is latched.\n\n"
    "Example: outkept reactions show",
)


@reactions.command()
@asking
def show(asked: Asked) -> None:
    """Show the mode, whether all are stopped, what is latched, what runs, and the caps.

    Example: outkept reactions show
    """
    _print(ask(asked.daemon(), "reactions"), asked.as_json)


@reactions.command()
@asking
def stop(
    asked: Asked,
    reason: Annotated[str, typer.Argument(metavar="REASON", help="Why; people see it.")],
) -> None:
    """Stop all reactions at once and over restarts, until somebody resumes them.

    What runs already goes on to its end.

    Example: outkept reactions stop "moving the racks"
    """
    daemon = asked.daemon(Role.OPERATOR)
    _print(tell(daemon, "PUT", "reactions/stop", {"reason": reason}), asked.as_json)


@reactions.command()
@asking
def resume(asked: Asked) -> None:
    """Let reactions run again. What was held meanwhile stays undone.

    Example: outkept reactions resume
    """
    _print(tell(asked.daemon(Role.OPERATOR), "DELETE", "reactions/stop"), asked.as_json)


@reactions.command()
@asking
def release(
    asked: Asked,
    server: Annotated[str, typer.Argument(metavar="SERVER", help="Hostname, address or id.")],
    sensor: Annotated[str, typer.Argument(metavar="SENSOR", help="The sensor's name.")],
) -> None:
    """Let the reactions of a sensor that is latched on a server run again.

    Example: outkept reactions release web1 apache
    """
    daemon = asked.daemon(Role.OPERATOR)
    named = (id_of(daemon, server) or server, sensor)
    path = "/".join(quote(part, safe="") for part in named)
    _print(tell(daemon, "DELETE", f"reactions/latches/{path}"), asked.as_json)


def _print(found: Json, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    stopped = found.get("stopped")
    if isinstance(stopped, dict):
        since = clock_time(stopped.get("at"))
        typer.echo(
            f"All reactions are stopped since {since} by {harmless(stopped.get('by'))}:"
            f" {harmless(stopped.get('reason'))}"
        )
    rules = found.get("rules") or 0
    besides = f", besides {rules} rule{'s' if rules != 1 else ''}" if rules else ""
    typer.echo(f"Mode: {harmless(found.get('mode'))}{besides}")
    typer.echo(_caps(found))
    _table("LATCHED", ("SINCE", "SERVER", "SENSOR", "WHY"), found.get("latches"), _latch_row)
    _table("RUNNING", ("SINCE", "SERVER", "SENSOR", "STEP", "BY"), found.get("running"), _run_row)
    _table("HELD FOR NOW", ("SERVER", "SENSOR", "BY"), found.get("held"), _held_row)


def _caps(found: Json) -> str:
    at_once, share = found.get("at_once") or {}, found.get("share") or {}
    fleet = share.get("fleet") or {}
    within = format_duration(float(share.get("within") or 0))
    text = (
        f"Servers reacted on: {at_once.get('now')} of {at_once.get('most')} at once,"
        f" {fleet.get('now')} of {fleet.get('most')} within {within}"
    )
    for one in share.get("labels") or ():
        name = harmless(f"{one.get('label')}={one.get('value')}")
        text += f", {one.get('now')} of {one.get('most')} of {name}"
    return text


Row = Callable[[Json], tuple[Text, ...]]


def _table(title: str, columns: tuple[str, ...], rows: object, row: Row) -> None:
    if isinstance(rows, list) and rows:
        typer.echo(f"\n{title}")
        print_table(columns, [row(one) for one in rows])


def _latch_row(one: Json) -> tuple[Text, ...]:
    return (
        cell(clock_time(one.get("at")), "dim"),
        cell(one.get("hostname"), "bold"),
        cell(one.get("sensor")),
        cell(one.get("reason")),
    )


def _run_row(one: Json) -> tuple[Text, ...]:
    return (
        cell(clock_time(one.get("since")), "dim"),
        cell(one.get("hostname"), "bold"),
        cell(_label(one)),
        cell(one.get("step")),
        cell(one.get("by")),
    )


def _held_row(one: Json) -> tuple[Text, ...]:
    return (cell(one.get("hostname"), "bold"), cell(_label(one)), cell(one.get("guard")))


def _label(one: Json) -> str:
    instance = one.get("instance")
    return f"{one.get('sensor')}" + (f"[{instance}]" if instance is not None else "")
