"""What may be passed over in a replay, and what a row of several readings stands for."""

from math import fsum, isclose

from hypothesis import given
from hypothesis import strategies as st

from outkept.evaluate.replayed import can_trip, is_calm, not_recorded, spread
from outkept.evaluate.thresholds import judge
from outkept.model.level import Level
from outkept.model.reading import Sample
from outkept.model.sensor import Parse, Sensor

NUMBERS = st.integers(-20, 20).map(float)
SENSORS = st.builds(
    lambda warning, alarm, inverted, zero: Sensor(
        "s", "cmd", warning=warning, alarm=alarm, inverted=inverted, zero=zero
    ),
    st.none() | NUMBERS,
    st.none() | NUMBERS,
    st.booleans(),
    st.booleans(),
)


@given(SENSORS, st.lists(NUMBERS, min_size=1))
def test_what_is_calm_has_no_value_that_trips(sensor: Sensor, values: list[float]) -> None:
    if is_calm(sensor, min(values), max(values)):
        assert {judge(sensor, Sample(None, value)) for value in values} == {Level.NORMAL}


@given(SENSORS, NUMBERS)
def test_what_can_not_trip_never_does(sensor: Sensor, value: float) -> None:
    if not can_trip(sensor):
        assert judge(sensor, Sample(None, value)) is Level.NORMAL


def test_a_span_around_zero_is_not_calm_where_zero_alarms() -> None:
    sensor = Sensor("s", "cmd", zero=True, alarm=50)
    assert is_calm(sensor, 1, 49)
    assert not is_calm(sensor, -1, 1)
    assert not is_calm(sensor, 0, 1)
    assert not is_calm(sensor, 1, 50)


def test_what_judges_itself_is_not_recorded() -> None:
    assert not_recorded(Sensor("s", "cmd", parse=Parse.NAGIOS))
    assert not not_recorded(Sensor("s", "cmd", parse=Parse.TABLE))


@given(SENSORS, st.lists(NUMBERS, min_size=1, max_size=60), st.booleans())
def test_a_row_is_replayed_as_what_it_says(
    sensor: Sensor, values: list[float], worse_first: bool
) -> None:
    n, low, high, mean = len(values), min(values), max(values), fsum(values) / len(values)
    found = spread(sensor, (120.0, 60.0, n, low, mean, high), worse_first=worse_first)
    times, back = [at for at, _ in found], [value for _, value in found]
    assert len(back) == n
    assert (min(back), max(back)) == (low, high)
    assert times == sorted(set(times))
    assert times[0] == 120
    assert times[-1] < 180
    # As near to the mean as two values come, both of which have to be there.
    assert abs(fsum(back) / n - mean) <= (high - low) / n + 1e-9
    if n <= 2 or low == high:
        assert sorted(back) == sorted(values)
        assert isclose(fsum(back) / n, mean, abs_tol=1e-12)
    levels = [judge(sensor, Sample(None, value)).severity for value in back]
    assert levels == sorted(levels, reverse=worse_first)
