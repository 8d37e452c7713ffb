"""`outkept run`: the daemon."""

import logging
from collections.abc import Callable, Coroutine
from typing import Any

from outkept.app.start import Plan, StartError
from outkept.app.start import run as run_daemon
from outkept.cli import options
from outkept.cli.errors import fail
from outkept.cli.loop import until_done
from outkept.cli.plan import default_file, make_plan
from outkept.cli.watch import watch
from outkept.config.commandline import CommandLine


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
    if config is None and not ranges:
        config = default_file()
    command_line = CommandLine(
        ranges=tuple(ranges or ()),
        user=user,
        keys=tuple(key or ()),
        ports=tuple(port or ()),
        exclude=tuple(exclude or ()),
        rate=rate,
        state=state,
        listen=listen,
    )
    serve_until_stopped(make_plan(config, command_line))


def serve_until_stopped(plan: Plan) -> None:
    """Run the daemon of `plan` until SIGINT or SIGTERM; both are a normal end."""
    until_stopped(lambda: run_daemon(plan, watch))


def until_stopped(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `main` until SIGINT or SIGTERM, both of which are a normal end."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        until_done(main)
    except StartError as error:
        fail(str(error))
