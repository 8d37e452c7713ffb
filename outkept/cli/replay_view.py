"""How `outkept replay` says what came out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import typer
from rich.text import Text

from outkept.app.replay import Walked, Wanted
from outkept.app.replay_report import Figures, Json, report_view
from outkept.app.replay_world import Rules, World
from outkept.cli.render import cell, clock_time, harmless, print_table, seconds, worded
from outkept.evaluate.replayed import not_recorded
from outkept.model.action import ReactionMode
from outkept.model.server import Server
from outkept.store.recorded import Recording

MOST_NAMES = 4
"""Servers that are named; of others it is said how many there are."""
COLUMNS = ("SENSOR", "ALARMS", "WARNINGS", "INCIDENTS", "IN ALARM", "REACTIONS", "HELD", "SERVERS")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A replay that is done. `wanted` ends where the recording does; `servers` are those that were
    wanted; `worlds` are one, or what is configured and what is proposed, as `rules` are."""

    recording: Recording
    wanted: Wanted
    servers: Sequence[Server]
    rules: Sequence[Rules]
    worlds: Sequence[World]
    walked: Walked

    @property
    def names(self) -> dict[str, str]:
        """What people call the servers."""
        return self.worlds[0].names()

    @property
    def not_replayed(self) -> dict[str, str]:
        """Why some of the sensors that were read can't be replayed, by name."""
        library = {sensor.name: sensor for one in self.rules for sensor in one.library}
        read = {one.sensor for one in self.recording.series.values()}
        found = {}
        for name in sorted(filter(self.wanted.sensor, read)):
            sensor = library.get(name)
            why = "it is not in the configuration" if sensor is None else not_recorded(sensor)
            if why:
                found[name] = why
        return found


def as_json(outcome: Outcome, *, events: bool) -> Json:
    """Everything, for programs; docs/replay.md explains the keys."""
    recording, walked = outcome.recording, outcome.walked
    return {
        "from": outcome.wanted.from_,
        "to": outcome.wanted.to,
        "readings_from": max(recording.readings_from, outcome.wanted.from_),
        "minutes_from": max(recording.minutes_from, outcome.wanted.from_),
        "servers": len(outcome.servers),
        "readings": walked.readings,
        "rows": walked.rows,
        "judged": walked.judged,
        "not_replayed": [
            {"sensor": name, "why": why} for name, why in outcome.not_replayed.items()
        ],
        "configurations": [
            report_view(world.report, outcome.names, events=events) for world in outcome.worlds
        ],
    }


def print_outcome(outcome: Outcome, *, events: bool) -> None:
    """In words, then as tables; what has to be known of it goes to stderr."""
    for sentence in _sentences(outcome):
        print(harmless(sentence))
    names = _sensors(outcome)
    if names:
        print()
        print_table(COLUMNS, [_row(outcome, name) for name in names])
    held = [row for world in outcome.worlds for row in _held(outcome, world)]
    if held:
        print()
        print_table(("HELD", "TIMES", "FOR EXAMPLE"), held)
    if events:
        _print_events(outcome)
    for note in _notes(outcome):
        typer.echo(harmless(note), err=True)


def _sentences(outcome: Outcome) -> Iterator[str]:
    totals = [world.report.total for world in outcome.worlds]
    span = seconds(outcome.wanted.to - outcome.wanted.from_)
    when = f"From {clock_time(outcome.wanted.from_)} to {clock_time(outcome.wanted.to)} ({span})"
    yield f"{when}, {_many(len(outcome.servers), 'server')}:"
    if len(totals) == 1:
        for name in _sensors(outcome):
            yield _of_sensor(outcome, name)
        if not totals[0].anything:
            yield "Nothing would have been over a threshold."
        return
    for world, total in zip(outcome.worlds, totals, strict=True):
        yield f"{world.report.name.capitalize()}: {_sum(total)}."
    yield f"The difference: {_difference(totals[0], totals[1])}."


def _of_sensor(outcome: Outcome, name: str) -> str:
    figures = outcome.worlds[0].report.sensors[name]
    did = []
    if figures.alarms or not figures.warnings:
        did.append(f"alarmed {_times(figures.alarms)}")
    else:
        did.append(f"warned {_times(figures.warnings)}")
    if figures.reactions:
        did.append(f"run its reaction {_times(figures.reactions)}")
    where = _on(outcome, figures)
    return f"{name} would have {' and '.join(did)}{f', on {where}' if where else ''}."


def _on(outcome: Outcome, figures: Figures) -> str:
    counts = figures.alarmed if figures.alarms else figures.warned
    ids = [id_ for id_ in figures.servers if counts[id_]]
    named = [f"{outcome.names.get(id_, id_)} ({counts[id_]})" for id_ in ids[:MOST_NAMES]]
    if len(ids) > MOST_NAMES:
        return f"{_many(len(ids), 'server')}: {', '.join(named)} and {len(ids) - MOST_NAMES} more"
    return ", ".join(named)


def _sum(total: Figures) -> str:
    return (
        f"{_many(total.alarms, 'alarm')} and {_many(total.warnings, 'warning')}"
        f" on {_many(len(total.servers), 'server')}, {_many(total.reactions, 'reaction')}"
    )


def _difference(before: Figures, after: Figures) -> str:
    parts = [
        _more(after.alarms - before.alarms, "alarm"),
        _more(after.warnings - before.warnings, "warning"),
        _more(after.reactions - before.reactions, "reaction"),
    ]
    return ", ".join(part for part in parts if part) or "none"


def _row(outcome: Outcome, name: str) -> tuple[Text, ...]:
    each = [world.report.sensors.get(name, Figures()) for world in outcome.worlds]
    columns = [
        [f"{one.alarms:,}" for one in each],
        [f"{one.warnings:,}" for one in each],
        [f"{one.incidents:,}" for one in each],
        [seconds(one.alarmed_s) if one.alarmed_s else "0" for one in each],
        [f"{one.reactions:,}" for one in each],
        [f"{one.held.total():,}" for one in each],
        [f"{len(one.servers):,}" for one in each],
    ]
    return (cell(name, "bold"), *(_beside(values) for values in columns))


def _beside(values: list[str]) -> Text:
    if len(set(values)) == 1:
        return cell(values[0], "dim" if values[0] == "0" else "")
    return cell(" → ".join(values), "bold")


def _held(outcome: Outcome, world: World) -> Iterator[tuple[Text, ...]]:
    total = world.report.total
    several = len(outcome.worlds) > 1
    for guard, times in total.held.most_common():
        name = f"{guard}, {world.report.name}" if several else guard
        example = total.reasons.get(guard, "").removeprefix("held: ")
        yield cell(name), cell(f"{times:,}"), cell(example)


def _print_events(outcome: Outcome) -> None:
    several = len(outcome.worlds) > 1
    rows = [
        (
            cell(clock_time(told.at), "dim"),
            *([cell(world.report.name)] if several else []),
            worded(told.type),
            cell(told.message),
        )
        for world in outcome.worlds
        for told in world.report.told
    ]
    print()
    if rows:
        between = ("WHICH",) if several else ()
        print_table(("TIME", *between, "TYPE", "MESSAGE"), rows)
    for world in outcome.worlds:
        if world.report.left_out:
            typer.echo(f"{world.report.left_out:,} later changes are not listed.", err=True)


def _notes(outcome: Outcome) -> Iterator[str]:
    recording, wanted = outcome.recording, outcome.wanted
    if outcome.walked.rows:
        rows = "minutes"
        if recording.minutes_from > wanted.from_:
            rows = f"hours, from {clock_time(recording.minutes_from)} on minutes"
        yield (
            f"Every reading is kept from {clock_time(recording.readings_from)} on; before, {rows}"
            " were replayed as their least and greatest values, so figures are estimates."
        )
    for mode in dict.fromkeys(_mode(one) for one in outcome.rules):
        if mode is ReactionMode.DRY_RUN:
            yield "Reactions are in dry run: they would have been written down, not run."
        elif mode is ReactionMode.OFF:
            yield "Reactions are off; --mode on tells what would have run."
    for name, why in outcome.not_replayed.items():
        yield f"{name} was not replayed: {why}."


def _mode(rules: Rules) -> ReactionMode:
    return rules.mode or rules.settings.reactions.mode


def _sensors(outcome: Outcome) -> list[str]:
    """Those with anything to tell, those with most alarms first."""
    reports = [world.report for world in outcome.worlds]
    names = {name for one in reports for name, found in one.sensors.items() if found.anything}

    def worst(name: str) -> tuple[int, int, str]:
        each = [one.sensors.get(name, Figures()) for one in reports]
        return -max(f.alarms for f in each), -max(f.warnings for f in each), name

    return sorted(names, key=worst)


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _more(count: int, what: str) -> str:
    if not count:
        return ""
    return f"{_many(abs(count), what)} {'more' if count > 0 else 'fewer'}"


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count:,} times")
