"""The definitions that the Node.js program came with load unchanged, as YAML."""

from pathlib import Path

import pytest
import yaml

from outkept.config.library import load_library
from outkept.model.sensor import Parse
from outkept.poll.parse import parse_output
from tests.sensors.library import SENSORS, run

FILE = Path(__file__).with_name("original.yaml")
WRITTEN = {entry["name"]: entry for entry in yaml.safe_load(FILE.read_text())}
LOADED, PROBLEMS = load_library([FILE])


def test_they_load_without_a_problem() -> None:
    assert [str(problem) for problem in PROBLEMS] == []
    assert list(LOADED) == list(WRITTEN)


@pytest.mark.parametrize("name", WRITTEN)
def test_each_key_keeps_its_meaning(name: str) -> None:
    sensor, written = LOADED[name], WRITTEN[name]
    assert sensor.cmd == written["cmd"]
    assert sensor.verifier == written["verifier"]
    assert (sensor.warning, sensor.alarm) == (written.get("warning"), written.get("alarm"))
    assert sensor.inverted is written.get("inverted", False)
    assert sensor.zero is written.get("zero", False)
    assert sensor.exported is written["exported"]
    assert sensor.reactive == (written.get("reactive") or None)
    assert sensor.every == (written["timer"] / 1000 if "timer" in written else None)
    assert sensor.parse is (Parse.NUMBER if "alarm" in written else Parse.TEXT)


@pytest.mark.parametrize("name", ["load", "kernel", "time"])
def test_they_still_run(name: str) -> None:
    assert parse_output(LOADED[name], run(LOADED[name].cmd))


def test_every_one_has_its_successor_in_the_built_in_library() -> None:
    assert set(WRITTEN) <= set(SENSORS)
