import pytest
from hypothesis import given
from hypothesis import strategies as st

from outkept.discover.backoff import LEAST_S, MOST_S, next_retry
from outkept.discover.rate import BURST_S, Meter, TokenBucket


@given(
    rate=st.floats(1, 50_000),
    pauses=st.lists(st.floats(0, 0.5), min_size=1, max_size=50),
)
def test_no_more_than_the_rate_and_one_burst_goes(rate: float, pauses: list[float]) -> None:
    now = 100.0
    bucket = TokenBucket(rate, now)
    taken = 0
    for pause in pauses:
        now += pause
        while taken < 100_000 and bucket.take(now):
            taken += 1
    assert taken <= rate * (now - 100.0) + max(1.0, rate * BURST_S) + 1.0


def test_after_the_wait_it_said_there_is_a_token() -> None:
    bucket = TokenBucket(10.0, 0.0)
    assert bucket.take(0.0)
    assert not bucket.take(0.0)
    assert bucket.take(bucket.wait() + 1e-9)


def test_rate_zero_has_no_limit() -> None:
    bucket = TokenBucket(0.0, 0.0)
    assert all(bucket.take(0.0) for _ in range(1000))
    assert bucket.wait() == 0.0


def test_the_shown_rate_follows_the_count() -> None:
    meter = Meter(0.0)
    rates = [meter.note(second * 100, float(second)) for second in range(1, 60)]
    assert rates[-1] == pytest.approx(100.0)


def test_the_shown_rate_is_smooth() -> None:
    meter = Meter(0.0)
    meter.note(100, 1.0)
    assert 70 < meter.note(100, 2.0) < 100


@given(refusals=st.integers(0, 10_000), jitter=st.floats(0, 1))
def test_a_refusal_rests_between_a_minute_and_thirty_hours(refusals: int, jitter: float) -> None:
    rest = next_retry(refusals, 1000.0, jitter) - 1000.0
    assert LEAST_S <= rest <= MOST_S * 1.25


def test_each_refusal_doubles_the_rest() -> None:
    rests = [next_retry(n, 0.0, 0.5) for n in range(1, 14)]
    assert rests[:4] == [60.0, 120.0, 240.0, 480.0]
    assert rests[-1] == MOST_S
