"""Replay: what it makes of recorded readings is what the daemon's judge made of them live."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from outkept.app.faults import Faults
from outkept.app.fleet import Fleet
from outkept.app.judge import Judge
from outkept.app.replay import Walked, Wanted, replay
from outkept.app.replay_world import Rules, World
from outkept.config.settings import RangeSettings, Settings
from outkept.model.event import Event
from outkept.model.reading import Reading, Sample
from outkept.model.sensor import Parse, Sensor
from outkept.model.server import Facts, Identity, Server
from outkept.ssh.connection import Connection
from outkept.store import Store
from outkept.store.recorded import Recording

START = 1_699_999_200.0
"""The beginning of an hour."""
SETTINGS = Settings(ranges=(RangeSettings(range="127.0.0.1"),))
SERVERS = tuple(
    Server(id_, Identity("", hostname=id_), Facts(), (), "ops", START, START) for id_ in ("a", "b")
)
EVERY, TIMEOUT = SETTINGS.sensors.every, SETTINGS.ssh.command_timeout
_CONNECTION = cast("Connection", None)

Said = list[tuple[float, str, str, str, str]]


def the_load(**more: Any) -> Sensor:
    return Sensor("load", "cmd", warning=5, alarm=10, **more)


def rules(*sensors: Sensor, name: str = "as configured") -> Rules:
    return Rules(name, SETTINGS, sensors)


def live(sensors: Sequence[Sensor], readings: Sequence[Reading]) -> Said:
    """What the daemon's judge says as the readings come."""
    said: Said = []

    def announce(event: Event, _alarm: object) -> bool:
        said.append(
            (event.at, event.type.value, event.server or "", event.sensor or "", event.message)
        )
        return True

    now = START
    fleet, judging = Fleet(SERVERS), SETTINGS.judging
    faults = Faults(announce, judging, TIMEOUT)
    judge = Judge(
        fleet, announce, lambda sensor: EVERY, faults, judging.flapping, clock=lambda: now
    )
    by_name = {sensor.name: sensor for sensor in sensors}
    for reading in readings:
        now = reading.at
        for server in fleet:
            for series in server.series.values():
                series.stale = series.stale or series.stale_at(TIMEOUT) < now
        judge.take(_CONNECTION, by_name[reading.sensor], reading)
    return by_series(said)


def by_series(said: Said) -> Said:
    """What was said at the same instant of several series has no order."""
    return sorted(said, key=lambda one: one[2:4])


async def record(state: Path, readings: Sequence[Reading], *, maintained: Sequence[float]) -> None:
    """Keep the readings in a real store, sealed, packed and folded at some times between."""
    store = Store.open(state)
    try:
        for server in SERVERS:
            store.save_server(server)
        pauses = [*maintained, float("inf")]
        for start, end in zip([0.0, *maintained], pauses, strict=True):
            store.add_readings([one for one in readings if start <= one.at < end])
            await store.flush()
            while end < float("inf") and await store.maintain(end):
                pass
    finally:
        await store.close()


def replayed(
    state: Path, *worlds: Rules, skip: bool = True, wanted: Wanted | None = None
) -> tuple[list[World], Walked]:
    wanted = wanted or Wanted(START, START + 10 * 86400)
    recording = Recording.open(state)
    try:
        made = [World(one, SERVERS, wanted.from_, wanted.to) for one in worlds]
        return made, replay(recording, made, wanted, skip=skip)
    finally:
        recording.close()


def said_in(world: World) -> Said:
    return by_series(
        [
            (one.at, one.type, one.server, one.sensor, one.message)
            for one in world.report.told
            if one.type not in ("reaction", "held")
        ]
    )


INSTANCES: dict[str, list[str | None]] = {
    "load": [None],
    "free": [None],
    "disk": ["/", "/var", "/srv"],
}
VALUES = st.sampled_from([0.0, 0.5, 3.0, 4.0, 6.0, 9.5, 11.0, 12.0])
SENSORS = st.builds(
    lambda for_, for_s, clear, zero: (
        Sensor("load", "cmd", warning=5, alarm=10, for_=for_, clear=clear, zero=zero, for_s=for_s),
        Sensor("free", "cmd", warning=6, alarm=4, inverted=True, for_=for_),
        Sensor("disk", "cmd", parse=Parse.TABLE, warning=9, alarm=11.5, clear=3.5),
    ),
    st.integers(1, 3),
    st.sampled_from([0.0, 20.0, 500.0]),
    st.none() | st.just(3.5),
    st.booleans(),
)


@st.composite
def streams(draw: st.DrawFn) -> list[Reading]:
    """Readings of three sensors on two servers, with calm times, gaps, and instances that come and
    go."""
    step = draw(st.sampled_from([10.0, 240.0, 900.0]))
    readings = []
    series = st.tuples(st.sampled_from("ab"), st.sampled_from(sorted(INSTANCES)))
    for server, sensor in sorted(draw(st.sets(series, min_size=1))):
        at = START
        for values in draw(st.lists(st.lists(VALUES, min_size=1, max_size=3), max_size=25)):
            at += step * draw(st.sampled_from([1, 1, 1, 7]))
            pairs = zip(INSTANCES[sensor], values, strict=False)
            samples = [Sample(name, value) for name, value in pairs]
            readings.append(Reading(server, sensor, at, tuple(samples)))
    return sorted(readings, key=lambda one: one.at)


@settings(max_examples=40, deadline=None)
@given(SENSORS, streams(), st.lists(st.integers(0, 20).map(lambda n: START + n * 1800), max_size=2))
def test_a_replay_says_what_the_judge_said_live(
    sensors: tuple[Sensor, ...], readings: list[Reading], maintained: list[float]
) -> None:
    with TemporaryDirectory() as directory:
        state = Path(directory, "state")
        asyncio.run(record(state, readings, maintained=sorted(maintained)))
        (skipping,), walked = replayed(state, rules(*sensors))
        (thorough,), all_of_them = replayed(state, rules(*sensors), skip=False)
        assert said_in(skipping) == said_in(thorough) == live(sensors, readings)
        assert skipping.report == thorough.report
        assert walked.judged <= all_of_them.judged == sum(len(one.samples) for one in readings)
        assert walked.readings >= all_of_them.judged


async def test_what_flaps_is_said_once_and_again_when_it_is_steady(tmp_path: Path) -> None:
    values = [11.0, 1.0] * 8 + [12.0] * 50 + [1.0] * 700
    readings = [
        Reading("a", "load", START + 10 * n, (Sample(None, value),))
        for n, value in enumerate(values)
    ]
    await record(tmp_path, readings, maintained=[START + 600, START + 3 * 3600])
    (world,), walked = replayed(tmp_path, rules(the_load()))
    assert said_in(world) == live([the_load()], readings)
    assert [one.type for one in world.report.told][-4:] == [
        "alarmed",
        "flapping",
        "alarmed",
        "recovered",
    ]
    assert world.report.sensors["load"].flapping == 1
    assert walked.judged < len(values)


async def test_what_flaps_at_the_end_of_an_hour_is_steady_in_the_next(tmp_path: Path) -> None:
    values = [11.0, 1.0] * 8 + [1.0] * 100
    readings = [
        Reading("a", "load", START + 3440 + 10 * n, (Sample(None, value),))
        for n, value in enumerate(values)
    ]
    await record(tmp_path, readings, maintained=[])
    (world,), _ = replayed(tmp_path, rules(the_load()))
    assert said_in(world) == live([the_load()], readings)
    assert world.report.told[-1].message == "a: load no longer flaps and is normal at 1"


@settings(max_examples=15, deadline=None)
@given(SENSORS, SENSORS, streams())
def test_configurations_are_replayed_together_as_they_are_alone(
    configured: tuple[Sensor, ...], proposed: tuple[Sensor, ...], readings: list[Reading]
) -> None:
    with TemporaryDirectory() as directory:
        state = Path(directory, "state")
        asyncio.run(record(state, readings, maintained=[START + 3600]))
        together, _ = replayed(state, rules(*configured), rules(*proposed))
        alone = [replayed(state, rules(*one))[0][0] for one in (configured, proposed)]
        assert [one.report for one in together] == [one.report for one in alone]


@settings(max_examples=15, deadline=None)
@given(SENSORS, streams())
def test_of_minutes_the_skipped_change_nothing(
    sensors: tuple[Sensor, ...], readings: list[Reading]
) -> None:
    with TemporaryDirectory() as directory:
        state = Path(directory, "state")
        asyncio.run(record(state, readings, maintained=[START + 5 * 86400]))
        (skipping,), walked = replayed(state, rules(*sensors))
        (thorough,), all_of_them = replayed(state, rules(*sensors), skip=False)
        assert skipping.report == thorough.report
        assert walked.rows == all_of_them.judged <= sum(len(one.samples) for one in readings)
        assert walked.readings == 0


async def test_minutes_of_steady_values_say_what_their_readings_did(tmp_path: Path) -> None:
    """Six readings a minute, all alike: nothing is lost, and `for` counts as it did."""
    values = [1.0, 11.0, 6.0, 6.0, 1.0, 12.0, 12.0, 2.0]
    readings = [
        Reading("a", "load", START + 60 * minute + 10 * n, (Sample(None, value),))
        for minute, value in enumerate(values)
        for n in range(6)
    ]
    sensor = the_load(for_=4)
    await record(tmp_path, readings, maintained=[START + 5 * 86400])
    (world,), walked = replayed(tmp_path, rules(sensor))
    assert (walked.readings, walked.rows) == (0, len(values))
    assert said_in(world) == live([sensor], readings)


async def test_instances_of_a_minute_are_replayed_as_often_as_the_one_that_was_read_most(
    tmp_path: Path,
) -> None:
    full, free = Sample("/", 12.0), Sample("/var", 1.0)
    readings = [
        Reading("a", "disk", START + 10 * n, (full, free) if n % 6 == 0 else (full,))
        for n in range(12)
    ]
    sensor = Sensor("disk", "cmd", parse=Parse.TABLE, alarm=10, for_=4)
    await record(tmp_path, readings, maintained=[START + 5 * 86400])
    (world,), walked = replayed(tmp_path, rules(sensor))
    assert walked.rows == 4
    assert [(at, *rest[:3]) for at, *rest in said_in(world)] == [
        (START + 30, "alarmed", "a", "disk[/]")
    ]


async def test_what_began_before_the_window_is_no_alarm_of_it(tmp_path: Path) -> None:
    readings = [
        Reading("a", "load", START + 60 * minute, (Sample(None, 11.0 if minute < 60 else 1.0),))
        for minute in range(20, 80)
    ]
    await record(tmp_path, readings, maintained=[])
    window = Wanted(START + 30 * 60, START + 2 * 3600)
    (world,), walked = replayed(tmp_path, rules(the_load()), wanted=window)
    figures = world.report.sensors["load"]
    assert (figures.alarms, figures.incidents, figures.alarmed_s) == (0, 0, 30 * 60)
    assert [one.type for one in world.report.told] == ["recovered"]
    assert walked.readings == len(readings)


async def test_only_what_is_wanted_is_replayed(tmp_path: Path) -> None:
    over = (Sample(None, 11.0),)
    readings = [Reading(server, "load", START + 1, over) for server in "ab"]
    readings += [Reading("a", "other", START + 1, over)]
    await record(tmp_path, readings, maintained=[])
    other = Sensor("other", "cmd", alarm=10)
    for sensors, servers, found in (
        ((), (), {("a", "load"), ("b", "load"), ("a", "other")}),
        (("LO*",), (), {("a", "load"), ("b", "load")}),
        ((), ("A", "nobody"), {("a", "load"), ("a", "other")}),
    ):
        wanted = Wanted(START, START + 10, sensors, servers)
        (world,), _ = replayed(tmp_path, rules(the_load(), other), wanted=wanted)
        assert {(one.server, one.sensor) for one in world.report.told} == found


async def test_what_judges_itself_is_not_replayed(tmp_path: Path) -> None:
    plugin = Sensor("load", "cmd", parse=Parse.NAGIOS, warning=5, alarm=10)
    await record(
        tmp_path, [Reading("a", "load", START + 1, (Sample(None, 99.0, 0),))], maintained=[]
    )
    (world,), walked = replayed(tmp_path, rules(plugin), skip=False)
    assert not world.report.told
    assert walked.readings == 0
