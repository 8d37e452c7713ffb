"""Overrides: the first match wins, for each key by itself."""

from dataclasses import replace
from typing import Any

import pytest

from outkept.config.overrides import change_fault, sensor_for, threshold_fault
from outkept.config.settings import Override, SensorChange
from outkept.model.action import ReactionMode
from outkept.model.sensor import Parse, Sensor

LOAD = Sensor("load", "cut -d' ' -f1 /proc/loadavg", warning=5, alarm=10, reactive="reboot")


def overrides(*items: dict[str, Any]) -> list[Override]:
    return [Override.model_validate(item) for item in items]


def test_the_first_match_wins_for_each_key() -> None:
    rules = overrides(
        {"match": {"hostname": "db*"}, "set": {"load": {"warning": 20, "alarm": 40}}},
        {"match": {"hostname": "*"}, "set": {"load": {"alarm": 30, "for": 3}}},
    )
    changed = sensor_for(LOAD, rules, hostname="db1", labels={})
    assert changed == replace(LOAD, warning=20, alarm=40, for_=3)
    other = sensor_for(LOAD, rules, hostname="web1", labels={})
    assert other == replace(LOAD, alarm=30, for_=3)


def test_a_sensor_that_no_override_names_is_the_librarys_own() -> None:
    rules = overrides({"set": {"users": {"warning": 1}}})
    assert sensor_for(LOAD, rules, hostname="db1", labels={}) is LOAD


@pytest.mark.parametrize(
    ("match", "hostname", "labels", "matched"),
    [
        ({}, "any", {}, True),
        ({"hostname": "DB*"}, "db1", {}, True),
        ({"hostname": "db*"}, "DB1", {}, True),
        ({"hostname": "db*"}, "mydb1", {}, False),
        ({"hostname": "db[12]"}, "db2", {}, True),
        ({"labels": {"site": "lis*"}}, "x", {"site": "lisbon", "row": "2"}, True),
        ({"labels": {"site": "lis*"}}, "x", {"site": "porto"}, False),
        ({"labels": {"site": "*"}}, "x", {}, False),
        ({"hostname": "db*", "labels": {"site": "lisbon"}}, "web", {"site": "lisbon"}, False),
    ],
)
def test_an_override_matches_when_all_it_names_does(
    match: dict[str, Any], hostname: str, labels: dict[str, str], matched: bool
) -> None:
    rules = overrides({"match": match, "set": {"load": {"alarm": 30}}})
    changed = sensor_for(LOAD, rules, hostname=hostname, labels=labels)
    assert (changed.alarm == 30) is matched


def test_a_null_takes_a_threshold_and_a_reaction_away() -> None:
    rules = overrides({"set": {"load": {"warning": None, "reactive": "", "cooldown": None}}})
    changed = sensor_for(LOAD, rules, hostname="x", labels={})
    assert changed == replace(LOAD, warning=None, reactive=None)


def test_every_key_of_an_override_reaches_the_sensor() -> None:
    change = {
        "warning": "8",
        "alarm": 4,
        "clear": 9,
        "for": 2,
        "every": "1m",
        "timeout": "3s",
        "cooldown": "1h",
        "inverted": "yes",
        "zero": True,
        "reactive": "true",
        "fallback": "false",
        "mended_within": "90s",
        "reaction_mode": "off",
    }
    assert set(change) == {field.alias or name for name, field in SensorChange.model_fields.items()}
    rules = overrides({"set": {"load": change}})
    assert sensor_for(LOAD, rules, hostname="x", labels={}) == replace(
        LOAD,
        warning=8,
        alarm=4,
        clear=9,
        for_=2,
        every=60,
        timeout=3,
        cooldown=3600,
        inverted=True,
        zero=True,
        reactive="true",
        fallback="false",
        mended_within=90,
        reaction_mode=ReactionMode.OFF,
    )


@pytest.mark.parametrize(
    ("sensor", "key"),
    [
        (LOAD, None),
        (replace(LOAD, warning=10), None),
        (replace(LOAD, warning=11), "alarm"),
        (replace(LOAD, inverted=True), "alarm"),
        (replace(LOAD, warning=None, clear=9), None),
        (replace(LOAD, clear=5), "clear"),
        (replace(LOAD, warning=None, alarm=None, clear=5), "clear"),
        (replace(LOAD, warning=10, alarm=5, inverted=True, clear=11), None),
        (replace(LOAD, warning=10, alarm=5, inverted=True, clear=10), "clear"),
    ],
)
def test_thresholds_the_wrong_way_round_are_found(sensor: Sensor, key: str | None) -> None:
    fault = threshold_fault(sensor)
    assert (fault.key if fault else None) == key


def test_a_text_takes_no_thresholds() -> None:
    text = replace(LOAD, parse=Parse.TEXT, warning=None, alarm=None)
    fault = change_fault(text, SensorChange(alarm=4))
    assert fault is not None
    assert "parse: number" in fault.mend
    assert change_fault(text, SensorChange(every=4)) is None
