"""Which verbs there are. One is loaded when it is called: what the daemon is made of takes half a
second to load, and most verbs need none of it."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group


@dataclass(frozen=True, slots=True)
class Verb:
    """Where a verb is defined (`module:name`), and what the list of verbs says of it: what its own
    help begins with."""

    place: str
    summary: str


VERBS = {
    "run": Verb(
        "run:run",
        "Sweep ranges, read every sensor of every server found, react, and serve the dashboard.",
    ),
    "demo": Verb(
        "demo:demo",
        "Watch a simulated company of servers, with things going wrong, in the real daemon.",
    ),
    "check": Verb(
        "check:check",
        "Validate the configuration, the sensor library with its examples, and the keys.",
    ),
    "replay": Verb(
        "replay:replay",
        "Say what thresholds and reactions would have made of the readings that are recorded.",
    ),
    "sweep": Verb(
        "sweep:sweep",
        "Look once who is there: log in wherever an SSH server answers, and print what it is.",
    ),
    "try": Verb(
        "try_:try_",
        "Log in once and try sensors: which apply, what they say, how long they take, and why not.",
    ),
    "top": Verb(
        "top:top",
        "Watch a running daemon: what needs attention, the worst first, as it happens.",
    ),
    "servers": Verb(
        "ask:servers", "List the servers of a running daemon, and what is wrong with each."
    ),
    "events": Verb("ask:events", "List what happened, newest first."),
    "incidents": Verb(
        "incidents:incidents", "List what is wrong, and what was: open incidents first."
    ),
    "ack": Verb(
        "incidents:ack",
        "Take an incident on: until it has recovered nobody is reminded, and nothing reacts.",
    ),
    "note": Verb("incidents:note", "Write a note to an incident, also to one that is over."),
    "actions": Verb("ask:actions", "List the reactions that ran, or would have, newest first."),
    "overrides": Verb(
        "overrides:overrides",
        "Show which servers each override touches, and what becomes of their sensors.",
    ),
    "notices": Verb(
        "notices:notices",
        "List what was told to whom, newest first, and whether it got there.",
    ),
    "notify": Verb(
        "notify:notify",
        "List who is told of incidents, or send each a test. No daemon needs to run.",
    ),
    "react": Verb(
        "react:react",
        "Run a sensor's reaction on servers, guarded, and print what comes of it as it comes.",
    ),
    "token": Verb(
        "token:token",
        "Print a token for the daemon of a state directory, for `Authorization: Bearer`.",
    ),
    "silence": Verb(
        "silence:silence",
        "List silences, add one, end one. While one holds, nobody is told and nothing reacts.",
    ),
    "user": Verb("user:user", "Say who may sign in to the dashboard, and what they may do there."),
    "reactions": Verb(
        "reactions:reactions",
        "See how reactions stand, stop and resume all of them, release what is latched.",
    ),
}
"""In the order in which they are listed."""


class Verbs(TyperGroup):
    """Verbs of which only the one that is called is loaded; the others are names to list."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The verb that `args` begin with, loaded, and what is behind it."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command if name is None else load(name), rest


def load(name: str) -> Any:
    """The verb `name` as typer makes a command of it."""
    module, _, attribute = VERBS[name].place.partition(":")
    found = getattr(import_module(f"outkept.cli.{module}"), attribute)
    alone = typer.Typer()
    if isinstance(found, typer.Typer):
        alone.add_typer(found, name=name)
    else:
        alone.command(name)(found)
    return get_group(alone).commands[name]
