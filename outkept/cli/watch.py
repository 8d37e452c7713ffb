"""What a terminal shows while the daemon runs: its address, and how sweeps come along."""

import asyncio

import typer

from outkept.app.start import Progress
from outkept.cli.progress import Step, progress_bar
from outkept.cli.render import seconds
from outkept.cli.sweep import by_outcome, describe
from outkept.model.sweep import SweepProgress

LOOK_EVERY = 0.2


async def watch(link: str, progress: Progress) -> None:
    """Say how to open the page, draw the running sweep, and tell the first of each range, and
    each that finds another number of servers than the last, in a line on stderr."""
    typer.echo(f"Dashboard: {link}   (stop with Ctrl-C)")
    told: set[str] = set()
    found: dict[str, int] = {}
    while True:
        running = next((sweep for sweep in progress() if sweep.finished is None), None)
        if running is not None:
            await _draw(running, progress)
        for sweep in reversed(progress()):
            if sweep.finished is None or sweep.id in told:
                continue
            told.add(sweep.id)
            if found.get(sweep.range) != sweep.found:
                found[sweep.range] = sweep.found
                typer.echo(summary(sweep), err=True)
        told &= {sweep.id for sweep in progress()}
        await asyncio.sleep(LOOK_EVERY)


async def _draw(running: SweepProgress, progress: Progress) -> None:
    def now() -> SweepProgress:
        return next((sweep for sweep in progress() if sweep.id == running.id), running)

    def step() -> Step:
        return Step(now().done, now().total, describe(now()))

    async with progress_bar(f"Sweeping {running.range}", step):
        while True:
            await asyncio.sleep(LOOK_EVERY)
            if now().finished is not None:
                return


def summary(sweep: SweepProgress) -> str:
    """A sweep that ended, in a line."""
    took = seconds((sweep.finished or sweep.started) - sweep.started)
    servers = "1 server" if sweep.found == 1 else f"{sweep.found:,} servers"
    others = by_outcome(sweep)
    return f"Swept {sweep.range} in {took}: {servers}{f'; {others}' if others else ''}"
