"""`outkept notices`: what a running daemon told whom."""

import time
from typing import Annotated

import typer
from rich.text import Text

from outkept.cli import options
from outkept.cli.api import DaemonError, Json, ask_list
from outkept.cli.ask import MOST, Limit
from outkept.cli.daemon import Token, Url, daemon_of, give_up
from outkept.cli.render import cell, clock_time, print_json, print_table, seconds
from outkept.model.notice import DeliveryState

_NOTICES = ("TIME", "TARGET", "STATUS", "TITLE", "ERROR")
_TARGETS = ("TARGET", "KIND", "STATUS", "QUEUED", "LAST SENT", "ERROR")
_STYLES = {"sent": "green", "ok": "green", "waiting": "yellow", "given_up": "red", "failing": "red"}


def notices(
    target: Annotated[
        str | None, typer.Option("--target", metavar="NAME", help="Only to this target.")
    ] = None,
    status: Annotated[DeliveryState | None, typer.Option(help="Only with this status.")] = None,
    targets: Annotated[
        bool, typer.Option("--targets", help="List the targets instead, and how they stand.")
    ] = False,
    limit: Limit = 100,
    url: Url = None,
    token: Token = None,
    state: options.State = None,
    config: options.Config = None,
    as_json: options.Json = False,
) -> None:
    """List what was told to whom, newest first, and whether it got there.

    Example: outkept notices --target ops --status waiting
    """
    daemon = daemon_of(url, token, state, config)
    word = None if status is None else status.value
    try:
        if targets:
            found = ask_list(daemon, "targets", MOST)
        else:
            found = ask_list(daemon, "notices", limit, target=target, state=word)
    except DaemonError as error:
        give_up(error)
    if as_json:
        print_json(found)
    elif not found:
        typer.echo("No target is configured." if targets else "No notices.", err=True)
    elif targets:
        print_table(_TARGETS, [_target_row(one) for one in found])
    else:
        print_table(_NOTICES, [_notice_row(one) for one in found])


def _notice_row(notice: Json) -> tuple[Text, ...]:
    state = str(notice.get("state"))
    return (
        cell(clock_time(notice.get("at")), "dim"),
        cell(notice.get("target"), "bold"),
        cell(state, _STYLES.get(state, "")),
        cell(notice.get("title")),
        cell(notice.get("error")),
    )


def _target_row(target: Json) -> tuple[Text, ...]:
    state, since = str(target.get("state")), target.get("failing_since")
    lasts = f" for {seconds(time.time() - since)}" if isinstance(since, int | float) else ""
    return (
        cell(target.get("name"), "bold"),
        cell(target.get("kind")),
        cell(f"{state}{lasts}", _STYLES.get(state, "")),
        cell(target.get("queued")),
        cell(clock_time(target.get("last_sent")), "dim"),
        cell(target.get("error")),
    )
