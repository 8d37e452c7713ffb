"""Queued up: entered, explained, cured and left, as values."""

from hypothesis import given
from hypothesis import strategies as st

from outkept.model.channels import Cure
from outkept.ssh.pressure import Pressure


def cure(channels: int) -> str:
    return f"set MaxSessions to {channels}"


def busy(took: dict[str, float], every: float, waited: float) -> Pressure:
    pressure = Pressure()
    for key, seconds in took.items():
        pressure.completed(key, waited, seconds, every, 100.0)
    return pressure


def test_it_names_the_greatest_users_and_both_cures() -> None:
    took = {"load": 14.0, "mysql": 10.0, "time": 4.0, "users": 6.0}
    text = busy(took, every=10.0, waited=11.0).explain(100.0, 2, cure)
    assert text == (
        "load, mysql and 2 more need 3.4 channel-seconds a second and the server allows 2:"
        " read them every 17 s, or set MaxSessions to 4"
    )


def test_one_and_three_keys_read_as_a_person_would_say_it() -> None:
    alone = busy({"load": 30.0}, every=10.0, waited=11.0).explain(100.0, 1, cure)
    assert alone.startswith("load needs 3.0 channel-seconds a second")
    three = busy({"a": 30.0, "b": 20.0, "c": 10.0}, 10.0, 11.0).explain(100.0, 1, cure)
    assert three.startswith("a, b and c need 6.0")


def test_where_no_channel_can_be_had_only_the_interval_is_named() -> None:
    text = busy({"load": 30.0, "disk": 10.0}, 10.0, 11.0).explain(100.0, 1, lambda wanted: "")
    assert text.endswith("the server allows 1: read them every 40 s")


def test_long_jobs_that_hold_up_short_ones_are_explained_too() -> None:
    pressure = Pressure()
    pressure.completed("backup", 0.0, 8.0, 60.0, 100.0)
    pressure.completed("load", 6.0, 0.1, 5.0, 100.0)
    assert pressure.explain(100.0, 1, cure) == (
        "backup and load hold the server's 1 channel for up to 8.0 s at a time:"
        " read them every 10 s, or set MaxSessions to 2"
    )


def test_each_use_is_told_the_greatest_first() -> None:
    pressure = busy({"load": 1.0, "mysql": 5.0}, every=10.0, waited=2.0)
    pressure.missed("load", 10.0, 100.0)
    uses = pressure.uses()
    assert [(use.sensor, use.load, use.waited, use.missed) for use in uses] == [
        ("mysql", 0.5, 2.0, 0),
        ("load", 0.1, 2.0, 1),
    ]


def test_the_cure_is_told_in_numbers_while_it_is_needed() -> None:
    pressure = busy({"load": 14.0, "mysql": 20.0}, every=10.0, waited=11.0)
    assert pressure.cure(100.0, 2, cure) == Cure(
        "mysql and load need 3.4 channel-seconds a second and the server allows 2",
        17,
        4,
        "set MaxSessions to 4",
    )
    assert pressure.cure(200.0, 2, cure) is None


def test_an_interval_that_was_not_kept_is_no_cure() -> None:
    pressure = Pressure()
    pressure.completed("backup", 0.0, 1.0, 60.0, 100.0)
    pressure.completed("load", 6.0, 0.1, 5.0, 100.0)
    found = pressure.cure(100.0, 2, cure)
    assert found is not None
    assert found.interval_s == 6


def test_waiting_less_than_the_interval_is_in_time() -> None:
    assert busy({"load": 1.0}, every=10.0, waited=9.9).explain(100.0, 1, cure) == ""


def test_a_tick_missed_for_want_of_a_channel_enters_it() -> None:
    pressure = Pressure()
    pressure.missed("load", 10.0, 50.0)
    assert pressure.queued_up(50.0)
    assert pressure.explain(50.0, 1, cure)


def test_a_first_run_counts_whole_though_ticks_were_missed_before_it() -> None:
    pressure = Pressure()
    pressure.missed("load", 5.0, 100.0)
    pressure.completed("load", 8.0, 12.0, 5.0, 101.0)
    (use,) = pressure.uses()
    assert (use.took, use.waited, use.missed) == (12.0, 8.0, 1)


def test_it_is_left_after_a_window_without_lateness_and_not_before() -> None:
    pressure = busy({"load": 1.0, "disk": 1.0}, every=10.0, waited=11.0)
    for now in (105.0, 115.0, 129.9):
        pressure.completed("load", 0.0, 1.0, 10.0, now)
        assert pressure.queued_up(now)
    assert not pressure.queued_up(130.0)
    assert pressure.explain(130.0, 1, cure) == ""


def test_the_window_is_at_least_ten_seconds() -> None:
    pressure = busy({"load": 1.0}, every=0.1, waited=1.0)
    assert pressure.queued_up(109.9)
    assert not pressure.queued_up(110.0)


def test_a_late_job_within_the_window_begins_it_anew() -> None:
    pressure = busy({"load": 1.0}, every=10.0, waited=11.0)
    pressure.completed("load", 12.0, 1.0, 10.0, 125.0)
    assert pressure.queued_up(154.9)
    assert not pressure.queued_up(155.0)


def _entered(late: list[float], until: float) -> list[float]:
    """When it was entered, looked at every second, with a job that was late at each of these."""
    pressure, entered, before = Pressure(), [], False
    for now in range(int(until)):
        if now in late:
            pressure.completed("load", 2.0, 1.0, 1.0, float(now))
        if (is_ := pressure.queued_up(float(now))) and not before:
            entered.append(float(now))
        before = is_
    return entered


def test_a_server_that_is_late_now_and_then_is_queued_up_rather_than_again_and_again() -> None:
    every_half_minute = [30.0 * number for number in range(120)]
    assert _entered(every_half_minute, 3600.0) == [0.0, 30.0, 60.0]


def test_late_once_long_after_it_was_left_is_a_new_trouble() -> None:
    # The second time its window is 20 s: it is left at 35.
    assert _entered([0.0, 15.0, 155.0, 170.0], 400.0) == [0.0, 15.0, 155.0, 170.0]
    assert _entered([0.0, 15.0, 154.0, 170.0], 400.0) == [0.0, 15.0, 154.0]


def test_the_window_grows_to_five_minutes_at_most() -> None:
    pressure, entered, now = Pressure(), 0.0, 0.0
    for _ in range(20):
        pressure.completed("load", 2.0, 1.0, 1.0, now)
        entered = now
        while pressure.queued_up(now):
            now += 1.0
    assert now - entered == 320.0


def test_keys_that_are_asked_for_no_more_are_forgotten() -> None:
    pressure = busy({"old": 30.0}, every=1.0, waited=0.0)
    pressure.completed("load", 20.0, 20.0, 10.0, 200.0)
    assert pressure.explain(200.0, 1, cure).startswith("load needs")


@given(
    jobs=st.lists(
        st.tuples(
            st.sampled_from("abcdefgh"),
            st.floats(0, 100),
            st.floats(0, 100),
            st.floats(0.01, 1000),
            st.floats(0, 10),
        ),
        min_size=1,
        max_size=50,
    ),
    limit=st.integers(1, 8),
)
def test_the_interval_it_advises_needs_no_more_than_there_is(
    jobs: list[tuple[str, float, float, float, float]], limit: int
) -> None:
    pressure = Pressure()
    now = 0.0
    for key, waited, took, every, later in jobs:
        now += later
        pressure.completed(key, waited, took, every, now)
    text = pressure.explain(now, limit, cure)
    assert bool(text) == pressure.queued_up(now)
    if text and pressure.need() > limit:
        advised = float(text.split("read them every ")[1].split(" s")[0])
        assert sum(use.took for use in pressure._uses.values()) / advised <= limit * (1 + 1e-9)
        assert int(text.rsplit(" ", 1)[1]) >= pressure.need()
