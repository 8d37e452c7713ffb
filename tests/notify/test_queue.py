"""Which notice is tried next."""

from hypothesis import given
from hypothesis import strategies as st

from outkept.model.notice import Delivery, Urgency
from outkept.notify.queue import Retries, next_one, next_time

RETRIES = Retries(give_up_after=100.0)


def delivery(number: int, incidents: tuple[int, ...] = (), next_at: float = 0.0) -> Delivery:
    return Delivery(
        "ops", 0.0, str(number), "", "", Urgency.ALARM, incidents, id=number, next_at=next_at
    )


def test_one_that_waits_after_a_failure_holds_up_only_what_is_about_the_same() -> None:
    queue = [delivery(1, (7,), 50.0), delivery(2, (7, 8)), delivery(3, (8,)), delivery(4, (9,))]
    found = next_one(queue, 10.0, RETRIES)
    assert found is not None
    assert found.id == 4
    assert next_one(queue[:3], 10.0, RETRIES) is None
    assert next_time(queue[:3], 10.0, RETRIES) == 50.0


def test_a_time_that_a_wrong_clock_wrote_is_not_waited_for() -> None:
    assert next_time([delivery(1, (), 1e9)], 10.0, RETRIES) == 10.0 + RETRIES.longest


@given(
    st.lists(
        st.builds(
            delivery,
            st.integers(),
            st.lists(st.integers(0, 3), max_size=2).map(tuple),
            st.floats(0, 20),
        ),
        max_size=8,
        unique_by=lambda one: one.id,
    ),
    st.floats(0, 20),
)
def test_what_is_next_is_due_and_the_first_about_its_incidents(
    queue: list[Delivery], now: float
) -> None:
    found = next_one(queue, now, RETRIES)
    ready = [
        one
        for place, one in enumerate(queue)
        if one.next_at <= now
        and not any(set(before.incidents) & set(one.incidents) for before in queue[:place])
    ]
    assert (found in ready) if found else not ready


@given(st.integers(1, 1000), st.floats(0, 1, exclude_max=True))
def test_pauses_grow_to_a_bound(failures: int, chance: float) -> None:
    pause = RETRIES.pause(failures, chance)
    assert RETRIES.first / 2 <= pause <= RETRIES.longest
    assert pause <= RETRIES.pause(failures + 2, chance)


def test_a_clock_that_is_set_forward_gives_nothing_up() -> None:
    fresh = delivery(1)
    assert not RETRIES.over(fresh, 1e9)
