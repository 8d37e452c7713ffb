"""Ticks lie on a grid that a restart doesn't move, spread by the server's id."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outkept.model.reading import Sample
from outkept.poll.backoff import Backoff
from outkept.poll.rates import Counters
from outkept.poll.schedule import next_due, offset

INTERVALS = st.floats(0.1, 86_400)
MOMENTS = st.floats(0, 2e9)


@given(st.text(max_size=20), INTERVALS, MOMENTS)
def test_the_next_tick_comes_within_one_interval(server: str, every: float, now: float) -> None:
    due = next_due(server, every, now)
    assert now < due <= now + every * 1.001 + 1e-5


@given(st.text(max_size=20), st.integers(1, 3600), st.integers(0, 2_000_000_000), st.floats(0, 1))
def test_the_grid_is_the_same_whenever_it_is_asked(
    server: str, every: int, now: int, later: float
) -> None:
    steps = (next_due(server, every, now + later * every) - next_due(server, every, now)) / every
    assert steps == pytest.approx(round(steps), abs=1e-4)


def test_servers_are_spread_over_the_interval() -> None:
    tenths = [0] * 10
    for n in range(2000):
        tenths[int(offset(f"server-{n}", 10.0))] += 1
    assert min(tenths) > 150
    assert max(tenths) < 250


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_redials_wait_between_half_a_second_and_the_longest(failures: int, chance: float) -> None:
    assert 0.5 <= Backoff().delay(failures, chance) <= Backoff().longest


def test_redials_wait_longer_after_more_failures() -> None:
    delays = [Backoff().delay(failures, 0.5) for failures in range(1, 8)]
    assert delays == sorted(delays)
    assert delays[0] < delays[-1]


def test_a_counter_has_no_rate_at_first_and_then_its_increase_a_second() -> None:
    counters = Counters()
    assert counters.rates([Sample("eth0", 1000.0)], at=10.0) == ()
    assert counters.rates([Sample("eth0", 3000.0)], at=14.0) == (Sample("eth0", 500.0),)


def test_a_rate_has_as_many_digits_as_the_clock_justifies() -> None:
    counters = Counters()
    counters.rates([Sample(None, 0.0)], at=0.0)
    assert counters.rates([Sample(None, 1_234_567.0)], at=10.0013) == (Sample(None, 123_400.0),)
    assert counters.rates([Sample(None, 1_234_568.0)], at=20.0026) == (Sample(None, 0.09999),)


def test_a_counter_that_fell_starts_anew() -> None:
    counters = Counters()
    counters.rates([Sample(None, 1000.0)], at=0.0)
    assert counters.rates([Sample(None, 10.0)], at=1.0) == ()
    assert counters.rates([Sample(None, 12.0)], at=2.0) == (Sample(None, 2.0),)


def test_an_instance_that_went_away_and_came_back_starts_anew() -> None:
    counters = Counters()
    counters.rates([Sample("a", 1.0), Sample("b", 1.0)], at=0.0)
    counters.rates([Sample("a", 2.0)], at=1.0)
    assert counters.rates([Sample("a", 3.0), Sample("b", 9.0)], at=2.0) == (Sample("a", 1.0),)
