"""What the judge says of series and sensors, and what it keeps to itself."""

import time
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outkept.app.judge import ABSENT_AFTER, Held
from outkept.app.lookout import Lookout
from outkept.app.sessions import Sessions
from outkept.config.settings import JudgingSettings
from outkept.model.event import Condition
from outkept.model.incident import Incident, following, key_of
from outkept.model.level import Level
from tests.app.bench import DISK, LOAD, NOW, Bench
from tests.app.reacting import yard

RESTLESS = JudgingSettings.model_validate(
    {"flapping": {"changes": 4, "within": "60s", "steady": "30s"}}
)
FAILED = {"failed_after": "60s", "stale_after": "60s"}


def restless() -> Bench:
    """A bench whose load has just begun to flap."""
    bench = Bench(RESTLESS)
    for value in (11, 1, 11, 1):
        bench.read(LOAD, _=value)
        bench.wait(5)
    return bench


def test_flapping_is_said_once_and_the_changes_no_more() -> None:
    bench = restless()
    assert bench.types == ["alarmed", "recovered", "alarmed", "flapping"]
    assert bench.last == (
        "web1: load is flapping: its level changed 4 times within 1m; it is 1 tasks now"
    )
    assert bench.live.series["load", None].flapping
    for value in (11, 6, 1, 11):
        bench.read(LOAD, _=value)
    assert len(bench.told) == 4
    assert bench.status("load") == "alarmed"
    assert bench.live.raised == {"load"}


def test_what_begins_to_flap_while_alarmed_opens_an_alarm_and_gets_no_reaction() -> None:
    bench = Bench(RESTLESS)
    for value in (6, 11, 1, 11):
        bench.read(LOAD, _=value)
    assert bench.types == ["warned", "alarmed", "recovered", "flapping"]
    event, alarm = bench.told[-1]
    incident = following(None, event)
    assert incident is not None
    assert (incident.level, incident.flapping, alarm) == (Level.ALARMED, True, None)


@pytest.mark.parametrize(
    ("value", "type_", "said"),
    [(1, "recovered", "normal at 1"), (6, "warned", "warned at 6"), (11, "alarmed", "alarmed at")],
)
def test_when_it_is_steady_again_it_is_said_what_it_is(value: int, type_: str, said: str) -> None:
    bench = restless()
    bench.read(LOAD, _=11)
    bench.read(LOAD, _=value)
    bench.wait(29)
    bench.read(LOAD, _=value)
    assert len(bench.told) == 4
    bench.wait(1)
    bench.read(LOAD, _=value)
    event, alarm = bench.told[-1]
    assert (len(bench.told), event.type) == (5, type_)
    assert event.message.startswith(f"web1: load no longer flaps and is {said}")
    # An alarm that lasts may be reacted to.
    assert (alarm is not None) is (type_ == "alarmed")
    assert not bench.live.series["load", None].flapping


def test_flapping_does_not_begin_or_end_while_there_is_no_room_for_it() -> None:
    bench = Bench(RESTLESS)
    for value in (11, 1, 11):
        bench.read(LOAD, _=value)
    bench.room = False
    bench.read(LOAD, _=1)
    assert not bench.live.series["load", None].flapping
    bench.room = True
    bench.read(LOAD, _=1)
    assert bench.types[-1] == "flapping"
    bench.wait(30)
    bench.room = False
    bench.read(LOAD, _=1)
    assert bench.live.series["load", None].flapping
    bench.room = True
    bench.read(LOAD, _=1)
    assert bench.types[-1] == "recovered"


def test_what_flapped_before_a_restart_is_not_told_change_by_change() -> None:
    bench = Bench(RESTLESS)
    bench.judge.restore(bench.live, Held(("load", None), Level.WARNED, flapping=True))
    for value in (11, 1, 11):
        bench.read(LOAD, _=value)
        bench.wait(10)
    assert bench.told == []
    bench.wait(20)
    bench.read(LOAD, _=11)
    assert bench.types == ["alarmed"]


def test_a_flapping_series_that_is_dropped_while_normal_is_over() -> None:
    bench = Bench(RESTLESS)
    for value in (95, 1, 95, 1):
        bench.read(DISK, root=value)
    bench.judge.drop(bench.live, ("disk", "root"), "is gone from the server", NOW)
    assert bench.types[-2:] == ["flapping", "recovered"]


def test_a_series_is_dropped_once_there_is_room_to_say_that_it_is_over() -> None:
    bench = Bench()
    bench.read(DISK, root=95, home=10)
    bench.room = False
    for _ in range(ABSENT_AFTER + 1):
        bench.read(DISK, home=10)
    assert ("disk", "root") in bench.live.series
    bench.room = True
    bench.read(DISK, home=10)
    assert bench.types == ["alarmed", "recovered"]
    assert ("disk", "root") not in bench.live.series


def test_an_alarm_from_before_a_restart_is_as_patient_with_its_instance_as_any() -> None:
    bench = Bench()
    bench.judge.restore(bench.live, Held(("disk", "root"), Level.ALARMED))
    for _ in range(ABSENT_AFTER - 1):
        bench.read(DISK, home=10)
    bench.read(DISK, home=10, root=95)
    assert bench.told == []
    for _ in range(ABSENT_AFTER):
        bench.read(DISK, home=10)
    assert bench.types == ["recovered"]


def test_a_series_that_is_dropped_is_over_from_then_on_and_not_since_its_last_reading() -> None:
    bench = Bench()
    bench.read(DISK, root=95, home=95)
    for _ in range(ABSENT_AFTER):
        bench.wait(3600)
        bench.read(DISK, home=95)
    assert (bench.types[-1], bench.told[-1][0].at) == ("recovered", bench.wall)
    now = time.time()
    del bench.live.sensors["disk"]
    bench.judge.drop_unsupported(bench.live)
    assert bench.types[-2:] == ["recovered", "recovered"]
    assert bench.told[-1][0].at >= now


async def test_a_sensor_that_is_no_longer_there_is_over_once_there_is_room_to_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with yard(tmp_path) as one:
        live = one.server(0)
        live.link = None
        looking = Lookout(one.context, cast(Sessions, None))
        with monkeypatch.context() as patch:
            patch.setattr(one.context.judge, "_announce", lambda *_: False)
            one.context.judge.restore(live, Held(("gone", "a"), Level.ALARMED))
            one.context.judge.drop_unsupported(live)
            await looking._look()
        assert one.told == []
        await looking._look()
        await one.told_of("web0: gone[a] no longer applies to the server")
        assert live.series == {}


def test_a_time_without_readings_is_not_steady() -> None:
    bench = restless()
    bench.wait(3600)
    bench.live.series["load", None].stale = True
    bench.read(LOAD, _=1)
    assert bench.types[-1] == "flapping"
    bench.wait(30)
    bench.read(LOAD, _=1)
    assert bench.types[-1] == "recovered"


@pytest.mark.parametrize("step", [-86_400.0, 86_400.0])
def test_a_wall_clock_that_steps_enters_ends_and_flaps_nothing(step: float) -> None:
    bench = Bench(RESTLESS)
    slow = replace(LOAD, for_=2, for_s=60.0)
    bench.read(slow, _=11)
    bench.wait(30, step=step)
    bench.read(slow, _=11)
    assert bench.told == []
    bench.wait(30)
    bench.read(slow, _=11)
    assert bench.types == ["alarmed"]
    bench = restless()
    bench.wait(10, step=step)
    bench.read(LOAD, _=1)
    assert bench.types[-1] == "flapping"
    assert bench.live.series["load", None].stale_at(20.0) == bench.now + 50.0


def test_a_time_in_which_nothing_was_read_does_not_count_towards_for() -> None:
    bench = Bench()
    slow = replace(LOAD, for_=2, for_s=60.0)
    bench.read(slow, _=11)
    bench.wait(3600)
    bench.live.series["load", None].stale = True
    bench.read(slow, _=11)
    assert bench.told == []
    bench.wait(60)
    bench.read(slow, _=11)
    assert bench.types == ["alarmed"]


STEPS = st.lists(
    st.tuples(st.sampled_from([1, 6, 11]), st.integers(1, 40), st.booleans()), max_size=40
)
"""A value, the seconds after it, and whether there is room for an event."""


@given(STEPS)
def test_the_incident_is_what_the_series_is(steps: list[tuple[int, int, bool]]) -> None:
    bench = Bench(RESTLESS)
    incident: Incident | None = None
    for value, pause, bench.room in steps:
        before = len(bench.told)
        bench.read(LOAD, _=value)
        for event, _ in bench.told[before:]:
            assert key_of(event) == (Condition.LEVEL, "s1", "load")
            incident = following(incident, event)
            if incident is not None and incident.ended is not None:
                incident = None
        series = bench.live.series["load", None]
        if series.flapping:
            assert incident is not None
            assert incident.flapping
        elif series.track.level is Level.NORMAL:
            assert incident is None
        else:
            assert incident is not None
            assert (incident.level, incident.flapping) == (series.track.level, False)
        bench.wait(pause)


def faulty() -> Bench:
    """A bench with little patience whose server is connected."""
    bench = Bench(JudgingSettings.model_validate(FAILED))
    bench.connect()
    bench.read(LOAD, _=1)
    bench.read(DISK, root=1)
    return bench


def test_a_sensor_that_fails_for_long_enough_is_told_once_and_when_it_is_over() -> None:
    bench = faulty()
    for _ in range(6):
        bench.read(LOAD, "exit status 1")
        bench.look()
        bench.wait(10)
    assert bench.told == []
    bench.read(LOAD, "exit status 2")
    bench.look()
    bench.look()
    ((event, _),) = bench.told
    assert (event.type, event.condition, event.sensor) == ("failing", Condition.FAILED, "load")
    assert event.message == "web1: load has failed for 1m: exit status 2"
    assert bench.live.faults_at > bench.now
    bench.read(LOAD, _=1)
    bench.read(LOAD, _=1)
    event, _ = bench.told[-1]
    assert (len(bench.told), event.type, event.condition) == (2, "recovered", Condition.FAILED)
    assert event.message == "web1: load gives readings again"


def test_one_failure_of_a_sensor_that_is_seldom_read_is_none() -> None:
    bench = faulty()
    bench.read(LOAD, "exit status 1")
    bench.wait(61)
    bench.read(DISK, root=1)
    bench.look()
    assert bench.told == []
    bench.read(LOAD, "exit status 1")
    bench.look()
    assert bench.types == ["failing"]


def test_a_good_reading_between_begins_anew() -> None:
    bench = faulty()
    for _ in range(20):
        bench.read(LOAD, "exit status 1")
        bench.look()
        bench.wait(30)
        bench.read(LOAD, _=1)
        bench.read(DISK, root=1)
    assert bench.told == []


def test_nothing_is_said_of_sensors_of_a_server_that_is_not_connected() -> None:
    bench = faulty()
    bench.read(LOAD, "connection lost")
    bench.connect(lost="connection lost")
    bench.wait(600)
    bench.look()
    assert bench.told == []
    bench.connect()
    bench.look()
    bench.read(LOAD, "exit status 1")
    bench.look()
    assert bench.told == []


def test_nothing_is_said_in_the_moment_between_the_loss_and_its_notice() -> None:
    bench = faulty()
    for _ in range(2):
        bench.read(LOAD, "connection lost")
        bench.wait(60)
    bench.live.link = None
    bench.look()
    assert bench.told == []


def test_a_sensor_that_gives_nothing_for_long_enough_is_stale() -> None:
    bench = faulty()
    # Three intervals, the command's deadline, and the patience.
    for _ in range(11):
        bench.wait(10)
        bench.read(DISK, root=1)
        bench.look()
        assert bench.told == [] or bench.now >= 1110
    ((event, _),) = bench.told
    assert (event.type, event.condition, event.sensor) == ("failing", Condition.STALE, "load")
    # Then it is one incident, also where it fails from now on.
    for _ in range(9):
        bench.wait(10)
        bench.read(LOAD, "exit status 1")
        bench.read(DISK, root=1)
        bench.look()
    assert bench.types == ["failing"]
    bench.read(LOAD, _=1)
    assert bench.types == ["failing", "recovered"]


def test_the_first_count_of_a_rate_is_no_reading_to_be_back_with() -> None:
    bench = faulty()
    for _ in range(11):
        bench.wait(10)
        bench.read(DISK, root=1)
        bench.look()
    assert bench.types == ["failing"]
    # As after each loss of a connection.
    for _ in range(3):
        bench.read(LOAD)
        bench.read(DISK, root=1)
        bench.look()
        bench.wait(10)
    assert bench.types == ["failing"]
    bench.read(LOAD, _=1)
    bench.look()
    assert bench.types == ["failing", "recovered"]
    # What was not told yet is over all the same.
    bench.read(LOAD, "exit status 1")
    bench.read(LOAD)
    assert bench.live.faults == {}


def test_a_connection_that_is_new_gives_its_sensors_time() -> None:
    bench = faulty()
    bench.connect(lost="connection lost")
    bench.wait(3600)
    bench.connect()
    for _ in range(10):
        bench.look()
        bench.wait(10)
    assert bench.told == []
    bench.wait(10)
    bench.look()
    assert bench.types == ["failing", "failing"]


def test_connections_that_are_lost_again_and_again_hide_no_sensor_that_fails_or_is_silent() -> None:
    bench = faulty()
    mute = replace(LOAD, name="mute")
    bench.live.sensors["mute"] = mute
    bench.read(mute, _=1)
    for _ in range(12):
        bench.read(LOAD, "exit status 1")
        bench.read(DISK, root=1)
        bench.wait(9)
        bench.look()
        bench.connect(lost="connection lost")
        bench.wait(50)
        bench.look()
        bench.connect()
        bench.look()
    assert [(one.sensor, one.condition) for one, _ in bench.told] == [("load", Condition.FAILED)]
    assert "load has failed for 63s" in bench.last
    bench.wait(9)
    bench.look()
    assert [one.sensor for one, _ in bench.told] == ["load", "mute"]


def test_a_fault_is_said_again_and_again_until_there_is_room() -> None:
    bench = faulty()
    bench.read(LOAD, "exit status 1")
    bench.wait(60)
    bench.read(LOAD, "exit status 1")
    bench.read(DISK, root=1)
    bench.room = False
    bench.look()
    bench.room = True
    bench.look()
    assert bench.types == ["failing"]
    bench.room = False
    bench.read(LOAD, _=1)
    bench.room = True
    bench.read(LOAD, _=1)
    assert bench.types == ["failing", "recovered"]


def test_faults_from_before_a_restart_are_held_or_over() -> None:
    bench = faulty()
    bench.judge.restore_fault(bench.live, "load", Condition.FAILED)
    bench.judge.restore_fault(bench.live, "gone", Condition.STALE)
    bench.judge.restore(bench.live, Held(("gone", "a"), Level.ALARMED))
    bench.judge.drop_unsupported(bench.live)
    assert [(event.sensor, event.condition) for event, _ in bench.told] == [
        ("gone[a]", None),
        ("gone", Condition.STALE),
    ]
    assert set(bench.types) == {"recovered"}
    bench.read(LOAD, "exit status 1")
    bench.wait(90)
    bench.read(LOAD, "exit status 1")
    bench.read(DISK, root=1)
    bench.look()
    assert len(bench.told) == 2
    bench.read(LOAD, _=1)
    assert bench.told[-1][0].condition is Condition.FAILED
