"""When a pool is queued up, until when, and what is said of it."""

from hypothesis import given
from hypothesis import strategies as st

from outkept.ssh.pressure import SHORTEST_WINDOW_S, WINDOW_INTERVALS, Pressure


def none_to_be_had(_: int) -> str:
    return ""


def test_jobs_in_time_are_not_queued_up() -> None:
    pressure = Pressure()
    pressure.completed("load", waited=4.9, took=1.0, every=5.0, now=10.0)
    assert not pressure.queued_up(10.0)
    assert pressure.explain(10.0, 1, none_to_be_had) == ""


def test_a_job_that_waited_longer_than_its_interval_is_queued_up_for_three_of_them() -> None:
    pressure = Pressure()
    pressure.completed("load", waited=5.1, took=1.0, every=5.0, now=10.0)
    assert pressure.queued_up(24.9)
    assert not pressure.queued_up(25.0)


def test_a_sensor_read_once_an_hour_does_not_hold_the_state() -> None:
    pressure = Pressure()
    pressure.completed("kernel", waited=0.0, took=1.0, every=3600.0, now=9.0)
    pressure.missed("load", every=5.0, now=10.0)
    assert pressure.queued_up(10.0)
    assert not pressure.queued_up(25.0)


def test_the_text_names_the_greatest_users_and_a_cure_that_is_enough() -> None:
    pressure = Pressure()
    for key, took in (("mysql", 6.0), ("load", 3.0), ("users", 1.0), ("disk", 1.0)):
        pressure.completed(key, waited=6.0, took=took, every=5.0, now=10.0)
    text = pressure.explain(10.0, 2, lambda channels: f"set MaxSessions to {channels}")
    assert text == (
        "mysql, load and 2 more need 2.2 channel-seconds a second and the server allows 2:"
        " read them every 6 s, or set MaxSessions to 3"
    )


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.floats(0, 60),
            st.floats(0, 60),
            st.sampled_from([1.0, 5.0, 60.0]),
            st.integers(1, 30),
        ),
        max_size=30,
    )
)
def test_the_state_is_left_a_window_after_the_last_late_job(
    jobs: list[tuple[str, float, float, float, int]],
) -> None:
    pressure, now, entered_until = Pressure(), 0.0, 0.0
    window = SHORTEST_WINDOW_S
    for key, waited, took, every, pause in jobs:
        now += pause
        if now >= entered_until:
            window = SHORTEST_WINDOW_S
        assert pressure.queued_up(now) == (now < entered_until)
        pressure.completed(key, waited, took, every, now)
        if waited > every:
            window = max(window, WINDOW_INTERVALS * every)
            entered_until = now + window
        assert pressure.queued_up(now) == (now < entered_until)
