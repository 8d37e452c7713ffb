"""`outkept notify`: who is told, and whether notices get there."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from outkept.cli import options
from outkept.cli.errors import FAILED, INTERRUPTED, USAGE, fail, fail_all
from outkept.cli.files import default_file
from outkept.cli.loop import until_done
from outkept.cli.plan import notify_problems
from outkept.cli.render import cell, harmless, print_json, print_table
from outkept.config.load import load
from outkept.config.notify import NotifySettings
from outkept.config.problems import nearest
from outkept.notify.alerts import test_alert
from outkept.notify.build import TargetError, target_of
from outkept.notify.carrier import made_up, sent
from outkept.notify.target import Target
from outkept.notify.thread import OneThread

Names = Annotated[list[str] | None, typer.Argument(metavar="TARGET", help="Only these targets.")]


def notify(
    targets: Names = None,
    test: Annotated[
        bool, typer.Option("--test", help="Send a test to each, and say what came of it.")
    ] = False,
    config: options.Config = None,
    as_json: options.Json = False,
) -> None:
    """List who is told of incidents, or send each a test. No daemon needs to run.

    Example: outkept notify --test ops
    """
    settings = _settings(config)
    chosen = _chosen(settings, targets or [])
    if not chosen:
        fail("no target is configured; add one to notify.targets", USAGE)
    results = dict.fromkeys(chosen, "")
    if test and not until_done(lambda: _send(chosen, settings.timeout, results)):
        raise typer.Exit(INTERRUPTED)
    if as_json:
        print_json([_view(name, chosen[name], results[name], test=test) for name in chosen])
    else:
        columns = ("TARGET", "KIND", "TEST") if test else ("TARGET", "KIND")
        rows = [_row(name, chosen[name], results[name])[: len(columns)] for name in chosen]
        print_table(columns, rows)
    if any(results.values()):
        raise typer.Exit(FAILED)


def _settings(config: Path | None) -> NotifySettings:
    path = config or default_file()
    if path is None:
        fail("there is no configuration here; name it with -c FILE", USAGE)
    loaded = load(path)
    problems = [*loaded.problems, *notify_problems(loaded)]
    if problems or loaded.settings is None:
        fail_all(problems)
    return loaded.settings.notify


def _chosen(settings: NotifySettings, names: list[str]) -> dict[str, Target]:
    for name in names:
        if name not in settings.targets:
            hint = nearest(name, settings.targets)
            fail(f"no target is called {harmless(name)!r}; {hint}", USAGE)
    try:
        return {name: target_of(settings.targets[name]) for name in names or settings.targets}
    except TargetError as error:
        fail(str(error))


async def _send(targets: Mapping[str, Target], timeout: float, results: dict[str, str]) -> None:
    """Put into `results` why each was not sent; empty where it was. All are sent at once."""
    async with asyncio.TaskGroup() as group:
        for name, target in targets.items():
            group.create_task(_send_one(name, target, timeout, results))


async def _send_one(name: str, target: Target, timeout: float, results: dict[str, str]) -> None:
    now = time.time()
    delivery = replace(made_up(name, now), alerts=(test_alert(now),))
    thread = OneThread(f"notify {name}")
    results[name] = await sent(thread, lambda: target.send(delivery), timeout)


def _row(name: str, target: Target, error: str) -> tuple[Text, ...]:
    result = cell(f"failed: {error}", "red") if error else cell("sent", "green")
    return cell(name, "bold"), cell(target.kind), result


def _view(name: str, target: Target, error: str, *, test: bool) -> dict[str, object]:
    known: dict[str, object] = {"name": name, "kind": target.kind}
    return known | ({"sent": not error, "error": error} if test else {})
