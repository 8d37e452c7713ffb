"""`outkept replay`: what thresholds and reactions would have made of recorded history."""

import re
import time
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from outkept.app.replay import Wanted
from outkept.app.replay import replay as walk
from outkept.app.replay_world import Rules, World
from outkept.cli import options
from outkept.cli.errors import INTERRUPTED, USAGE, fail, fail_all
from outkept.cli.files import default_file
from outkept.cli.progress import progress_of_work
from outkept.cli.render import clock_time, print_json
from outkept.cli.replay_view import Outcome, as_json, print_outcome
from outkept.cli.state import ANY_RANGE
from outkept.config.commandline import CommandLine
from outkept.config.durations import parse_duration
from outkept.config.load import Loaded, load
from outkept.config.problems import Mistake
from outkept.model.action import ReactionMode
from outkept.store.errors import StateError, StoreError
from outkept.store.recorded import Recording

_CHANGE = re.compile(r"(.+)\.([a-z_]+)=(.*)", re.DOTALL)
_TIMES = "write it as -7d, now, 2026-11-21, 2026-11-21T14:30 or UNIX seconds"


def replay(
    config: options.Config = None,
    state: options.State = None,
    from_: Annotated[
        str, typer.Option("--from", metavar="TIME", help="Where it begins: -7d, 2026-11-21T14:30.")
    ] = "-7d",
    to: Annotated[str, typer.Option("--to", metavar="TIME", help="Where it ends.")] = "now",
    sensor: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Only such sensors (repeatable).")
    ] = None,
    server: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Only such hostnames, addresses, ids (repeatable)."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SENSOR.KEY=VALUE", help="Propose a change (repeatable)."),
    ] = None,
    compare: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Take FILE for what is configured, -c for what is proposed."
        ),
    ] = None,
    mode: Annotated[
        ReactionMode | None, typer.Option(help="As if reactions had been in this mode.")
    ] = None,
    events: Annotated[bool, typer.Option("--events", help="List every change, too.")] = False,
    as_json_: options.Json = False,
) -> None:
    """Say what thresholds and reactions would have made of the readings that are recorded.

    The state directory is only read, also while a daemon is running on it; nothing is sent to any
    server. With --set or --compare, what is proposed stands beside what is configured.

    Example: outkept replay --from -7d --sensor load --set load.alarm=20 --set load.for=3
    """
    now = time.time()
    wanted = Wanted(
        _time(from_, now, "--from"),
        min(_time(to, now, "--to"), now),
        tuple(sensor or ()),
        tuple(server or ()),
    )
    if wanted.from_ >= wanted.to:
        fail("--from is not earlier than --to; name an earlier time, such as --from -7d", USAGE)
    rules, directory = _rules(config, state, compare, _changes(set_ or []), mode)
    try:
        with closing(Recording.open(directory)) as recording:
            outcome = _run(recording, wanted, rules)
    except (StateError, StoreError) as error:
        fail(str(error))
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    if as_json_:
        print_json(as_json(outcome, events=events))
    else:
        print_outcome(outcome, events=events)


def _run(recording: Recording, wanted: Wanted, rules: list[Rules]) -> Outcome:
    servers = [one for one in recording.servers if wanted.server(one)]
    if recording.servers and not servers:
        fail("no server that is known matches --server; `outkept servers` lists them", USAGE)
    if recording.groups and not any(map(wanted.sensor, recording.groups)):
        fail("no sensor that was read matches --sensor; name it as `outkept try` shows it", USAGE)
    wanted = _recorded(recording, wanted)
    worlds = [World(one, recording.servers, wanted.from_, wanted.to) for one in rules]
    with progress_of_work("Replaying") as progress:
        walked = walk(recording, worlds, wanted, progress)
    return Outcome(recording, wanted, servers, rules, worlds, walked)


def _recorded(recording: Recording, wanted: Wanted) -> Wanted:
    """As much of what is wanted as is recorded: what is open at the recording's end must not seem
    to last until now."""
    if recording.oldest is None or recording.newest is None:
        fail(f"{recording.path} holds no readings yet: let a daemon run for a while")
    from_ = max(wanted.from_, recording.oldest)
    to = min(wanted.to, recording.newest + 1)
    if from_ >= to:
        first, last = clock_time(recording.oldest), clock_time(recording.newest)
        fail(f"nothing is recorded of that time, but from {first} to {last}; change --from or --to")
    return replace(wanted, from_=from_, to=to)


def _rules(
    config: Path | None,
    state: Path | None,
    compare: Path | None,
    changes: tuple[tuple[str, str, str], ...],
    mode: ReactionMode | None,
) -> tuple[list[Rules], Path]:
    """What is replayed, and the state directory; ends the process with all problems."""
    path = config or default_file()
    configured, problems = _load("as configured", compare or path, (), mode)
    proposed = configured
    if compare is not None or changes:
        proposed, more = _load("as proposed", path, changes, mode)
        problems += more
    if problems or configured is None or proposed is None:
        fail_all(dict.fromkeys(problems))
    directory = state.expanduser() if state is not None else Path(proposed.settings.state)
    return [configured] if proposed is configured else [configured, proposed], directory


def _load(
    name: str,
    path: Path | None,
    changes: tuple[tuple[str, str, str], ...],
    mode: ReactionMode | None,
) -> tuple[Rules | None, list[object]]:
    ranges = () if path else (ANY_RANGE,)
    loaded: Loaded = load(path, CommandLine(ranges=ranges, changes=changes))
    if loaded.settings is None:
        return None, list(loaded.problems)
    return Rules(name, loaded.settings, loaded.sensors, mode), list(loaded.problems)


def _changes(texts: list[str]) -> tuple[tuple[str, str, str], ...]:
    found = []
    for text in texts:
        match = _CHANGE.fullmatch(text)
        if match is None:
            fail(f"--set {text!r} is no change; write SENSOR.KEY=VALUE, as load.alarm=20", USAGE)
        found.append((match[1], match[2], match[3]))
    return tuple(found)


def _time(text: str, now: float, option: str) -> float:
    """UNIX seconds. Local time where the text names no zone."""
    try:
        if text == "now":
            return now
        if text.startswith("-"):
            return now - parse_duration(text[1:])
        if re.fullmatch(r"[0-9]{9,11}(\.[0-9]+)?", text):
            return float(text)
        return datetime.fromisoformat(text).timestamp()
    except (Mistake, ValueError, OverflowError, OSError):
        fail(f"{option} {text!r} is not a time; {_TIMES}", USAGE)
