"""Who may travel together, and who runs alone for how long."""

from hypothesis import given
from hypothesis import strategies as st

from outkept.ssh.manners import (
    FIRST_TERM,
    LONGEST_TERM,
    MOST_TOGETHER,
    PIECE_S,
    TRUSTED_AFTER,
    Manners,
    pieces,
    shares,
)


def quick(*keys: str, took: float = 0.002) -> Manners:
    manners = Manners()
    for key in keys:
        for _ in range(TRUSTED_AFTER):
            manners.answered(key, took)
    return manners


def test_a_newcomer_is_answered_by_itself_and_the_quick_together() -> None:
    manners = quick("a", "b", "c")
    jobs = [(name, name) for name in ("new", "a", "b", "c")]
    assert pieces(jobs, manners) == [("a", "b", "c"), ("new",)]


def test_one_slow_answer_costs_the_company_of_others() -> None:
    manners = quick("a", "b")
    manners.answered("a", 0.5)
    assert pieces([("a", "a"), ("b", "b")], manners) == [("b",), ("a",)]


def test_who_cost_a_shell_runs_alone_until_it_behaved_and_longer_each_time() -> None:
    manners = Manners()
    term = FIRST_TERM
    for _ in range(10):
        manners.misbehaved("a")
        for _ in range(term - 1):
            manners.ran_alone("a", True)
        assert manners.alone() == ("a",)
        manners.ran_alone("a", True)
        assert not manners.is_alone("a")
        term = min(LONGEST_TERM, 2 * term)


def test_only_good_runs_in_a_row_count() -> None:
    manners = Manners()
    manners.misbehaved("a")
    for _ in range(20):
        for _ in range(FIRST_TERM - 1):
            manners.ran_alone("a", True)
        manners.ran_alone("a", False)
    assert manners.is_alone("a")


def test_who_failed_in_good_order_returns_with_its_first_success() -> None:
    manners = Manners()
    manners.failed("a")
    manners.ran_alone("a", False)
    assert manners.is_alone("a")
    manners.ran_alone("a", True)
    assert not manners.is_alone("a")


def test_who_fails_in_a_shell_and_works_alone_runs_alone_for_long() -> None:
    manners = Manners()
    manners.failed("a")
    manners.ran_alone("a", True)
    assert manners.is_alone("a")
    assert not manners.is_alone("b")
    assert manners.why_alone() == (("a", "failed in a shell, and works alone"),)


@given(st.lists(st.floats(0, 0.2), max_size=200))
def test_everybody_travels_once_and_no_company_is_too_large(took: list[float]) -> None:
    manners = Manners()
    for n, seconds in enumerate(took):
        for _ in range(TRUSTED_AFTER):
            manners.answered(str(n), seconds)
    cut = pieces([(n, str(n)) for n in range(len(took))], manners)
    assert sorted(n for piece in cut for n in piece) == list(range(len(took)))
    for piece in cut:
        assert 1 <= len(piece) <= MOST_TOGETHER
        total = sum(manners.expected(str(n)) for n in piece)
        assert len(piece) == 1 or total <= PIECE_S + 1e-9


@given(st.lists(st.floats(0, 1), max_size=60), st.integers(1, 5))
def test_shares_are_even_and_complete(costs: list[float], shells: int) -> None:
    split = shares(costs, shells)
    assert len(split) == shells
    assert sorted(index for share in split for index in share) == list(range(len(costs)))
    loads = [sum(costs[index] for index in share) for share in split]
    assert max(loads) - min(loads) <= max(costs, default=0) + 1e-3
