"""Thresholds, `for` and `clear`: which level a row of values leads to."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outkept.evaluate.thresholds import is_zero_alarm, judge
from outkept.evaluate.tracker import CALM, Change, Track, after_gap, step
from outkept.model.level import Level
from outkept.model.reading import Sample
from outkept.model.sensor import Sensor

LOAD = Sensor("load", "cmd", warning=5, alarm=10)
N, W, A = Level.NORMAL, Level.WARNED, Level.ALARMED


EVERY = 10.0


def walk(
    sensor: Sensor, values: Sequence[float], times: Sequence[float] | None = None
) -> list[Level]:
    """The levels that a row of values leads to, read at `times` or every ten seconds."""
    levels, track = [], Track()
    for value, at in zip(values, times or [EVERY * n for n in range(len(values))], strict=True):
        track, _ = step(sensor, track, Sample(None, value), at)
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
    _, change = step(sensor, Track(), Sample(None, 0.0), 0.0)
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
    track, change = step(sensor, Track(A), Sample(None, 12.0), 0.0)
    assert track.level is A
    assert change is None


def test_a_duration_is_waited_out_over_at_least_two_readings() -> None:
    sensor = replace(LOAD, for_=2, for_s=30.0)
    assert walk(sensor, [11, 11, 11, 11, 11]) == [N, N, N, A, A]
    assert walk(sensor, [11, 11, 11, 1, 11, 11, 11, 11]) == [N, N, N, N, N, N, N, A]
    # Each level has its own time, and a reading that is alone says nothing however old it is.
    assert walk(sensor, [6, 6, 11, 11, 11, 11]) == [N, N, N, W, W, A]
    assert walk(sensor, [11, 11], [0, 3600]) == [N, A]


def test_a_clock_that_steps_back_enters_nothing_and_hangs_nothing() -> None:
    sensor = replace(LOAD, for_=2, for_s=30.0)
    times = [5000, 5010, 1000, 1010, 1020, 1029, 1030]
    assert walk(sensor, [11] * 7, times) == [N, N, N, N, N, N, A]
    # What is alarmed already stays so.
    assert walk(sensor, [11] * 6, [0, 30, 40, 0, 10, 20]) == [N, A, A, A, A, A]


def test_a_gap_without_readings_does_not_count() -> None:
    sensor = replace(LOAD, for_=2, for_s=30.0)
    track, _ = step(sensor, Track(), Sample(None, 11.0), 0.0)
    track, change = step(sensor, after_gap(track, 3600.0), Sample(None, 11.0), 3600.0)
    assert change is None
    track, change = step(sensor, track, Sample(None, 11.0), 3630.0)
    assert change == Change(N, A)
    assert after_gap(CALM, 9.0) is CALM
    assert after_gap(Track(A), 9.0) == Track(A)


SENSORS = st.builds(
    lambda warning, gap, for_, for_s, hysteresis: Sensor(
        "s",
        "cmd",
        warning=warning,
        alarm=warning + gap,
        for_=for_,
        for_s=for_s,
        clear=None if hysteresis is None else warning - hysteresis,
    ),
    st.integers(-5, 5),
    st.integers(0, 5),
    st.integers(1, 4),
    st.sampled_from([0.0, 0.0, 10.0, 25.0]),
    st.none() | st.integers(0, 5),
)
READINGS = st.lists(
    st.tuples(st.integers(-15, 15).map(float), st.integers(0, 20).map(float)), max_size=40
)
"""Values, and the seconds since the one before."""


def timed(readings: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [value for value, _ in readings], list(accumulate(gap for _, gap in readings))


def model(sensor: Sensor, values: list[float], times: list[float]) -> Iterator[Level]:
    """Looks back over all readings each time, instead of keeping counters."""
    level = N
    raws: list[Level] = []
    for value, at in zip(values, times, strict=True):
        raws.append(judge(sensor, Sample(None, value)))
        held = [N]
        for wanted in (W, A):
            row = list(takewhile(lambda raw: raw.severity >= wanted.severity, reversed(raws)))  # noqa: B023
            if len(row) >= sensor.for_ and at - times[len(raws) - len(row)] >= sensor.for_s:
                held.append(wanted)
        if held[-1].severity > level.severity:
            level = held[-1]
        elif raws[-1].severity < level.severity and (sensor.clear is None or value <= sensor.clear):
            level = raws[-1]
        yield level


@given(SENSORS, READINGS)
def test_the_tracker_agrees_with_a_simple_model(
    sensor: Sensor, readings: list[tuple[float, float]]
) -> None:
    values, times = timed(readings)
    assert walk(sensor, values, times) == list(model(sensor, values, times))


@given(SENSORS, READINGS, st.integers(0, 40), st.floats(1.0, 1e6))
def test_a_clock_that_steps_back_only_ever_enters_later(
    sensor: Sensor, readings: list[tuple[float, float]], when: int, by: float
) -> None:
    """Never before its time, and no later than if the series had begun with the step."""
    sensor = replace(sensor, clear=None)
    values, times = timed(readings)
    stepped = [at - by * (n >= when) for n, at in enumerate(times)]
    found = walk(sensor, values, stepped)
    anew = [N] * min(when, len(values)) + list(model(sensor, values[when:], times[when:]))
    for least, level, most in zip(anew, found, walk(sensor, values, times), strict=True):
        assert least.severity <= level.severity <= most.severity


@given(SENSORS, READINGS)
def test_changes_are_told_exactly_when_the_level_changes(
    sensor: Sensor, readings: list[tuple[float, float]]
) -> None:
    track = Track()
    for value, at in zip(*timed(readings), strict=True):
        following, change = step(sensor, track, Sample(None, value), at)
        assert (change is None) == (following.level is track.level)
        if change:
            assert (change.before, change.after) == (track.level, following.level)
        track = following
