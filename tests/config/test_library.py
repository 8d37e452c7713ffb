"""The sensor library: the original's definitions, and which files are read."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from outkept.config.library import load_library
from outkept.config.load import load
from outkept.config.resources import data_dir
from outkept.model.sensor import Example, Parse, Sensor

ORIGINAL = """
- {name: load, cmd: "cat /proc/loadavg", verifier: "echo yes", timer: 5000, alarm: 10, warning: 5, inverted: false, zero: false, exported: true, reactive: ""}
- {name: users, cmd: "who", verifier: '', timer: "60000", alarm: "", warning: null, inverted: , zero: false, exported: false, reactive: null}
- {name: apache, cmd: "pgrep -c apache2", verifier: "echo yes", timer: '', alarm: "1e2", warning: "50.5", zero: true, reactive: "service apache2 restart"}
- {name: daemon, cmd: "pgrep -c d", alarm: '', warning: '', zero: true, timer: 250}
"""  # noqa: E501 - as such files are written


def sensors_in(path: Path, text: str) -> dict[str, Sensor]:
    path.write_text(text)
    sensors, problems = load_library([path])
    assert problems == []
    return sensors


def test_the_originals_definitions_load_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    sensors = sensors_in(path, ORIGINAL)
    assert list(sensors.values()) == [
        Sensor(
            "load",
            "cat /proc/loadavg",
            verifier="echo yes",
            every=5.0,
            alarm=10,
            warning=5,
            source=f"{path}:2",
        ),
        Sensor("users", "who", parse=Parse.TEXT, every=60.0, exported=False, source=f"{path}:3"),
        Sensor(
            "apache",
            "pgrep -c apache2",
            verifier="echo yes",
            alarm=100,
            warning=50.5,
            zero=True,
            reactive="service apache2 restart",
            source=f"{path}:4",
        ),
        Sensor("daemon", "pgrep -c d", zero=True, every=0.25, source=f"{path}:5"),
    ]


def test_every_key_of_a_definition_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    sensors = sensors_in(
        path,
        """
name: mounts
cmd: |
  df -P
verifier: echo yes
parse: table
inverted: on
zero: no
rate: true
warning: 10
alarm: 5
clear: 12
exported: off
reactive: rm -r /tmp/cache
every: 1m
timeout: 500ms
unit: B/s
description: 'Yes: with a colon'
for: 3
cooldown: 1h
examples:
  - {output: "/ 5\\n/home 0x7\\n", value: {/: 5, /home: 0x7}, status: 1}
  - {output: '', value: {}}
""",
    )
    assert sensors["mounts"] == Sensor(
        "mounts",
        "df -P\n",
        verifier="echo yes",
        parse=Parse.TABLE,
        inverted=True,
        rate=True,
        warning=10,
        alarm=5,
        clear=12,
        exported=False,
        reactive="rm -r /tmp/cache",
        every=60,
        timeout=0.5,
        unit="B/s",
        description="Yes: with a colon",
        for_=3,
        cooldown=3600,
        examples=(
            Example("/ 5\n/home 0x7\n", {"/": 5.0, "/home": "0x7"}, 1),
            Example("", {}),
        ),
        source=f"{path}:2",
    )


def test_a_texts_example_stays_a_text(tmp_path: Path) -> None:
    text = "{name: a, cmd: b, examples: [{output: 10, value: 10}]}"
    assert sensors_in(tmp_path / "a.yaml", text)["a"].examples == (Example("10", "10"),)


def test_a_number_without_thresholds_is_one_when_it_says_so(tmp_path: Path) -> None:
    assert sensors_in(tmp_path / "a.yaml", "{name: a, cmd: b}")["a"].parse is Parse.TEXT
    text = "{name: a, cmd: b, parse: number}"
    assert sensors_in(tmp_path / "a.yaml", text)["a"].parse is Parse.NUMBER


def test_anchors_and_merge_keys_share_what_sensors_have_in_common(tmp_path: Path) -> None:
    sensors = sensors_in(
        tmp_path / "a.yaml",
        "- &one {name: a, cmd: b, alarm: 5}\n- {<<: *one, name: c}\n- {<<: [*one], name: d}\n",
    )
    assert {name: (sensor.cmd, sensor.alarm) for name, sensor in sensors.items()} == {
        "a": ("b", 5),
        "c": ("b", 5),
        "d": ("b", 5),
    }


def test_a_directory_is_read_to_its_depth_in_order_without_hidden_and_other_files(
    tmp_path: Path,
) -> None:
    for name in ("b/z.yaml", "b/c/y.yml", "a.yaml", ".git/x.yaml", ".hidden.yaml", "notes.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{{name: {path.stem}, cmd: date}}")
    (tmp_path / "loop").symlink_to(tmp_path)
    sensors, problems = load_library([tmp_path, tmp_path / "a.yaml"])
    assert list(sensors) == ["a", "z", "y"]
    assert problems == []


def test_a_pipe_in_a_library_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.yaml")
    _, (problem,) = load_library([tmp_path])
    assert str(problem) == f"{tmp_path}/a.yaml: it is not a regular file; name a regular file"


def test_a_users_sensor_replaces_the_built_in_one(tmp_path: Path) -> None:
    builtin = tmp_path / "builtin"
    builtin.mkdir()
    (builtin / "a.yaml").write_text("[{name: a, cmd: theirs}, {name: b, cmd: theirs}]")
    (tmp_path / "own.yaml").write_text("{name: a, cmd: ours}")
    path = tmp_path / "c.yaml"
    path.write_text("{ranges: [10.0.0.0/24], sensors: {libraries: [own.yaml]}}")
    loaded = load(path, builtin=builtin)
    assert loaded.problems == ()
    assert [(sensor.name, sensor.cmd) for sensor in loaded.sensors] == [
        ("a", "ours"),
        ("b", "theirs"),
    ]


def test_a_sensor_in_two_libraries_of_the_users_is_refused(tmp_path: Path) -> None:
    for name in ("one.yaml", "two.yaml"):
        (tmp_path / name).write_text("{name: a, cmd: date}")
    _, (problem,) = load_library([tmp_path / "one.yaml", tmp_path / "two.yaml"])
    assert str(problem) == (
        f"{tmp_path}/two.yaml:1: sensor 'a' is defined twice, first in {tmp_path}/one.yaml:1;"
        " rename or remove one of them"
    )


def test_a_library_of_too_many_files_is_not_walked_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outkept.config.library.MOST_ENTRIES", 3)
    for name in "abcd":
        (tmp_path / f"{name}.txt").touch()
    _, (problem,) = load_library([tmp_path])
    assert problem.mend == "name a directory that holds only sensors"


def test_the_built_in_library_has_no_problem() -> None:
    sensors, problems = load_library([data_dir("sensors")])
    assert [str(problem) for problem in problems] == []
    assert all(sensor == replace(sensor, name=name) for name, sensor in sensors.items())


def test_what_does_not_come_with_outkept_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="nonsense is missing: install Outkept again"):
        data_dir("nonsense")
