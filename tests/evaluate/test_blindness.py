"""When so many servers are lost at once that it may be us."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outkept.config.settings import BlindSettings
from outkept.evaluate.blindness import Canaries, Count, Doubt, Ending, consider

RULE = BlindSettings(share=0.5, at_least=3, within="60s", hold="600s")  # type: ignore[arg-type]
NONE, ANSWER, UNSURE, SILENT = Canaries


def count(connected: int, away: int, lately: int | None = None) -> Count:
    return Count(connected, away, away if lately is None else lately)


@pytest.mark.parametrize(
    ("found", "doubted"),
    [
        (count(3, 3), True),
        (count(4, 3), False),
        (count(0, 2), False),
        (count(0, 3), True),
        (count(1, 5, 2), False),
        (count(0, 6, 3), True),
        (count(0, 7, 3), False),
        (count(0, 0), False),
    ],
)
def test_it_takes_enough_servers_and_a_share_of_them_lost_lately(
    found: Count, doubted: bool
) -> None:
    assert (consider(RULE, None, found, 0, NONE) is not None) is doubted
    assert (consider(RULE, None, found, 0, UNSURE) is not None) is doubted


def test_a_canary_that_answers_says_that_it_is_not_us() -> None:
    assert consider(RULE, None, count(0, 9), 0, ANSWER) is None


def test_silent_canaries_say_that_it_is_us_whoever_is_lost() -> None:
    doubt = consider(RULE, None, count(9, 0), 0, SILENT)
    assert doubt is not None
    # For as long as they are silent, whatever else.
    doubt = consider(RULE, doubt, count(0, 9), 10_000, SILENT)
    assert doubt is not None
    assert doubt.ended is None
    doubt = consider(RULE, doubt, count(0, 9), 10_599, ANSWER)
    assert doubt is not None
    assert doubt.ended is None
    over = consider(RULE, doubt, count(0, 9), 10_600, ANSWER)
    assert over is not None
    assert over.ended is Ending.AWAY


def test_it_ends_when_half_are_back_and_when_it_was_held_for_long_enough() -> None:
    doubt = consider(RULE, None, count(0, 6), 100, NONE)
    doubt = consider(RULE, doubt, count(0, 8, 0), 200, NONE)
    assert doubt is not None
    assert (doubt.most, doubt.ended) == (8, None)
    for left, when, ended in [
        (5, 699, None),
        (4, 300, Ending.BACK),
        (5, 700, Ending.AWAY),
        (4, 700, Ending.BACK),
    ]:
        found = consider(RULE, doubt, count(8 - left, left, 0), when, NONE)
        assert found is not None
        assert found.ended is ended


def test_it_never_begins_where_it_is_switched_off() -> None:
    off = BlindSettings(at_least=0)
    assert consider(off, None, count(0, 1000), 0, NONE) is None
    assert consider(off, None, count(1000, 0), 0, SILENT) is not None


COUNTS = st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(0, 8)).map(
    lambda three: Count(three[0], three[1], min(three[1], three[2]))
)
STEPS = st.lists(st.tuples(COUNTS, st.integers(1, 300), st.sampled_from(Canaries)), max_size=40)


def model(steps: list[tuple[Count, int, Canaries]]) -> Iterator[bool]:
    """Whether we may be blind, by all that was counted since it began."""
    now, seen, quiet = 0, list[int](), 0
    for found, gap, heard in steps:
        now += gap
        many = found.lately >= 3 and 2 * found.lately >= found.connected + found.away
        if seen:
            seen.append(found.away)
            back = 2 * found.away <= max(seen)
            if heard is SILENT:
                quiet = now
            elif back or now - quiet >= 600:
                seen = []
        elif heard is SILENT or (many and heard is not ANSWER):
            seen, quiet = [found.away], now
        yield bool(seen)


@given(STEPS)
def test_it_agrees_with_a_simple_model(steps: list[tuple[Count, int, Canaries]]) -> None:
    doubt: Doubt | None = None
    now, found = 0, []
    for counted, gap, heard in steps:
        now += gap
        doubt = consider(RULE, doubt, counted, now, heard)
        if doubt is not None and doubt.ended is not None:
            doubt = None
        found.append(doubt is not None)
    assert found == list(model(steps))
