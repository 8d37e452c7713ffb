"""Overrides: the first match wins, for each key by itself."""

from dataclasses import replace
from typing import Any

import pytest

from outkept.config.overrides import (
    MatchSubject,
    change_fault,
    matches,
    sensor_for,
    subject_of,
    threshold_fault,
)
from outkept.config.settings import Override, SensorChange
from outkept.config.strict import Match
from outkept.model.action import ReactionMode
from outkept.model.sensor import Parse, Sensor
from outkept.model.server import Endpoint, Facts, Identity, Server

LOAD = Sensor("load", "cut -d' ' -f1 /proc/loadavg", warning=5, alarm=10, reactive="reboot")


def overrides(*items: dict[str, Any]) -> list[Override]:
    return [Override.model_validate(item) for item in items]


def on(rules: list[Override], hostname: str = "x") -> Sensor:
    return sensor_for(LOAD, rules, MatchSubject(hostname))


def test_the_first_match_wins_for_each_key() -> None:
    rules = overrides(
        {"match": {"hostname": "db*"}, "set": {"load": {"warning": 20, "alarm": 40}}},
        {"match": {"hostname": "*"}, "set": {"load": {"alarm": 30, "for": 3}}},
    )
    changed = on(rules, "db1")
    assert changed == replace(LOAD, warning=20, alarm=40, for_=3)
    other = on(rules, "web1")
    assert other == replace(LOAD, alarm=30, for_=3)


def test_a_sensor_that_no_override_names_is_the_librarys_own() -> None:
    rules = overrides({"set": {"users": {"warning": 1}}})
    assert on(rules, "db1") is LOAD


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
    changed = sensor_for(LOAD, rules, MatchSubject(hostname, labels))
    assert (changed.alarm == 30) is matched


SERVER = MatchSubject(
    "db1",
    addresses=("10.20.0.7", "2001:db8::7"),
    facts=Facts("Debian GNU/Linux 12 (bookworm)", "6.1.0-28", "x86_64", 16, 32 * 2**30),
)


@pytest.mark.parametrize(
    ("match", "matched"),
    [
        ({"range": "10.20.0.0/16"}, True),
        ({"range": "10.20.0.7"}, True),
        ({"range": "10.20.0.8-10.20.0.9"}, False),
        ({"range": "0.0.0.0/0"}, True),
        ({"range": "2001:db8::/32"}, True),
        ({"range": "::/96"}, False),
        ({"facts": {"os": "debian*"}}, True),
        ({"facts": {"os": "Debian*", "architecture": "aarch64"}}, False),
        ({"facts": {"ssh_version": "*"}}, False),
        ({"facts": {"cpus": 16}}, True),
        ({"facts": {"cpus": ">16"}}, False),
        ({"facts": {"cpus": "<= 16"}}, True),
        ({"facts": {"memory_bytes": ">=32GiB"}}, True),
        ({"facts": {"memory_bytes": "<32GB"}}, False),
        ({"facts": {"memory_bytes": ">34.3 GB"}}, True),
        ({"facts": {"os": "Debian*"}, "range": "10.99.0.0/16"}, False),
    ],
)
def test_addresses_and_facts_match_too(match: dict[str, Any], matched: bool) -> None:
    assert matches(Match.model_validate(match), SERVER) is matched


def test_what_is_not_known_does_not_match() -> None:
    unknown = MatchSubject("db1")
    for match in ({"range": "0.0.0.0/0"}, {"facts": {"os": "*"}}, {"facts": {"cpus": ">=0"}}):
        assert not matches(Match.model_validate(match), unknown)
    named = MatchSubject("db1", addresses=("db1.example.net",))
    assert not matches(Match(range="0.0.0.0/0"), named)


def test_a_match_says_what_was_written() -> None:
    written = {"range": "10.20.0.0/16", "facts": {"os": "Debian*", "memory_bytes": ">=32GiB"}}
    match = Match.model_validate(written)
    assert match.written == written
    assert Match.model_validate(match.written) == match
    assert Match().written == {}


def test_a_server_is_seen_at_its_endpoints() -> None:
    ends = (Endpoint("10.0.0.1"), Endpoint("10.0.0.2", 2222), Endpoint("10.0.0.1", 2222))
    claimed = Facts(addresses=("10.9.9.9",))
    server = Server("a", Identity("k", hostname="db1"), claimed, ends, "ops", 1, 2, {"a": "b"})
    seen = subject_of(server)
    assert seen == MatchSubject("db1", {"a": "b"}, ("10.0.0.1", "10.0.0.2"), claimed)


def test_a_null_takes_a_threshold_and_a_reaction_away() -> None:
    rules = overrides({"set": {"load": {"warning": None, "reactive": "", "cooldown": None}}})
    changed = on(rules)
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
    assert on(rules) == replace(
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


def test_a_duration_and_a_number_of_readings_take_each_others_place() -> None:
    held = sensor_for(LOAD, overrides({"set": {"load": {"for": "5m"}}}), MatchSubject("x"))
    assert held == replace(LOAD, for_=2, for_s=300)
    rules = overrides({"set": {"load": {"for": "4"}}})
    assert sensor_for(held, rules, MatchSubject("x")) == replace(LOAD, for_=4, for_s=0)


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
