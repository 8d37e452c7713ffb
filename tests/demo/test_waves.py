"""Values that move plausibly."""

from hypothesis import given
from hypothesis import strategies as st

from outkept.demo.waves import counter, level, wave

keys = st.text(max_size=8)
times = st.floats(0, 1e7)


@given(key=keys, t=times)
def test_a_wave_stays_between_minus_one_and_one(key: str, t: float) -> None:
    assert -1 <= wave(key, t) <= 1
    assert wave(key, t) == wave(key, t)


@given(key=keys, t=times, low=st.floats(-1e6, 1e6), span=st.floats(0, 1e6))
def test_a_level_stays_within_its_bounds(key: str, t: float, low: float, span: float) -> None:
    assert low - 1e-3 <= level(key, t, low, low + span) <= low + span + 1e-3


@given(key=keys, t=times, step=st.floats(0.5, 100), rate=st.floats(10, 1e9))
def test_a_counter_only_grows(key: str, t: float, step: float, rate: float) -> None:
    assert counter(key, t + step, rate) >= counter(key, t, rate)


@given(key=keys, rate=st.floats(1e3, 1e8))
def test_a_counter_grows_by_its_rate_in_the_long_run(key: str, rate: float) -> None:
    hours = 40 * 3600.0
    grown = (counter(key, hours, rate) - counter(key, 0, rate)) / hours
    assert 0.8 * rate < grown < 1.2 * rate


@given(key=keys)
def test_a_chart_lives_within_a_minute(key: str) -> None:
    values = [wave(key, t) for t in range(60)]
    assert max(values) - min(values) > 0.15
