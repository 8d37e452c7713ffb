"""Thresholds, `for` and `clear`: which level a row of values leads to."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outkept.evaluate.thresholds import is_zero_alarm, judge
from outkept.evaluate.tracker import Change, Track, step
from outkept.model.level import Level
from outkept.model.reading import Sample
from outkept.model.sensor import Sensor

LOAD = Sensor("load", "cmd", warning=5, alarm=10)
N, W, A = Level.NORMAL, Level.WARNED, Level.ALARMED


def walk(sensor: Sensor, values: list[float]) -> list[Level]:
    levels, track = [], Track()
    for value in values:
        track, _ = step(sensor, track, Sample(None, value))
        levels.append(track.level)
    return levels


@pytest.mark.parametrize(
    ("value", "level"), [(4.99, N), (5, W), (9.99, W), (10, A), (1e9, A), (-1, N)]
)
def test_a_threshold_trips_when_it_is_reached(value: float, level: Level) -> None:
    assert judge(LOAD, Sample(None, value)) is level


@pytest.mark.parametrize(("value", "level"), [(11, N), (10, W), (5, A), (0, A)])
def test_inverted_thresholds_trip_below(value: float, level: Level) -> None:
    sensor = Sensor("free", "cmd", warning=10, alarm=5, inverted=True)
    assert judge(sensor, Sample(None, value)) is level


def test_zero_alarms_where_the_sensor_says_so_and_is_known_as_such() -> None:
    sensor = replace(LOAD, zero=True)
    assert judge(sensor, Sample(None, 0.0)) is A
    assert is_zero_alarm(sensor, Sample(None, 0.0))
    assert judge(LOAD, Sample(None, 0.0)) is N
    _, change = step(sensor, Track(), Sample(None, 0.0))
    assert change == Change(N, A, by_zero=True)


def test_texts_are_normal_and_a_command_may_judge_itself() -> None:
    assert judge(LOAD, Sample(None, "99")) is N
    assert judge(LOAD, Sample(None, "text", level=2)) is A
    assert judge(LOAD, Sample(None, 99.0, level=0)) is N


def test_a_level_is_entered_after_for_readings_in_a_row() -> None:
    sensor = replace(LOAD, for_=3)
    assert walk(sensor, [11, 11, 1, 11, 11, 11, 11]) == [N, N, N, N, N, A, A]
    assert walk(sensor, [6, 11, 7, 11, 11]) == [N, N, W, W, W]
    assert walk(sensor, [6, 11, 11, 11]) == [N, N, W, A]


def test_a_level_is_left_at_once_without_clear() -> None:
    assert walk(LOAD, [11, 9, 4, 11, 1]) == [A, W, N, A, N]


def test_a_level_is_kept_until_the_value_passes_clear() -> None:
    sensor = replace(LOAD, clear=3)
    assert walk(sensor, [11, 9, 4, 3.5, 3, 4]) == [A, A, A, A, N, N]
    assert walk(sensor, [6, 4, 11, 4, 2]) == [W, W, A, A, N]


def test_clear_works_upwards_for_inverted_sensors() -> None:
    sensor = Sensor("free", "cmd", warning=10, alarm=5, inverted=True, clear=20)
    assert walk(sensor, [4, 12, 19, 20]) == [A, A, A, N]


def test_an_alarm_restored_after_a_restart_is_not_entered_again() -> None:
    sensor = replace(LOAD, for_=3)
    track, change = step(sensor, Track(A), Sample(None, 12.0))
    assert track.level is A
    assert change is None


SENSORS = st.builds(
    lambda warning, gap, for_, hysteresis: Sensor(
        "s",
        "cmd",
        warning=warning,
        alarm=warning + gap,
        for_=for_,
        clear=None if hysteresis is None else warning - hysteresis,
    ),
    st.integers(-5, 5),
    st.integers(0, 5),
    st.integers(1, 4),
    st.none() | st.integers(0, 5),
)


@given(SENSORS, st.lists(st.integers(-15, 15).map(float), max_size=40))
def test_the_tracker_agrees_with_a_simple_model(sensor: Sensor, values: list[float]) -> None:
    """The model looks back over all values instead of keeping counters."""
    level = N
    raws: list[Level] = []
    for value, tracked in zip(values, walk(sensor, values), strict=True):
        raws.append(judge(sensor, Sample(None, value)))
        row = raws[-sensor.for_ :] if len(raws) >= sensor.for_ else [N]
        entered = min(row, key=lambda raw: raw.severity)
        if entered.severity > level.severity:
            level = entered
        elif raws[-1].severity < level.severity and (sensor.clear is None or value <= sensor.clear):
            level = raws[-1]
        assert tracked is level


@given(SENSORS, st.lists(st.integers(-15, 15).map(float), max_size=40))
def test_changes_are_told_exactly_when_the_level_changes(
    sensor: Sensor, values: list[float]
) -> None:
    track = Track()
    for value in values:
        following, change = step(sensor, track, Sample(None, value))
        assert (change is None) == (following.level is track.level)
        if change:
            assert (change.before, change.after) == (track.level, following.level)
        track = following
