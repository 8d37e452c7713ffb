"""`outkept notices`: what a running daemon told whom."""

import time
from typing import Annotated

import typer
from rich.text import Text

from outkept.cli.api import Json
from outkept.cli.daemon import Asked, asking
from outkept.cli.lists import MOST, Limit, first, print_list
from outkept.cli.render import cell, clock_time, seconds
from outkept.model.notice import DeliveryState

_NOTICES = ("TIME", "TARGET", "STATUS", "TITLE", "ERROR")
_TARGETS = ("TARGET", "KIND", "STATUS", "QUEUED", "LAST SENT", "ERROR")
_STYLES = {"sent": "green", "ok": "green", "waiting": "yellow", "given_up": "red", "failing": "red"}


@asking
def notices(
    asked: Asked,
    target: Annotated[
        str | None, typer.Option("--target", metavar="NAME", help="Only to this target.")
    ] = None,
    status: Annotated[DeliveryState | None, typer.Option(help="Only with this status.")] = None,
    targets: Annotated[
        bool, typer.Option("--targets", help="List the targets instead, and how they stand.")
    ] = False,
    limit: Limit = 100,
) -> None:
    """List what was told to whom, newest first, and whether it got there.

    Example: outkept notices --target ops --status waiting
    """
    daemon = asked.daemon()
    if targets:
        found, nothing = first(daemon, "targets", MOST), "No target is configured."
        rows = map(_target_row, found)
    else:
        word = None if status is None else status.value
        found, nothing = first(daemon, "notices", limit, target=target, state=word), "No notices."
        rows = map(_notice_row, found)
    columns = _TARGETS if targets else _NOTICES
    print_list(found, columns, rows, nothing=nothing, as_json=asked.as_json)


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
