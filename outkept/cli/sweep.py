"""`outkept sweep`: who is there? Once, without a daemon."""

import sys
from enum import StrEnum
from typing import Annotated

import typer
import yaml
from rich.text import Text

from outkept.app.inventories import as_ansible, as_json
from outkept.app.once import one_shot_client
from outkept.app.start import StartError
from outkept.app.survey import Found, Survey, addresses, ports
from outkept.cli import options
from outkept.cli.errors import INTERRUPTED, fail
from outkept.cli.loop import until_done
from outkept.cli.plan import make_plan
from outkept.cli.progress import Step, progress_bar
from outkept.cli.render import cell, print_json, print_table, seconds, worded
from outkept.model.address import AddressOutcome
from outkept.model.sweep import SweepProgress

COLUMNS = ("ADDRESS", "PORT", "OUTCOME", "HOSTNAME", "OS", "SSH SERVER", "REASON")


class Format(StrEnum):
    """How the result is printed."""

    TABLE = "table"
    JSON = "json"
    ANSIBLE = "ansible"


def sweep(
    ranges: options.Ranges = None,
    config: options.Config = None,
    user: options.User = None,
    key: options.Keys = None,
    port: options.Ports = None,
    exclude: options.Exclude = None,
    rate: options.Rate = None,
    format_: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.TABLE,
    as_json_: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Look once who is there: log in wherever an SSH server answers, and print what it is.

    One machine is one line, with all its addresses. Progress goes to stderr, the result to
    stdout. Host keys are trusted on first use and not remembered, unless -c names a
    configuration with a state directory.

    Example: outkept sweep 10.0.0.0/24 --user ops --format ansible > inventory.yaml
    """
    path, over = options.source(
        config, ranges, user=user, key=key, port=port, exclude=exclude, rate=rate
    )
    plan = make_plan(path, over)
    try:
        survey = Survey(plan, one_shot_client(plan, keep=path is not None))
    except StartError as error:
        fail(str(error))
    finished = until_done(lambda: _run(survey))
    _print(survey.found(), Format.JSON if as_json_ else format_)
    _sum_up(survey.progress, len(survey.found()), finished=finished)
    if not finished:
        raise typer.Exit(INTERRUPTED)
    if survey.no_way_out:
        fail(f"nothing could be tried: {survey.no_way_out}; check this machine's network")


async def _run(survey: Survey) -> None:
    async with progress_bar("Sweeping", lambda: _step(survey.progress)):
        await survey.run()


def _step(progress: SweepProgress) -> Step:
    return Step(progress.done, progress.total, describe(progress))


def describe(progress: SweepProgress) -> str:
    """How far a sweep has come, in a line."""
    left = f"{seconds(max(progress.left_s, 1))} left" if progress.left_s is not None else ""
    parts = (
        f"{progress.done:,}/{progress.total:,}",
        f"{progress.rate:,.0f}/s",
        f"{progress.found:,} found",
        left,
    )
    return "  ".join(part for part in parts if part)


def _print(found: list[Found], format_: Format) -> None:
    if format_ is Format.JSON:
        print_json(as_json(found))
    elif format_ is Format.ANSIBLE:
        print(yaml.safe_dump(as_ansible(found), sort_keys=False), end="")
    elif found:
        print_table(COLUMNS, [_row(one) for one in found])


def _row(found: Found) -> tuple[Text, ...]:
    server = found.server
    return (
        cell(", ".join(addresses(found))),
        cell(", ".join(map(str, ports(found)))),
        worded(found.outcome.value),
        cell(server.identity.hostname if server else "", "bold"),
        cell(server.facts.os if server else ""),
        cell(server.facts.ssh_version if server else ""),
        cell(found.reason),
    )


def _sum_up(progress: SweepProgress, lines: int, *, finished: bool) -> None:
    """One line on stderr, so that it is seen and never piped on."""
    what = f"{progress.found:,} servers found" if progress.found else "no servers found"
    if progress.found == 1:
        what = "1 server found"
    outcomes = by_outcome(progress)
    tried = f"{progress.done:,} of {progress.total:,} addresses and ports tried"
    end = "" if finished else "interrupted: "
    gap = "\n" if lines and sys.stderr.isatty() and sys.stdout.isatty() else ""
    typer.echo(f"{gap}{end}{what}; {tried}{f': {outcomes}' if outcomes else ''}", err=True)


def by_outcome(progress: SweepProgress) -> str:
    """How many addresses that are no servers ended how, the most frequent first."""
    outcomes = sorted(progress.outcomes.items(), key=lambda item: -item[1])
    others = (item for item in outcomes if item[0] != AddressOutcome.SERVER)
    return ", ".join(f"{count:,} {word}" for word, count in others)
