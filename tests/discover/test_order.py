from itertools import islice, pairwise

from hypothesis import given
from hypothesis import strategies as st

from outkept.discover.order import permutation


@given(size=st.integers(0, 3000), seed=st.integers())
def test_every_number_comes_exactly_once(size: int, seed: int) -> None:
    assert sorted(permutation(size, seed)) == list(range(size))


def test_a_whole_slash_16_is_covered() -> None:
    assert len(set(permutation(1 << 16, 7))) == 1 << 16


def test_seeds_give_different_orders_and_the_same_seed_the_same() -> None:
    first = list(permutation(500, 1))
    assert first == list(permutation(500, 1))
    assert first != list(permutation(500, 2))


def test_neighbours_are_not_visited_one_after_the_other() -> None:
    order = list(permutation(4096, 3))
    near = sum(abs(a - b) < 16 for a, b in pairwise(order))
    assert near < len(order) * 0.05


def test_low_bits_do_not_take_turns() -> None:
    order = list(permutation(4096, 3))
    turns = sum((a ^ b) & 1 for a, b in pairwise(order))
    assert 0.4 < turns / len(order) < 0.6


def test_a_huge_range_starts_at_once() -> None:
    assert len(list(islice(permutation(1 << 60, 1), 10))) == 10
