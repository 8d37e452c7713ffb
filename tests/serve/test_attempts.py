"""How often passwords may be tried."""

from hypothesis import given
from hypothesis import strategies as st

from outkept.serve import attempts
from outkept.serve.attempts import (
    FORGET_AFTER,
    FREE_FOR_ADDRESS,
    FREE_FOR_USER,
    LONGEST_WAIT,
    Attempts,
)


def test_the_first_failures_cost_no_wait() -> None:
    tried = Attempts()
    for _ in range(FREE_FOR_USER):
        assert tried.wait("ada", "10.0.0.1", 0.0) == 0
        tried.begin("ada", "10.0.0.1", 0.0)
    assert tried.wait("ada", "10.0.0.1", 0.0) == 1
    assert tried.wait("ada", "10.0.0.1", 0.5) == 0.5


def test_a_user_waits_wherever_the_next_attempt_comes_from() -> None:
    tried = Attempts()
    for number in range(FREE_FOR_USER):
        tried.begin("ada", f"10.0.0.{number}", 0.0)
    assert tried.wait("ada", "192.0.2.1", 0.0) > 0
    assert tried.wait("bob", "192.0.2.1", 0.0) == 0


def test_an_address_waits_whoever_it_tries_next() -> None:
    tried = Attempts()
    for number in range(FREE_FOR_ADDRESS):
        tried.begin(f"user{number}", "10.0.0.1", 0.0)
    assert tried.wait("ada", "10.0.0.1", 0.0) > 0
    assert tried.wait("ada", "10.0.0.2", 0.0) == 0


def test_a_whole_network_of_ipv6_is_one_address() -> None:
    tried = Attempts()
    for number in range(FREE_FOR_ADDRESS):
        tried.begin(f"user{number}", f"2001:db8::{number:x}", 0.0)
    assert tried.wait("ada", "2001:db8::ffff", 0.0) > 0
    assert tried.wait("ada", "2001:db8:0:1::1", 0.0) == 0


def test_the_wait_doubles_up_to_the_longest() -> None:
    tried, now, waits = Attempts(), 0.0, []
    for _ in range(FREE_FOR_USER + 15):
        tried.begin("ada", "", now)
        waits.append(tried.wait("ada", "", now))
        now += waits[-1]
    grown = waits[FREE_FOR_USER - 1 :]
    assert grown[:5] == [1, 2, 4, 8, 16]
    assert grown[-1] == LONGEST_WAIT


def test_success_forgets_the_user_but_not_the_address() -> None:
    tried = Attempts()
    for _ in range(FREE_FOR_ADDRESS - 1):
        tried.begin("victim", "10.0.0.1", 0.0)
    tried.begin("attacker", "10.0.0.1", 0.0)
    tried.succeeded("attacker", "10.0.0.1")
    assert tried.wait("attacker", "10.0.0.1", 0.0) == 0
    tried.begin("another", "10.0.0.1", 0.0)
    assert tried.wait("another", "10.0.0.1", 0.0) > 0


def test_failures_are_forgotten_in_the_end() -> None:
    tried = Attempts()
    for _ in range(FREE_FOR_USER):
        tried.begin("ada", "10.0.0.1", 0.0)
    tried.begin("ada", "10.0.0.1", FORGET_AFTER)
    assert tried.wait("ada", "10.0.0.1", FORGET_AFTER) == 0


@given(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3)), max_size=60))
def test_what_is_remembered_is_bounded(tries: list[tuple[str, str]]) -> None:
    tried, before = Attempts(), attempts.MOST
    attempts.MOST = 10
    try:
        for now, (user, address) in enumerate(tries):
            tried.begin(user, address, float(now))
            assert len(tried) <= 10
    finally:
        attempts.MOST = before
