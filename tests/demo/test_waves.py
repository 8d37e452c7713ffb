"""Values that move plausibly."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from outkept.demo.chance import noise
from outkept.demo.waves import Counter, Wave

keys = st.text(max_size=8)
times = st.floats(0, 1e7)


@given(key=keys, t=times)
def test_a_wave_stays_between_minus_one_and_one(key: str, t: float) -> None:
    assert -1 <= Wave(key).at(t) <= 1
    assert Wave(key).at(t) == Wave(key).at(t)


@given(key=keys, t=times, low=st.floats(-1e6, 1e6), span=st.floats(0, 1e6))
def test_a_level_stays_within_its_bounds(key: str, t: float, low: float, span: float) -> None:
    assert low - 1e-3 <= Wave(key).level(t, low, low + span) <= low + span + 1e-3


@given(key=keys, t=times, step=st.floats(0.5, 100), rate=st.floats(10, 1e9))
def test_a_counter_only_grows(key: str, t: float, step: float, rate: float) -> None:
    assert Counter(rate, key).at(t + step) >= Counter(rate, key).at(t) > 0


@given(key=keys, rate=st.floats(1e3, 1e8))
def test_a_counter_grows_by_its_rate_in_the_long_run(key: str, rate: float) -> None:
    hours = 40 * 3600.0
    grown = (Counter(rate, key).at(hours) - Counter(rate, key).at(0)) / hours
    assert 0.8 * rate < grown < 1.2 * rate


@given(key=keys)
def test_a_chart_lives_within_a_minute(key: str) -> None:
    values = [Wave(key).at(t) for t in range(60)]
    assert max(values) - min(values) > 0.15


@given(key=st.integers(0, 1 << 48))
def test_noise_is_spread_evenly_and_repeats(key: int) -> None:
    drawn = [noise(key, n) for n in range(1000)]
    assert all(0 <= one < 1 for one in drawn)
    assert 0.4 < sum(drawn) / len(drawn) < 0.6
    assert sum(one < other for one, other in pairwise(drawn)) in range(400, 600)
    assert drawn == [noise(key, n) for n in range(1000)]
