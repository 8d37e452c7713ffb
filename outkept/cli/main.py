"""All verbs of the command line."""

from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from outkept import __version__

VERBS = {
    "run": "run",
    "demo": "demo",
    "check": "check",
    "replay": "replay",
    "sweep": "sweep",
    "try": "try_",
    "top": "top",
    "servers": "ask",
    "events": "ask",
    "incidents": "incidents",
    "ack": "incidents",
    "note": "incidents",
    "actions": "ask",
    "overrides": "overrides",
    "notices": "notices",
    "notify": "notify",
    "react": "react",
    "token": "token",
    "silence": "silence",
    "user": "user",
    "reactions": "reactions",
}
"""In the order of the help, each with the module of `outkept.cli` that it is in."""


class _Verbs(TyperGroup):
    """Loads a verb when it is named: all of them take a second to load, and what asks a daemon
    a quarter of that."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all verbs; none is loaded."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A verb, or None. For a name that is none, all are loaded: similar ones are looked for
        among them."""
        for name in [cmd_name] if cmd_name in VERBS else VERBS:
            if name not in self.commands:
                self.commands[name] = _loaded(name)
        return super().get_command(ctx, cmd_name)


def _loaded(name: str) -> Any:
    # `try` is a keyword: its function has an underscore behind the name.
    verb = getattr(import_module(f"outkept.cli.{VERBS[name]}"), "try_" if name == "try" else name)
    alone = typer.Typer(add_completion=False)
    if isinstance(verb, typer.Typer):
        alone.add_typer(verb, name=name)
    else:
        alone.command(name)(verb)
    return typer.main.get_group(alone).commands[name]


app = typer.Typer(
    cls=_Verbs,
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
