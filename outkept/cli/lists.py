"""Lists that a daemon is asked for, and how lists are printed."""

from collections.abc import Iterable, Sequence
from typing import Annotated

import typer
from rich.text import Text

from outkept.cli.api import PAGE, Daemon, Json, ask_list
from outkept.cli.render import print_json, print_table

MOST = 100_000
"""Items a verb prints at most: what a person can't read and a program should page."""

Limit = Annotated[int, typer.Option(metavar="N", min=1, max=MOST, help="Most to print.")]


def first(
    daemon: Daemon, path: str, limit: int, page: int = PAGE, **query: str | None
) -> list[Json]:
    """The first `limit` items of a list whose pages have at most `page`. One more is asked for, so
    that a cut list is said to be cut. Raises DaemonError."""
    found = ask_list(daemon, path, limit + 1, page, **query)
    if len(found) > limit:
        typer.echo(f"The first {limit:,} are shown; --limit gives more.", err=True)
    return found[:limit]


def print_list(
    items: Sequence[object],
    columns: Sequence[str],
    rows: Iterable[Sequence[Text]],
    *,
    nothing: str,
    as_json: bool,
) -> None:
    """Print `items` as JSON, or the `rows` made of them as a table, which are iterated only then.
    `nothing` is said on stderr of an empty list, which has no lines."""
    if as_json:
        print_json(items)
    elif items:
        print_table(columns, rows)
    else:
        typer.echo(nothing, err=True)
