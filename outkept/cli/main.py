"""All verbs of the command line."""

from typing import Annotated

import typer

from outkept import __version__
from outkept.cli.ask import actions, events, servers
from outkept.cli.check import check
from outkept.cli.demo import demo
from outkept.cli.incidents import ack, incidents, note
from outkept.cli.notices import notices
from outkept.cli.notify import notify
from outkept.cli.overrides import overrides
from outkept.cli.react import react
from outkept.cli.reactions import reactions
from outkept.cli.replay import replay
from outkept.cli.run import run
from outkept.cli.silence import silence
from outkept.cli.sweep import sweep
from outkept.cli.token import token
from outkept.cli.top import top
from outkept.cli.try_ import try_
from outkept.cli.user import user

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Find servers over SSH, read their sensors, react when one trips. No agent needed.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"outkept {__version__}")
        raise typer.Exit


@app.callback()
def _outkept(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """The options before any verb."""


of_a_daemon = (top, servers, events, incidents, ack, note, actions, overrides, notices)
for verb in (run, demo, check, replay, sweep, try_, *of_a_daemon, notify, react, token):
    # `try` is a keyword: its function has an underscore behind the name.
    app.command(name=verb.__name__.rstrip("_"))(verb)
app.add_typer(silence, name="silence")
app.add_typer(user, name="user")
app.add_typer(reactions, name="reactions")
