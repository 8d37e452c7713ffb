"""How the trials of `outkept try` are printed."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.text import Text

from outkept.app.probe import Login, Trial
from outkept.cli.render import (
    cell,
    figure,
    harmless,
    plain_number,
    print_table,
    scaled,
    seconds,
    show,
    worded,
)
from outkept.config.durations import format_duration
from outkept.model.channels import ChannelStats
from outkept.model.command import CommandFailure, CommandOutcome
from outkept.model.sensor import Sensor

Json = dict[str, Any]

MOST_LINES = 40
"""Of one output that was not asked for in full."""
MOST_RAW_LINES = 10_000
"""With --raw. A quarter of a megabyte, which an output may have, is 130,000 empty lines."""
_LABEL = 10


def print_login(login: Login) -> None:
    """Who it is that we are logged in to."""
    connection, identity, facts = login.connection, login.identity, login.facts
    name = identity.hostname if identity and identity.hostname else "A server"
    where = f" at {connection.endpoint}, as {connection.user}, in {seconds(login.took)}"
    show(Text.assemble((harmless(name), "bold"), harmless(where)))
    if login.silence:
        _line("identity", cell(login.silence, "yellow"))
    if facts:
        _line("system", cell(_joined(facts.os, facts.kernel, facts.architecture)))
        cpus = f"{facts.cpus} CPUs" if facts.cpus else ""
        memory = f"{scaled(float(facts.memory_bytes))}B" if facts.memory_bytes else ""
        _line("hardware", cell(_joined(cpus, memory and f"{memory} of memory")))
        _line("addresses", cell(", ".join(facts.addresses)))
    _line("sshd", cell(connection.server_version))
    _line("host key", cell(connection.host_key))
    if identity:
        _line("machine", cell(identity.machine_id))
    show("")


def print_trials(trials: Sequence[Trial], *, in_full: bool, raw: bool = False) -> None:
    """What came of each sensor; those that failed in full, all of them with `in_full`. With
    `raw`, long outputs are not cut."""
    most = MOST_RAW_LINES if raw else MOST_LINES
    if in_full:
        for trial in trials:
            _print_in_full(trial, most)
        return
    idle = [trial for trial in trials if not trial.applies]
    if idle:
        print_table(("DOES NOT APPLY", "WHY", "TIME"), [_idle_row(trial) for trial in idle])
        show("")
    rows = [row for trial in trials if trial.samples for row in _value_rows(trial)]
    if rows:
        print_table(("SENSOR", "INSTANCE", "VALUE", "LEVEL", "TIME"), rows)
        show("")
    for trial in trials:
        if trial.failure:
            _print_in_full(trial, most)


def print_summary(trials: Sequence[Trial], channels: ChannelStats) -> None:
    """The counts, and what was learned of the server's channels."""
    applying = sum(trial.applies for trial in trials)
    failed = sum(bool(trial.failure) for trial in trials)
    learned = f"{channels.limit} channels at once" if channels.limit > 1 else "1 channel at a time"
    refused = f", {channels.refused} more refused" if channels.refused else ""
    parts = [
        cell(f"{len(trials)} {'sensor' if len(trials) == 1 else 'sensors'}: "),
        cell(f"{applying} apply, {len(trials) - applying} do not, "),
        cell(f"{failed} failed", "bold red" if failed else ""),
        cell(f"  ({learned}{refused})", "dim"),
    ]
    show(Text.assemble(*parts))


def _idle_row(trial: Trial) -> tuple[Text, ...]:
    status = f" (exit status {s})" if (s := _status(trial.verified)) is not None else ""
    why = cell(f"{trial.why_not}{status}", "dim")
    return cell(trial.sensor.name), why, cell(_took(trial.verified), "dim")


def _value_rows(trial: Trial) -> Iterator[tuple[Text, ...]]:
    for index, (sample, level) in enumerate(zip(trial.samples, trial.levels, strict=True)):
        yield (
            cell("" if index else trial.sensor.name, "bold"),
            cell(sample.instance or ""),
            cell(figure(sample.value, trial.sensor.unit)),
            worded(level.value),
            cell("" if index else seconds(trial.took), "dim"),
        )


def _print_in_full(trial: Trial, most: int) -> None:
    sensor = trial.sensor
    show(Text.assemble((harmless(sensor.name), "bold"), (f"  {harmless(sensor.source)}", "dim")))
    if sensor.description:
        _line("", cell(sensor.description, "dim"))
    _block("verifier", sensor.verifier or "(none: it applies everywhere)")
    if trial.verified is not None:
        says = "says yes" if trial.applies else trial.why_not
        _line(
            "", cell(f"{says}: {_ending(trial.verified)}", "green" if trial.applies else "yellow")
        )
        if not trial.applies:
            _outputs(trial.verified, most)
    if trial.applies:
        _block("command", sensor.cmd)
        for number, run in enumerate(trial.runs, 1):
            _line("answer" if len(trial.runs) == 1 else f"answer {number}", cell(_ending(run)))
            _outputs(run, most)
        _verdict(trial)
    show("")


def _verdict(trial: Trial) -> None:
    if trial.failure:
        _line("failed", cell(trial.failure, "bold red"))
        _line("mend", cell(trial.mend, "yellow"))
    rate = " (increase per second)" if trial.sensor.rate else ""
    for sample, level in zip(trial.samples, trial.levels, strict=True):
        name = f"{sample.instance} = " if sample.instance is not None else ""
        text = cell(f"{name}{figure(sample.value, trial.sensor.unit)}{rate}  ", "bold")
        _line("value", Text.assemble(text, worded(level.value)))
    limits = _limits(trial.sensor)
    if limits:
        _line("levels", cell(limits, "dim"))


def _limits(sensor: Sensor) -> str:
    sign = "≤" if sensor.inverted else "≥"
    parts = [
        f"{word} at {sign} {plain_number(limit)}"
        for word, limit in (("warned", sensor.warning), ("alarmed", sensor.alarm))
        if limit is not None
    ]
    if sensor.zero:
        parts.append("alarmed at 0")
    if parts and sensor.for_s:
        parts.append(f"after {format_duration(sensor.for_s)}")
    elif parts and sensor.for_ > 1:
        parts.append(f"after {sensor.for_} readings in a row")
    if parts and sensor.clear is not None:
        parts.append(f"left at {plain_number(sensor.clear)}")
    return ", ".join(parts)


def _outputs(outcome: CommandOutcome, most: int) -> None:
    for label, output in (("stdout", outcome.stdout), ("stderr", outcome.stderr)):
        text = output.decode("utf-8", "replace")
        if text.strip():
            _block(label, text, most)
        else:
            _line(label, cell("(empty)", "dim"))


def _ending(outcome: CommandOutcome) -> str:
    size = f"{len(outcome.stdout):,} bytes"
    if isinstance(outcome, CommandFailure):
        return f"{outcome.reason}, after {seconds(outcome.took)}, {size}"
    waited = f", waited {seconds(outcome.waited)} for a channel" if outcome.waited > 0.1 else ""
    return f"exit status {outcome.status}, {seconds(outcome.took)}, {size}{waited}"


def _status(outcome: CommandOutcome | None) -> int | None:
    return None if outcome is None or isinstance(outcome, CommandFailure) else outcome.status


def _took(outcome: CommandOutcome | None) -> str:
    return seconds(outcome.took) if outcome is not None else ""


def _line(label: str, text: Text) -> None:
    if text.plain:
        show(Text.assemble((f"  {label:<{_LABEL}}", "dim"), text))


def _block(label: str, text: str, most: int = MOST_RAW_LINES) -> None:
    """A text of several lines, each with a bar before it so that it is seen where it ends."""
    lines = text.expandtabs().rstrip("\n").split("\n")
    for index, line in enumerate(lines[:most]):
        _line("" if index else label, Text.assemble(("│ ", "dim"), harmless(line)))
    if len(lines) > most:
        _line("", cell(f"… {len(lines) - most:,} more lines; --raw shows them", "dim"))


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def as_json(login: Login, trials: Iterable[Trial], channels: ChannelStats) -> Json:
    """All of it, for programs."""
    connection, identity, facts = login.connection, login.identity, login.facts
    return {
        "address": connection.endpoint.address,
        "port": connection.endpoint.port,
        "user": connection.user,
        "login_s": round(login.took, 4),
        "hostname": identity.hostname if identity else "",
        "machine_id": identity.machine_id if identity else "",
        "host_key": connection.host_key,
        "ssh_version": connection.server_version,
        "os": facts.os if facts else "",
        "kernel": facts.kernel if facts else "",
        "architecture": facts.architecture if facts else "",
        "reason": login.silence,
        "channels": {"limit": channels.limit, "refused": channels.refused},
        "sensors": [_trial_object(trial) for trial in trials],
    }


def _trial_object(trial: Trial) -> Json:
    return {
        "name": trial.sensor.name,
        "unit": trial.sensor.unit,
        "source": trial.sensor.source,
        "applies": trial.applies,
        "reason": trial.why_not or trial.failure,
        "failed": bool(trial.failure),
        "mend": trial.mend,
        "values": [
            {"instance": sample.instance, "value": sample.value, "level": level.value}
            for sample, level in zip(trial.samples, trial.levels, strict=True)
        ],
        "verifier": _outcome_object(trial.verified) if trial.verified else None,
        "runs": [_outcome_object(run) for run in trial.runs],
    }


def _outcome_object(outcome: CommandOutcome) -> Json:
    return {
        "status": _status(outcome),
        "failure": outcome.reason if isinstance(outcome, CommandFailure) else None,
        "stdout": outcome.stdout.decode("utf-8", "replace"),
        "stderr": outcome.stderr.decode("utf-8", "replace"),
        "took_s": round(outcome.took, 4),
        "waited_s": round(outcome.waited, 4),
    }
