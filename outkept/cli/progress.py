"""A progress bar on stderr, where somebody sees it."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

REDRAW_S = 0.1


@dataclass(frozen=True, slots=True)
class Step:
    """How far it has come: `done` of `total`, and the same in words."""

    done: float
    total: float
    said: str


@asynccontextmanager
async def progress_bar(title: str, step: Callable[[], Step]) -> AsyncIterator[None]:
    """Show how far `step` says it has come, for the time of the context; it leaves no trace.

    Without a terminal at stderr nothing is shown.
    """
    if not sys.stderr.isatty():
        yield
        return
    columns = (
        TextColumn(title, markup=False),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[said]}", markup=False),
    )
    console = Console(stderr=True, highlight=False)
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as bar:
        task = bar.add_task("", said="")

        async def redraw() -> None:
            while True:
                now = step()
                bar.update(task, completed=now.done, total=now.total, said=now.said, refresh=True)
                await asyncio.sleep(REDRAW_S)

        async with asyncio.TaskGroup() as group:
            drawing = group.create_task(redraw())
            try:
                yield
            finally:
                drawing.cancel()


@contextmanager
def progress_of_work(title: str) -> Iterator[Callable[[int, int], None]]:
    """The same for work that holds up the thread, with the time that is left: it calls what is
    given here with how much is done of how much."""
    if not sys.stderr.isatty():
        yield lambda done, of: None
        return
    columns = (
        TextColumn(title, markup=False),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=Console(stderr=True, highlight=False), transient=True
    ) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, of: progress.update(task, completed=done, total=of)
