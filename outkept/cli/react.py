"""`outkept react`: have a sensor's reaction run on servers, and see what comes of it."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

import typer
from rich.text import Text

from outkept.cli.api import (
    Daemon,
    DaemonError,
    Json,
    RefusedError,
    UsageError,
    ask,
    follow,
    tell,
)
from outkept.cli.daemon import Asked, asking
from outkept.cli.errors import FAILED, INTERRUPTED, USAGE, fail
from outkept.cli.render import cell, figure, harmless, print_json, print_table, worded
from outkept.serve.auth import Role

SILENCE_S = 60.0
"""Without a line for so long the daemon is not there any more: it says every quarter of a minute
that a run goes on."""
TRIES = 3
"""With --yes: how often what would run may change between the look and the start."""
MOST_COMMANDS = 5
"""Commands that are shown, where servers have different ones."""
LONGEST_LINE = 10_000
"""Characters of a line that are waited for before it is printed in pieces."""

_CONFLICT = 409


On = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SERVER", help="Where: hostname, id, address, or a glob of them (repeatable)."
    ),
]
Label = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=GLOB", help="Only where a label is so (repeatable)."),
]
Instance = Annotated[
    str | None, typer.Option(metavar="NAME", help="Of this instance of the sensor.")
]
Fallback = Annotated[
    bool, typer.Option("--fallback", help="Run the second step, the sensor's fallback.")
]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why; it is kept with what is run.")]
Override = Annotated[
    list[str] | None,
    typer.Option(
        metavar="GUARD", help="blind, latch, cooldown or share is not to hold it (repeatable)."
    ),
]
Preview = Annotated[bool, typer.Option("--preview", help="Only show what would run.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]


@asking
def react(
    asked: Asked,
    sensor: Annotated[str, typer.Argument(metavar="SENSOR", help="Whose reaction is run.")],
    on: On = None,
    label: Label = None,
    instance: Instance = None,
    fallback: Fallback = False,
    reason: Reason = "",
    override: Override = None,
    preview: Preview = False,
    yes: Yes = False,
) -> None:
    """Run a sensor's reaction on servers, guarded, and print what comes of it as it comes.

    What would run is shown first. Ctrl-C lets nothing more begin; once more leaves.

    Example: outkept react nginx --on 'web*' --reason "stuck after the deploy"
    """
    wanted = {
        "sensor": sensor,
        "instance": instance,
        "step": 2 if fallback else 1,
        "select": _selection(on or [], label or []),
        "override": override or [],
        "reason": reason.strip(),
    }
    if not preview:
        _check_start(wanted, asks=not yes, as_json=asked.as_json)
    daemon = asked.daemon(Role.OPERATOR)
    if preview:
        _show(_look(daemon, wanted), asked.as_json)
    else:
        run = _begun(daemon, wanted, asks=not yes, quiet=asked.as_json)
        raise typer.Exit(_followed(daemon, run, asked.as_json))


def _check_start(wanted: Json, *, asks: bool, as_json: bool) -> None:
    """What can be wrong before a daemon is looked for; ends the process if it is."""
    if not wanted["reason"]:
        fail("say why it is run: --reason TEXT; it is kept with what is run", USAGE)
    if asks and (as_json or not sys.stdin.isatty()):
        fail("nobody can be asked here; look with --preview, then run it with --yes", USAGE)


def _selection(on: list[str], labels: list[str]) -> Json:
    if not on and not labels:
        fail("name the servers: --on SERVER, --label NAME=GLOB, or --on '*' for all", USAGE)
    pairs = [label.partition("=") for label in labels]
    for (name, sign, _), label in zip(pairs, labels, strict=True):
        if not name or not sign:
            fail(f"--label {label!r}: write it as NAME=GLOB, such as site=lisbon", USAGE)
    return {"names": on, "labels": {name: glob for name, _, glob in pairs}}


def _look(daemon: Daemon, wanted: Json) -> Json:
    return _asked(daemon, wanted | {"preview": True})


def _asked(daemon: Daemon, body: Json) -> Json:
    try:
        return tell(daemon, "POST", "runs", body)
    except RefusedError as error:
        if error.status in (404, 422):
            raise UsageError(str(error)) from None
        raise


def _begun(daemon: Daemon, wanted: Json, *, asks: bool, quiet: bool) -> Json:
    """The run, once somebody has said yes to exactly that."""
    for left in reversed(range(TRIES)):
        seen = _look(daemon, wanted)
        if not quiet:
            _show(seen, as_json=False)
        if not seen.get("would_run"):
            fail("nothing would run", FAILED)
        if asks and not _agreed(f"Run it on {_servers(seen['would_run'])}?"):
            fail("nothing was run", FAILED)
        try:
            return tell(
                daemon,
                "POST",
                "runs",
                wanted | {"preview": False, "confirm": seen.get("confirm")},
            )
        except RefusedError as error:
            if error.status != _CONFLICT or not left:
                raise
            typer.echo("What would run has changed meanwhile; look again.", err=True)
    raise AssertionError


def _agreed(question: str) -> bool:
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        # Ctrl-C or Ctrl-D, which leave the line of the question open.
        typer.echo(err=True)
        return False


def _show(seen: Json, as_json: bool) -> None:
    if as_json:
        print_json(seen)
        return
    servers = [one for one in seen.get("servers", []) if isinstance(one, dict)]
    commands = seen.get("commands")
    for command in commands[:MOST_COMMANDS] if isinstance(commands, list) else ():
        lines = str(command).strip().split("\n")
        typer.echo(
            "The command:" if len(lines) > 1 else f"The command: {harmless(lines[0])}", err=True
        )
        for line in lines if len(lines) > 1 else ():
            typer.echo(f"  {harmless(line)}", err=True)
    for glob in seen.get("unmatched", []):
        typer.echo(f"No server is called {harmless(glob)}.", err=True)
    print_table(("WOULD", "SERVER", "STATUS", "VALUE", "WHY"), [_row(one) for one in servers])


def _row(one: Json) -> tuple[Text, ...]:
    would = one.get("would")
    warnings = one.get("warnings")
    said = [one.get("reason"), *(warnings if isinstance(warnings, list) else [])]
    return (
        cell(would, "green" if would == "run" else "yellow"),
        cell(one.get("hostname"), "bold"),
        worded(str(one.get("status") or "")),
        cell(figure(one.get("value"))),
        cell("; ".join(str(text) for text in said if text)),
    )


def _followed(daemon: Daemon, run: Json, as_json: bool) -> int:
    """Print what comes of a run until its end; the exit status."""
    path = f"runs/{run.get('id')}"
    printer, end = _Printer(quiet=as_json), None
    with _stopping(daemon, path) as stopped:
        for line in follow(daemon, f"{path}/live", SILENCE_S):
            if line.get("type") == "end":
                end = line.get("run")
            else:
                printer.take(line)
    if not isinstance(end, dict):
        raise DaemonError(f"{daemon.url} ended before the run did; see `outkept actions`")
    if as_json:
        print_json(ask(daemon, path))
    typer.echo(_summary(end), err=True)
    if stopped():
        return INTERRUPTED
    return FAILED if _went_wrong(end, held_before=_count(run, "held")) else 0


class _Printer:
    """Prints what servers print, a whole line at a time with the server's name before it, and how
    each of them ended."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._names: dict[str, str] = {}
        self._begun: dict[str, str] = {}

    def take(self, line: Json) -> None:
        """A line of the run's stream."""
        server = str(line.get("server"))
        if self._quiet or line.get("type") not in ("state", "output"):
            return
        if server not in self._names:
            self._names[server] = self._name(server, harmless(line.get("hostname") or server))
        if line.get("type") == "output":
            self._print(server, str(line.get("text")))
        elif line.get("state") not in ("waiting", "running"):
            self._end(server, line)

    def _name(self, server: str, hostname: str) -> str:
        return f"{hostname} ({harmless(server)})" if hostname in self._names.values() else hostname

    def _print(self, server: str, text: str) -> None:
        text = self._begun.pop(server, "") + text
        # The last piece is no whole line yet, however it ends.
        lines = text.replace("\r\n", "\n").split("\n")
        begun = lines.pop()
        if len(begun) > LONGEST_LINE:
            lines.append(begun)
        elif begun:
            self._begun[server] = begun
        for line in lines:
            typer.echo(f"{self._names[server]}: {harmless(line)}")

    def _end(self, server: str, line: Json) -> None:
        if server in self._begun:
            typer.echo(f"{self._names[server]}: {harmless(self._begun.pop(server))}")
        said = harmless(line.get("state"))
        if line.get("status") is not None:
            said += f", exit status {harmless(line['status'])}"
        if line.get("reason"):
            said += f": {harmless(line['reason'])}"
        if line.get("dropped"):
            said += f" ({harmless(line['dropped'])} characters of output were not kept)"
        typer.echo(f"{self._names[server]}: {said}", err=True)


@contextmanager
def _stopping(daemon: Daemon, path: str) -> Iterator[Callable[[], bool]]:
    """Have the first Ctrl-C let nothing more begin, and the second one leave; gives whether there
    was one."""
    pressed: list[int] = []

    def press(number: int, frame: FrameType | None) -> None:
        if pressed:
            raise typer.Exit(INTERRUPTED)
        pressed.append(number)
        try:
            left = _count(tell(daemon, "DELETE", path), "running")
        except DaemonError as error:
            typer.echo(f"The run can't be stopped: {harmless(error)}", err=True)
            return
        typer.echo(f"Nothing more begins; it still runs on {_servers(left)}.", err=True)

    before = signal.signal(signal.SIGINT, press)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)


def _summary(run: Json) -> str:
    counts = run.get("counts")
    found = counts.items() if isinstance(counts, dict) else ()
    parts = [f"{harmless(count)} {harmless(state)}" for state, count in found if count]
    failed = run.get("failed")
    return ", ".join(parts) + (f"; {harmless(failed)} failed" if failed else "")


def _went_wrong(run: Json, *, held_before: int) -> bool:
    bad = sum(_count(run, state) for state in ("not sent", "unknown", "stopped"))
    return bool(run.get("failed") or bad or _count(run, "held") > held_before)


def _count(run: Json, state: str) -> int:
    counts = run.get("counts")
    found = counts.get(state) if isinstance(counts, dict) else None
    return found if isinstance(found, int) else 0


def _servers(count: object) -> str:
    return "1 server" if count == 1 else f"{harmless(count)} servers"
