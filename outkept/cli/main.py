"""The command line before any verb."""

from typing import Annotated

import typer

from outkept import __version__
from outkept.cli.verbs import VERBS, Verbs

app = typer.Typer(
    cls=Verbs,
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


def _unloaded() -> None:
    """Stands for a verb in the list of them."""


for name, verb in VERBS.items():
    app.command(name, help=verb.summary)(_unloaded)
