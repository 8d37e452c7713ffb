"""What must hold for every definition of the built-in library, without running it."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from outkept.config.definition import SensorDefinition
from outkept.config.durations import format_duration
from outkept.config.library import load_library
from outkept.config.resources import data_dir
from outkept.model.command import CommandResult
from outkept.model.sensor import Parse, Sensor
from outkept.poll.parse import parse_output
from tests.sensors.library import NAMES, PROBLEMS, SENSORS

ORIGINAL = {"load", "users", "apache", "mysql", "exim", "memory", "tmp", "adaptec", "lsi"}
ORIGINAL |= {"phpfpm", "kernel", "time"}
SAFE_TO_RESTART = {"apache", "mysql", "exim", "phpfpm"}
DOCS = Path(__file__).parents[2] / "docs" / "sensors.md"


def test_the_library_loads_without_a_problem() -> None:
    assert [str(problem) for problem in PROBLEMS] == []


def test_the_library_has_what_the_original_had_and_much_more() -> None:
    assert set(SENSORS) >= ORIGINAL
    assert len(SENSORS) >= 40


def test_no_name_stands_twice() -> None:
    text = "".join(path.read_text() for path in sorted(data_dir("sensors").glob("*.yaml")))
    names = re.findall(r"^- name: (.+)$", text, re.M)
    assert sorted(names) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_definition_is_complete(name: str) -> None:
    sensor = SENSORS[name]
    assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
    assert sensor.description
    assert sensor.description[0].isupper()
    assert not sensor.description.endswith(".")
    assert len(sensor.examples) >= 2
    if sensor.warning is None and sensor.alarm is None and not sensor.zero:
        assert name in {
            *("kernel", "time", "network_rx", "network_tx", "disk_read", "disk_write"),
            *("docker", "podman", "gpu_memory"),
        }


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_are_read_as_their_values(name: str) -> None:
    sensor = SENSORS[name]
    for example in sensor.examples:
        result = CommandResult(example.status, example.output.encode(), b"")
        samples = parse_output(sensor, result)
        if isinstance(example.value, dict):
            assert {sample.instance: sample.value for sample in samples} == example.value
        else:
            assert [(sample.instance, sample.value) for sample in samples] == [
                (None, example.value)
            ]


@pytest.mark.parametrize("name", NAMES)
def test_only_what_is_safe_to_restart_has_a_reaction(name: str) -> None:
    sensor = SENSORS[name]
    assert bool(sensor.reactive) == (name in SAFE_TO_RESTART)
    if sensor.reactive:
        assert sensor.alarm is not None, "zero alone never runs a reaction"
        assert sensor.cooldown >= 600


def _scripts(sensor: Sensor) -> list[str]:
    return [script for script in (sensor.cmd, sensor.verifier, sensor.reactive) if script]


@pytest.mark.parametrize("shell", ["dash", "bash --posix", "busybox ash", "ksh", "zsh"])
def test_every_shell_can_read_every_command(shell: str) -> None:
    program, *options = shell.split()
    assert shutil.which(program), f"{program} is missing; ./scripts/test installs it"
    for sensor in SENSORS.values():
        for script in _scripts(sensor):
            done = subprocess.run(
                [program, *options, "-n"], input=script, capture_output=True, text=True, check=False
            )
            # ksh recommends its own arithmetic.
            said = [line for line in done.stderr.splitlines() if " is slower than " not in line]
            # zsh -n says what it can't read, but exits with whatever `!` makes of nothing.
            assert said == [], (sensor.name, script)
            assert done.returncode == 0 or program == "zsh", (sensor.name, script)


@pytest.mark.parametrize("name", NAMES)
def test_no_command_uses_what_some_shell_or_tool_lacks(name: str) -> None:
    for script in _scripts(SENSORS[name]):
        # A here-document is a temporary file in some shells: it fails on the full disk that
        # is to be reported. `status` and `path` can't be set in zsh. dash's `read` takes byte
        # by byte, and a file in /proc/sys ends after the first.
        traps = [r"<<", r"\[\[ ", r"\bstatus=", r"\bpath=", r"grep -[a-zA-Z]*P", r"<\("]
        for trap in [*traps, r"read [^|;&]*</proc/sys"]:
            assert not re.search(trap, script), (name, trap)
        # mawk and old busybox awk lack {n} in regular expressions.
        assert not re.search(r"[\])]\{\d", script), name
        for number in re.findall(r"printf \"[^\"]*%d", script):
            pytest.fail(f"{name}: {number} cuts large counters in mawk; use %.0f")


@pytest.mark.parametrize("name", NAMES)
def test_commands_that_become_root_never_ask_for_a_password(name: str) -> None:
    for script in _scripts(SENSORS[name]):
        assert not re.search(r"\bsudo (?!-n\b)", script)


def _row(sensor: Sensor) -> str:
    every = format_duration(sensor.every) if sensor.every else "default"
    unit = sensor.unit or ("text" if sensor.parse is Parse.TEXT else "")
    sign = "≤" if sensor.inverted else "≥"
    marks = [
        f"{sign} {limit:g}" if limit is not None else "" for limit in (sensor.warning, sensor.alarm)
    ]
    if sensor.zero:
        marks[1] = f"{marks[1]} or 0".removeprefix(" or ")
    series = "each" if sensor.parse is Parse.TABLE else ""
    cells = [f"`{sensor.name}`", sensor.description, unit, series, *marks, every]
    return "| " + " | ".join(cells) + " |"


def test_the_documentation_lists_every_sensor_as_it_is() -> None:
    """Run with OUTKEPT_WRITE_DOCS=1 to write the table anew after a change."""
    rows: list[str] = []
    for path in sorted(data_dir("sensors").glob("*.yaml")):
        sensors, _ = load_library([path])
        rows += [f"| **{path.name}** | | | | | | |", *map(_row, sensors.values())]
    before, begin, rest = DOCS.read_text().partition("<!-- table: begin -->\n")
    _, end, after = rest.partition("<!-- table: end -->")
    head = "| sensor | what it tells | unit | series | warning | alarm | every |\n"
    table = head + "|---|---|---|---|---|---|---|\n" + "\n".join(rows) + "\n"
    expected = before + begin + table + end + after
    if os.environ.get("OUTKEPT_WRITE_DOCS"):
        DOCS.write_text(expected)
    assert DOCS.read_text() == expected, "run this test with OUTKEPT_WRITE_DOCS=1"


def test_the_documentation_explains_every_key() -> None:
    keys = {field.alias or name for name, field in SensorDefinition.model_fields.items()}
    section = DOCS.read_text().partition("## Keys")[2].partition("\n## ")[0]
    first_cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    explained = {key for cell in first_cells for key in re.findall(r"`(\w+)`", cell)}
    assert explained == keys
