"""Tools and files that this machine lacks, played by what real ones print."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from outkept.model.sensor import Sensor
from outkept.poll.parse import ParseError, parse_output
from tests.sensors.library import DEFAULT_TIMEOUT, SENSORS, SYSTEM_PATH, applets, applies, run

SUDO = '[ "$1" = -n ] || exit 1\nshift\nexec "$@"'


@dataclass(frozen=True)
class Case:
    """One entry of fakes.yaml. A tool that is null is hidden, if this machine has it."""

    sensor: str
    case: str
    tools: dict[str, str | None] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    roots: tuple[str, ...] = ()
    value: Any = None
    fails: bool = False
    applies: bool | None = True

    def __str__(self) -> str:
        return f"{self.sensor}: {self.case}"


CASES = [
    Case(**entry) for entry in yaml.safe_load(Path(__file__).with_name("fakes.yaml").read_text())
]


class Machine:
    """A directory of tools, and of files that stand in for the machine's."""

    def __init__(self, home: Path, case: Case, shell: str, others: "Others") -> None:
        self.shell, self.root, self.tools = shell, home / "root", home / "tools"
        self._prefixes = sorted({*case.roots, *case.files}, key=len, reverse=True)
        for name, content in case.files.items():
            file = self.root / name.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        hidden = frozenset(name for name, script in case.tools.items() if script is None)
        self.path = f"{self.tools}:{others(hidden, shell)}"
        self.tools.mkdir()
        for name, script in case.tools.items():
            if script is not None:
                self.add(name, script)

    def add(self, name: str, script: str) -> None:
        tool = self.tools / name
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(0o755)

    def moved(self, command: str) -> str:
        """`command`, reading the stand-ins, and finding no tools beside those of `path`."""
        command = re.sub(r"PATH=\$PATH:[^;\n]*", ":", command)
        for prefix in self._prefixes:
            command = re.sub(
                rf"(?<![\w.-]){re.escape(prefix)}(?![\w.-])", str(self.root) + prefix, command
            )
        return command

    def verifies(self, sensor: Sensor) -> bool:
        command = self.moved(sensor.verifier)
        return applies(sensor, run(command, shell=self.shell, path=self.path))

    def read(self, sensor: Sensor) -> Any:
        timeout = sensor.timeout or DEFAULT_TIMEOUT
        command = self.moved(sensor.cmd)
        samples = parse_output(
            sensor, run(command, shell=self.shell, path=self.path, timeout=timeout)
        )
        if samples[0].instance is None:
            return samples[0].value
        return {
            (sample.instance or "").replace(str(self.root), ""): sample.value for sample in samples
        }


Others = Callable[[frozenset[str], str], str]


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Others:
    """The PATH of the machine's tools without hidden ones; busybox's alone for its shell."""

    @cache
    def path(hidden: frozenset[str], shell: str) -> str:
        if shell == "busybox":
            return applets(tmp_path_factory.mktemp("alpine"))
        return _without(hidden, tmp_path_factory.mktemp("system")) if hidden else SYSTEM_PATH

    return path


def _without(hidden: frozenset[str], directory: Path) -> str:
    for place in map(Path, SYSTEM_PATH.split(":")):
        for tool in place.iterdir() if place.is_dir() else ():
            link = directory / tool.name
            if tool.name not in hidden and not link.is_symlink():
                link.symlink_to(tool)
    return str(directory)


@pytest.mark.parametrize("shell", ["dash", "busybox"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_a_tool_prints_becomes_the_right_value(
    case: Case, shell: str, tmp_path: Path, others: Others
) -> None:
    sensor = SENSORS[case.sensor]
    machine = Machine(tmp_path, case, shell, others)
    if case.applies is not None:
        assert machine.verifies(sensor) == case.applies
    if case.fails:
        with pytest.raises(ParseError, match="exit status"):
            machine.read(sensor)
    elif case.value is not None:
        assert machine.read(sensor) == case.value


@pytest.mark.parametrize(
    "case", [case for case in CASES if "sudo -n" in SENSORS[case.sensor].cmd], ids=str
)
def test_a_user_who_may_use_sudo_reads_the_same(case: Case, tmp_path: Path, others: Others) -> None:
    if case.fails or case.sensor.startswith("postgresql"):
        return
    machine = Machine(tmp_path, case, "dash", others)
    machine.add("id", "echo 1000")
    sensor = SENSORS[case.sensor]
    machine.add("sudo", "exit 1")
    if case.applies is not None and case.sensor != "exim":
        assert not machine.verifies(sensor), "without sudo's leave it can't apply"
    machine.add("sudo", SUDO)
    assert machine.verifies(sensor) == case.applies or case.applies is None
    assert machine.read(sensor) == case.value
