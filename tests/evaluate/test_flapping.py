"""When changes of level come so often that they are told as one thing."""

from collections.abc import Iterator
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from outkept.config.settings import FlappingSettings
from outkept.evaluate.flapping import STEADY, Flap, changed, settled, still_flapping

RULE = FlappingSettings(changes=4, within="60s", steady="30s")  # type: ignore[arg-type]


def after(*times: float, rule: FlappingSettings = RULE) -> Flap:
    flap = STEADY
    for at in times:
        flap = changed(rule, flap, at)
    return flap


def test_as_many_changes_as_that_within_the_time_are_flapping() -> None:
    assert not after(0, 10, 20).flapping
    assert after(0, 10, 20, 59).flapping
    assert not after(0, 10, 20, 60).flapping
    assert after(0, 10, 20, 60, 61, 62).flapping


def test_it_is_over_once_the_level_has_stayed_the_same_for_long_enough() -> None:
    flap = after(0, 1, 2, 3, 20)
    assert settled(RULE, flap, 49).flapping
    assert settled(RULE, flap, 50) is STEADY
    # What is over is forgotten: it takes as many changes to begin again.
    assert not changed(RULE, settled(RULE, flap, 50), 51).flapping


def test_a_few_changes_are_forgotten_in_time() -> None:
    flap = after(0, 1)
    assert settled(RULE, flap, 60) is flap
    assert settled(RULE, flap, 61) is STEADY
    assert settled(RULE, STEADY, 5) is STEADY


def test_no_changes_are_flapping_where_it_is_switched_off() -> None:
    off = FlappingSettings(changes=0)
    assert after(0, 1, 2, 3, 4, 5, rule=off) is STEADY


def test_a_clock_that_steps_back_neither_begins_ends_nor_hangs_it() -> None:
    flap = settled(RULE, after(5000, 5001, 5002, 5003), 100)
    assert flap.flapping
    assert settled(RULE, flap, 129).flapping
    assert settled(RULE, flap, 130) is STEADY
    assert not after(5000, 5001, 5002, 100).flapping


def test_what_was_flapping_before_a_restart_still_is() -> None:
    assert settled(RULE, still_flapping(7), 36).flapping
    assert settled(RULE, still_flapping(7), 37) is STEADY


STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, 40)), max_size=60)
"""Whether a reading changes the level, and the seconds since the one before."""


def model(changes: list[bool], times: list[int]) -> Iterator[bool]:
    """Looks back over all changes each time; `begun` is where it begins to count."""
    flapping, begun = False, 0
    for n, (change, at) in enumerate(zip(changes, times, strict=True)):
        past = [t for t, c in zip(times[begun : n + 1], changes[begun:], strict=False) if c]
        if flapping and not change and at - past[-1] >= RULE.steady:
            flapping, begun = False, n
        elif change and sum(at - t < RULE.within for t in past) >= RULE.changes:
            flapping = True
        yield flapping


@given(STEPS)
def test_it_agrees_with_a_simple_model(steps: list[tuple[bool, int]]) -> None:
    changes, times = [change for change, _ in steps], list(accumulate(gap for _, gap in steps))
    flap, found = STEADY, []
    for change, at in zip(changes, times, strict=True):
        flap = (changed if change else settled)(RULE, flap, at)
        found.append(flap.flapping)
        assert len(flap.changes) <= RULE.changes
    assert found == list(model(changes, times))
