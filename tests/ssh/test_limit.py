"""The learned channel limit, as values."""

from hypothesis import given
from hypothesis import strategies as st

from outkept.ssh.limit import CEILING, GROW_AFTER_S, START, ChannelLimit


def test_it_starts_at_four_and_grows_with_success_to_eight() -> None:
    limit = ChannelLimit()
    seen = [limit.value]
    for now in range(20):
        limit.accepted(limit.value, float(now))
        seen.append(limit.value)
    assert (seen[0], max(seen)) == (START, CEILING)


def test_success_below_the_limit_teaches_nothing() -> None:
    limit = ChannelLimit()
    limit.accepted(1, 0.0)
    assert limit.value == START


def test_a_bound_is_never_passed() -> None:
    limit = ChannelLimit(bound=1, learned=8)
    limit.accepted(1, 0.0)
    assert limit.value == 1


def test_a_refusal_takes_it_down_to_what_was_held() -> None:
    limit = ChannelLimit()
    limit.refused(held=2, sent_under=4, now=0.0)
    assert limit.value == 2
    # The other open that was refused in the same moment tells nothing new.
    limit.refused(held=2, sent_under=4, now=0.0)
    assert limit.value == 2


def test_a_refusal_under_the_present_limit_lowers_it() -> None:
    limit = ChannelLimit(learned=2)
    limit.refused(held=2, sent_under=2, now=0.0)
    assert limit.value == 1
    limit.refused(held=0, sent_under=1, now=0.0)
    assert limit.value == 1


def test_after_a_refusal_one_more_is_tried_only_hours_later() -> None:
    limit = ChannelLimit()
    limit.refused(held=2, sent_under=4, now=100.0)
    limit.accepted(2, 100.0 + GROW_AFTER_S - 1)
    assert limit.value == 2
    limit.accepted(2, 100.0 + GROW_AFTER_S)
    assert limit.value == 3
    limit.accepted(3, 101.0 + GROW_AFTER_S)
    assert limit.value == 3


def test_what_was_learned_earlier_is_kept_for_hours() -> None:
    limit = ChannelLimit(learned=2)
    for now in (10.0, 100.0, 10.0 + GROW_AFTER_S - 1):
        limit.accepted(2, now)
    assert limit.value == 2
    limit.accepted(2, 10.0 + GROW_AFTER_S)
    assert limit.value == 3


@given(
    bound=st.one_of(st.none(), st.integers(1, 20)),
    learned=st.one_of(st.none(), st.integers(-1, 30)),
    events=st.lists(st.tuples(st.booleans(), st.integers(0, 30), st.floats(0, 1e5)), max_size=60),
)
def test_it_stays_between_one_and_its_ceiling(
    bound: int | None, learned: int | None, events: list[tuple[bool, int, float]]
) -> None:
    limit = ChannelLimit(bound=bound, learned=learned)
    now = 0.0
    for refused, count, later in events:
        now += later
        before = limit.value
        if refused:
            limit.refused(count, before, now)
            assert limit.value <= max(1, before - 1)
        else:
            limit.accepted(count, now)
            assert before <= limit.value <= before + 1
        assert 1 <= limit.value <= limit.ceiling


@given(sessions=st.integers(1, 10), seed=st.integers(0, 1000))
def test_it_settles_at_what_the_server_gives(sessions: int, seed: int) -> None:
    limit = ChannelLimit()
    now = float(seed)
    for _ in range(30):
        # A server with `sessions` slots, kept full.
        if limit.value > sessions:
            limit.refused(sessions, limit.value, now)
        else:
            limit.accepted(limit.value, now)
        now += 1
    assert limit.value == min(sessions, CEILING)
