"""Reactions in a replay: the daemon's policy over the whole fleet, in one order of time."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from outkept.app.replay_world import Rules, World
from outkept.config.settings import RangeSettings, ReactionSettings, Settings
from outkept.model.action import ReactionMode
from outkept.model.reading import Reading, Sample
from outkept.model.sensor import Sensor
from outkept.model.server import Facts, Identity, Server

START = 1_699_999_200.0
SENSOR = Sensor("load", "cmd", alarm=10, reactive="systemctl restart load", cooldown=300)
UP, DOWN = 11.0, 1.0


def servers(count: int) -> list[Server]:
    """`s0`, `s1` …, the even ones in Lisbon."""
    return [
        Server(
            f"s{n}",
            Identity("", hostname=f"s{n}"),
            Facts(),
            (),
            "ops",
            START,
            START,
            labels={"site": "porto" if n % 2 else "lisbon"},
        )
        for n in range(count)
    ]


def world(
    readings: Sequence[tuple[float, str, float]],
    *,
    sensor: Sensor = SENSOR,
    count: int = 100,
    seconds: float = 86400.0,
    mode: ReactionMode | None = None,
    **reactions: Any,
) -> World:
    """What comes of values at seconds after START on servers."""
    said = ReactionSettings.model_validate({"mode": "on"} | reactions)
    settings = Settings(ranges=(RangeSettings(range="127.0.0.1"),), reactions=said)
    rules = Rules("as configured", settings, (sensor,), mode)
    made = World(rules, servers(count), START, START + seconds)
    for after, server, value in readings:
        known = made.sensor(server, sensor.name)
        assert known is not None
        samples = (Sample(None, value),)
        made.take(known, Reading(server, sensor.name, START + after, samples))
    made.settle()
    made.end()
    return made


def times(made: World, type_: str = "reaction") -> list[tuple[float, str]]:
    return [(round(one.at - START), one.server) for one in made.report.told if one.type == type_]


def held(made: World) -> Counter[str]:
    return made.report.total.held


def test_each_alarm_has_its_reaction() -> None:
    made = world([(0, "s0", UP), (10, "s0", DOWN), (400, "s0", UP), (410, "s1", UP)])
    assert times(made) == [(0, "s0"), (400, "s0"), (410, "s1")]
    figures = made.report.sensors["load"]
    assert (figures.alarms, figures.reactions, figures.alarmed_s) == (3, 3, 10 + 2 * 86400 - 810)
    assert figures.reacted == {"s0": 2, "s1": 1}
    assert figures.command == "systemctl restart load"


def test_a_cooldown_holds_until_it_has_passed_or_the_alarm_is_left() -> None:
    up_again = [(0, "s0", UP), (10, "s0", DOWN), (20, "s0", UP)]
    still = world(up_again)
    assert times(still) == [(0, "s0"), (300, "s0")]
    assert not held(still)
    left = world([*up_again, (200, "s0", DOWN)])
    assert times(left) == [(0, "s0")]
    assert held(left) == {"cooldown": 1}
    passed = world([*up_again, (400, "s0", DOWN)])
    assert times(passed) == [(0, "s0"), (300, "s0")]
    assert [one.at for one in left.report.told] == sorted(one.at for one in left.report.told)
    at_the_end = world(up_again, seconds=100)
    assert held(at_the_end) == {"cooldown": 1}


def test_a_reaction_that_waited_is_held_while_the_series_flaps() -> None:
    swings = [DOWN if n % 2 else UP for n in range(6)]
    up = every_10_s([*swings, *[UP] * 60])
    assert times(world(up), "flapping") == [(50, "s0")]
    assert times(world(up)) == [(0, "s0"), (360, "s0")]
    down = world(every_10_s([*swings, *[DOWN] * 60]))
    assert times(down) == [(0, "s0")]
    assert held(down) == {"cooldown": 1, "flapping": 1}


def every_10_s(values: Sequence[float]) -> list[tuple[float, str, float]]:
    return [(10.0 * n, "s0", value) for n, value in enumerate(values)]


def test_caps_are_counted_in_one_order_of_time_over_the_fleet() -> None:
    """Series come one after the other, as they lie in the chunks, not as they happened."""
    made = world(
        [(30, "s0", UP), (10, "s1", UP), (20, "s2", UP), (2000, "s3", UP)],
        count=20,
        share={"fleet": "10%", "within": "10m"},
    )
    assert times(made) == [(10, "s1"), (20, "s2"), (2000, "s3")]
    assert held(made) == {"share": 1}
    assert "10 % of 20 is the most" in made.report.total.reasons["share"]


def test_a_label_has_a_share_of_its_own() -> None:
    made = world(
        [(10, "s0", UP), (20, "s2", UP), (30, "s1", UP)],
        count=10,
        share={"fleet": "100%", "labels": {"site": "20%"}, "within": "10m"},
    )
    assert times(made) == [(10, "s0"), (30, "s1")]
    assert held(made) == {"label share": 1}


def test_a_latch_holds_until_the_end() -> None:
    swings = [
        (600 * n + 10 * (value == DOWN), "s0", value) for n in range(6) for value in (UP, DOWN)
    ]
    made = world(swings, latch={"runs": 3, "within": "1h"})
    assert len(times(made)) == 3
    assert held(made) == {"runs": 1, "latched": 2}


def test_zero_and_off_hold_and_a_dry_run_counts_as_what_it_writes_down() -> None:
    zero = world([(0, "s0", 0.0)], sensor=replace(SENSOR, zero=True))
    assert held(zero) == {"zero": 1}
    assert held(world([(0, "s0", UP)], mode=ReactionMode.OFF)) == {"mode": 1}
    dry = world([(0, "s0", UP)], mode=ReactionMode.DRY_RUN)
    assert (dry.report.total.reactions, held(dry)) == (1, {})


@pytest.mark.parametrize("reactive", [None, "fix"])
def test_a_sensor_without_a_reaction_has_none_to_hold(reactive: str | None) -> None:
    made = world([(0, "s0", UP)], sensor=replace(SENSOR, reactive=reactive))
    assert made.report.total.reactions == (reactive is not None)
    assert not held(made)
