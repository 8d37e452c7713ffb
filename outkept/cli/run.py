"""`outkept run`: the daemon."""

import logging
from collections.abc import Callable, Coroutine
from typing import Any

from outkept.app.heap import set_aside
from outkept.app.start import StartError
from outkept.app.start import run as run_daemon
from outkept.cli import options
from outkept.cli.errors import fail
from outkept.cli.loop import until_done
from outkept.cli.plan import make_plan
from outkept.cli.watch import watch


def run(
    ranges: options.Ranges = None,
    config: options.Config = None,
    user: options.User = None,
    key: options.Keys = None,
    port: options.Ports = None,
    exclude: options.Exclude = None,
    rate: options.Rate = None,
    state: options.State = None,
    listen: options.Listen = None,
) -> None:
    """Sweep ranges, read every sensor of every server found, react, and serve the dashboard.

    Example: outkept run 10.0.0.0/24 --user ops --key ~/.ssh/id_ed25519
    """
    path, over = options.source(
        config,
        ranges,
        user=user,
        key=key,
        port=port,
        exclude=exclude,
        rate=rate,
        state=state,
        listen=listen,
    )
    plan = make_plan(path, over)
    until_stopped(lambda: run_daemon(plan, watch))


def until_stopped(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `main` until SIGINT or SIGTERM, both of which are a normal end."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    set_aside()
    try:
        until_done(main)
    except StartError as error:
        fail(str(error))
