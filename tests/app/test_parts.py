"""The daemon's own small parts, without servers."""

import asyncio
import gc
import time
import weakref
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from outkept.app import daemon, lookout
from outkept.app.addresses import REJECTED_WAIT, Addresses
from outkept.app.context import Context
from outkept.app.judge import ABSENT_AFTER, Alarm, Held
from outkept.app.lookout import PATIENCE, Lookout, unseen_for
from outkept.app.past import Past, recall
from outkept.app.sessions import Sessions
from outkept.app.tally import Tally
from outkept.app.views import action_view, address_view, event_view, server_detail, server_view
from outkept.model.action import Action, ActionOutcome
from outkept.model.address import AddressOutcome, AddressState
from outkept.model.command import CommandResult
from outkept.model.event import Condition, Event, EventType
from outkept.model.level import Level
from outkept.model.reading import Reading, Sample
from outkept.model.server import Endpoint
from outkept.poll.poller import Defaults, Poller
from outkept.ssh.connection import Connection
from outkept.ssh.jobs import Job, Priority
from outkept.store.store import Store
from tests.app.bench import DISK, HERE, LOAD, NOW, Bench
from tests.app.harness import until
from tests.app.reacting import yard


def test_a_failed_reading_keeps_value_and_level_and_is_no_normal() -> None:
    bench = Bench()
    bench.read(LOAD, _=11)
    bench.read(LOAD, "exit status 1")
    series = bench.live.series["load", None]
    assert (series.value, series.track.level, series.failure) == (
        11,
        Level.ALARMED,
        "exit status 1",
    )
    assert bench.status("load") == "failed"
    assert bench.types == ["alarmed"]
    bench.read(LOAD, _=12)
    assert bench.status("load") == "alarmed"
    assert bench.types == ["alarmed"]


def test_a_sensor_that_never_gave_a_value_is_shown_as_failed() -> None:
    bench = Bench()
    bench.read(LOAD, "no answer within 20 s")
    assert bench.status("load") == "failed"


def test_an_instance_that_is_gone_is_dropped_and_its_alarm_recovers() -> None:
    bench = Bench()
    bench.read(DISK, root=95, home=10)
    for _ in range(ABSENT_AFTER - 1):
        bench.read(DISK, home=10)
    assert bench.status("disk", "root") == "alarmed"
    bench.read(DISK, "exit status 1")
    bench.read(DISK, home=10)
    assert ("disk", "root") not in bench.live.series
    assert bench.types == ["alarmed", "recovered"]
    assert bench.told[-1][0].message == "web1: disk[root] is gone from the server"


def test_an_instance_that_comes_back_in_time_keeps_its_level() -> None:
    bench = Bench()
    for _ in range(3):
        bench.read(DISK, root=95, home=10)
        bench.read(DISK, home=10)
    assert bench.types == ["alarmed"]


def test_the_placeholder_of_a_table_goes_with_its_first_reading() -> None:
    bench = Bench()
    bench.judge.expect(bench.live, DISK)
    assert bench.status("disk") == "unknown"
    bench.read(DISK, root=10)
    assert list(bench.live.series) == [("disk", "root")]


def test_a_level_is_not_entered_while_there_is_no_room_for_its_event() -> None:
    bench = Bench()
    bench.room = False
    bench.read(LOAD, _=11)
    assert bench.status("load") == "normal"
    bench.room = True
    bench.read(LOAD, _=11)
    assert bench.status("load") == "alarmed"
    assert bench.types == ["alarmed"]


def test_an_alarm_carries_its_cause_and_whether_it_is_a_zero() -> None:
    bench = Bench()
    bench.read(replace(LOAD, zero=True), _=0)
    _, alarm = bench.told[-1]
    assert alarm is not None
    assert alarm.by_zero
    bench.read(LOAD, _=1)
    bench.read(LOAD, _=11)
    _, alarm = bench.told[-1]
    assert alarm is not None
    assert (alarm.by_zero, alarm.cause) == (False, "is 11 tasks >= 10 (alarmed)")


def test_a_reading_of_a_server_that_is_gone_is_dropped() -> None:
    bench = Bench()
    bench.fleet.remove("s1")
    bench.read(LOAD, _=11)
    assert bench.told == []


async def test_a_server_is_forgotten_with_its_event_and_not_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with yard(tmp_path) as one:
        live, context = one.server(0), one.context
        context.store.save_server(live.record)
        one.read("s0", 11)
        await one.told_of("ran `pump`")
        one.wires["s0"].lost = "it is off"
        shown: list[str] = []
        monkeypatch.setattr(
            context, "hub", SimpleNamespace(removed=shown.append, changed=lambda _: None)
        )
        sessions = SimpleNamespace(forget=lambda live: context.fleet.remove(live.record.id))
        looking = Lookout(context, cast(Sessions, sessions))
        looking._began -= PATIENCE
        with monkeypatch.context() as patch:
            patch.setattr(context.herald, "announce", lambda *_: False)
            await looking._forget()
        assert context.fleet.get("s0") is live
        assert shown == []
        write, disk = context.herald._write, asyncio.Event()

        async def once_it_can(event: Event) -> Event:
            await disk.wait()
            return await write(event)

        monkeypatch.setattr(context.herald, "_write", once_it_can)
        await looking._forget()
        assert context.fleet.get("s0") is None
        assert shown == ["s0"]
        await context.store.flush()
        # A kill here removes nothing.
        assert await context.store.load_servers() == [live.record]
        disk.set()
        await one.told_of("web0 removed: not seen for")
        assert await context.store.load_servers() == []
        assert await context.store.open_incidents() == []


async def test_nothing_is_said_of_a_server_that_was_forgotten_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookout, "AT_ONCE", 1)
    async with yard(tmp_path) as one:
        for number in (0, 1):
            live = one.server(number)
            live.link, live.vain = None, True
            live.away_since = live.unheard_since = time.monotonic() - 3600
        announce = one.context.herald.announce

        def forgotten_meanwhile(event: Event, alarm: Alarm | None = None) -> bool:
            one.context.fleet.remove("s1")
            return announce(event, alarm)

        monkeypatch.setattr(one.context.herald, "announce", forgotten_meanwhile)
        await Lookout(one.context, cast(Sessions, None))._look()
        await one.context.herald.drain(5.0)
    assert [event.server for event in one.told] == ["s0"]


async def test_what_was_cut_off_is_told_of_its_series_and_in_its_incident(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    alarm = await store.add_event(Event(NOW, EventType.ALARMED, "full", "s1", "disk[/var]"))
    left = Action("s1", "disk", "clean", NOW, ActionOutcome.INTENDED, "full", "/var")
    await store.intend(replace(left, incident=alarm.id))
    parts = SimpleNamespace(store=store, fleet=Bench().fleet)
    for _ in range(2):
        await daemon._tell_unfinished(cast(Context, parts))
    found = await store.incident(alarm.id)
    assert found is not None
    (_, told) = found.events
    assert (told.type, told.sensor) == ("message", "disk[/var]")
    assert told.message.startswith("web1: whether `clean` ran is unknown")
    assert [action.outcome for action in found.actions] == ["unknown"]
    await store.close()


def test_a_remembered_value_is_stale_until_the_next() -> None:
    bench = Bench()
    bench.judge.remember(bench.live, ("load", None), 11.0, NOW)
    bench.judge.restore(bench.live, Held(("load", None), Level.ALARMED, fired=True))
    assert bench.status("load") == "stale"
    bench.read(LOAD, _=12)
    assert bench.status("load") == "fired"
    assert bench.types == []


def test_what_was_known_is_given_back_once() -> None:
    held = Held(("load", None), Level.WARNED)
    past = Past(
        [("s1", ("load", None), 1.0, NOW)], [("s1", held)], [("s1", "disk", Condition.FAILED)]
    )
    assert past.values("s1") == [(("load", None), 1.0, NOW)]
    assert past.levels("s1") == [held]
    assert past.faults("s1") == [("disk", Condition.FAILED)]
    past.forget("s1")
    assert past.values("s1") == []
    assert past.levels("s1") == []
    assert past.faults("s1") == []
    assert past.values("other") == []


@pytest.mark.parametrize(
    ("outcome", "fired"),
    [
        (ActionOutcome.DONE, True),
        (ActionOutcome.UNKNOWN, True),
        (ActionOutcome.INTENDED, True),
        (ActionOutcome.NOT_SENT, False),
        (ActionOutcome.DRY_RUN, False),
    ],
)
async def test_an_open_alarm_is_fired_when_its_reaction_may_have_run(
    store: Store, outcome: ActionOutcome, fired: bool
) -> None:
    await store.add_event(Event(NOW, EventType.ALARMED, "web1: load", "s1", "load", 11.0))
    intended = await store.intend(
        Action("s1", "load", "true", NOW + 1, ActionOutcome.INTENDED, "is 11 >= 10", incident=1)
    )
    if outcome is not ActionOutcome.INTENDED:
        await store.finish(replace(intended, outcome=outcome))
    past = await recall(store)
    assert past.levels("s1") == [Held(("load", None), Level.ALARMED, fired)]


async def test_a_reaction_to_an_earlier_alarm_does_not_fire_this_one(store: Store) -> None:
    await store.intend(Action("s1", "load", "true", NOW - 9, ActionOutcome.INTENDED, "is 11"))
    await store.add_event(Event(NOW, EventType.ALARMED, "web1: load", "s1", "load", 11.0))
    past = await recall(store)
    assert past.levels("s1") == [Held(("load", None), Level.ALARMED)]


def test_the_tally_is_readings_a_second_over_the_last_five() -> None:
    tally = Tally()
    assert tally.per_second == 0
    for count in (10, 20, 30, 40, 50, 60):
        for _ in range(count):
            tally.count()
        tally.tick(1.0)
    assert tally.per_second == 40
    tally.tick(3.0)
    assert tally.per_second == pytest.approx(180 / 7, abs=0.1)
    assert tally.total == 210


def test_silent_addresses_are_not_kept_unless_they_were_something() -> None:
    addresses = Addresses()
    silent = AddressState(HERE, AddressOutcome.SILENT, "no answer", NOW)
    assert addresses.note(silent) is None
    assert addresses.get(HERE) is None
    addresses.note(AddressState(HERE, AddressOutcome.SERVER, "web1", NOW, server="s1"))
    assert addresses.note(silent) == silent
    assert list(addresses) == [silent]


def test_a_server_is_unseen_for_as_long_whatever_is_done_to_the_wall_clock() -> None:
    live = Bench().live
    # Seen an hour before the daemon's start, which was ten seconds ago.
    assert unseen_for(live, 1010.0, 1000.0, NOW + 3600.0) == 3610.0
    assert unseen_for(live, 1010.0, 1000.0, NOW - 3600.0) == 10.0
    live.read, live.away_since = True, 1007.0
    assert unseen_for(live, 1010.0, 1000.0, NOW + 3600.0) == 3.0


def test_a_refusal_is_waited_out() -> None:
    addresses = Addresses()
    addresses.note(
        AddressState(HERE, AddressOutcome.REFUSED_KEY, "refused", NOW, 1, retry_at=NOW + 90)
    )
    assert addresses.wait(HERE, NOW + 30) == 60
    assert addresses.wait(HERE, NOW + 100) == 0
    assert addresses.wait(Endpoint("10.0.0.9"), NOW) == 0


def test_a_rejected_host_key_is_looked_at_again_in_a_minute() -> None:
    addresses = Addresses()
    noted = addresses.note(AddressState(HERE, AddressOutcome.HOST_KEY_REJECTED, "changed", NOW))
    assert noted is not None
    assert noted.retry_at == NOW + REJECTED_WAIT


SERVER = {
    "id", "hostname", "addresses", "port", "status", "connected", "queued_up", "channels",
    "sensors", "facts", "labels", "first_seen", "last_seen",
}  # fmt: skip
SERIES = {"name", "instance", "value", "unit", "status", "at", "reason"}


def test_a_server_has_the_keys_of_the_contract() -> None:
    bench = Bench()
    bench.read(LOAD, _=11)
    bench.read(replace(DISK, exported=False), root=1)
    view = server_view(bench.live)
    assert set(view) == SERVER | {"reason", "muted", "quiet"}
    assert set(view["channels"]) == {"limit", "busy", "queued", "oldest_wait_s", "queued_up"}
    # A sensor that isn't exported is not sent to the dashboard.
    (series,) = view["sensors"]
    assert set(series) == SERIES
    assert (series["name"], series["value"], series["status"]) == ("load", 11, "alarmed")
    assert view["addresses"] == ["10.0.0.1", "10.0.0.2"]
    assert (view["port"], view["status"], view["connected"]) == (2222, "disconnected", False)


def test_a_server_in_detail_has_all_that_the_list_has() -> None:
    bench = Bench()
    bench.read(LOAD, _=11)
    detail = server_detail(bench.live)
    assert set(detail) >= SERVER
    assert set(detail["channels"]) >= {"missed", "refused", "queued_up"}
    assert set(detail["sensors"][0]) >= SERIES | {"warning", "alarm", "every", "reactive"}
    assert [end["port"] for end in detail["endpoints"]] == [2222, 22, 2222]
    assert detail["identity"]["machine_id"] == "m"


def test_events_actions_and_addresses_have_the_keys_of_the_contract() -> None:
    event = event_view(Event(NOW, EventType.ALARMED, "high", "s1", "load", 11.0, 7))
    assert event == {
        "id": 7, "at": NOW, "type": "alarmed", "server": "s1", "sensor": "load",
        "value": 11.0, "message": "high", "condition": None, "incident": None, "by": None,
    }  # fmt: skip
    action = action_view(Action("s1", "load", "true", NOW, ActionOutcome.DRY_RUN, "high"))
    assert action["outcome"] == "dry-run"
    assert {"id", "at", "server", "sensor", "command", "reason", "status", "output"} <= set(action)
    address = address_view(AddressState(HERE, AddressOutcome.NOT_SSH, "HTTP", NOW))
    assert address["outcome"] == "not SSH"
    assert address["retry_at"] is None


def _answer(stdout: bytes) -> CommandResult:
    return CommandResult(0, stdout, b"")


class FakePool:
    """Keeps jobs until they are answered."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def again(self, job: Job, priority: Priority, due: float) -> bool:
        self.jobs.append(replace(job, priority=priority, due=due))
        return True


class FakeConnection:
    """A connection that is only a pool."""

    def __init__(self) -> None:
        self.pool = FakePool()

    def expect_answers(self, every: float) -> None:
        """There is no link whose signs of life could be spared."""


async def test_a_sensor_is_read_at_once_and_then_in_its_interval() -> None:
    loop = asyncio.get_running_loop()
    poller = Poller(lambda *_: None, Defaults(0.2, 5.0), lambda _: frozenset())
    fake = FakeConnection()
    start = loop.time()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(poller.run())
        poller.start("s1", cast(Connection, fake), [LOAD])
        assert len(fake.pool.jobs) == 1
        await until(lambda: len(fake.pool.jobs) >= 5, "ticks come")
        task.cancel()
    due = [job.due for job in fake.pool.jobs]
    assert due[0] - start < 0.1
    # The first tick is at least half an interval away: nobody could be done sooner.
    assert due[1] - due[0] >= 0.1


async def test_a_late_loop_loses_ticks_and_does_not_make_up_for_them() -> None:
    poller = Poller(lambda *_: None, Defaults(0.1, 5.0), lambda _: frozenset())
    fake = FakeConnection()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(poller.run())
        poller.start("s1", cast(Connection, fake), [LOAD])
        await until(lambda: len(fake.pool.jobs) >= 2, "a tick comes")
        before = len(fake.pool.jobs)
        time.sleep(1.0)  # noqa: ASYNC251 - a loop that is held up is what this is about
        await until(lambda: len(fake.pool.jobs) > before, "the next tick comes")
        assert len(fake.pool.jobs) <= before + 2
        task.cancel()


async def test_nothing_is_read_and_no_answer_taken_after_a_stop() -> None:
    taken: list[Reading] = []
    poller = Poller(
        lambda _connection, _sensor, reading: taken.append(reading),
        Defaults(0.05, 5.0),
        lambda _: frozenset(),
    )
    stopped, other = FakeConnection(), FakeConnection()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(poller.run())
        poller.start("s1", cast(Connection, stopped), [LOAD])
        poller.start("s2", cast(Connection, other), [LOAD])
        (job,) = stopped.pool.jobs
        poller.stop("s1")
        job.done(job, _answer(b"1\n"))
        await until(lambda: len(other.pool.jobs) >= 4, "the other goes on")
        assert stopped.pool.jobs == [job]
        assert taken == []
        first = other.pool.jobs[0]
        first.done(first, _answer(b"2\n"))
        assert [reading.samples for reading in taken] == [(Sample(None, 2.0),)]
        task.cancel()


async def test_another_set_of_sensors_loses_no_answer_that_is_under_way() -> None:
    """Some are read once an hour: the next tick may be far away."""
    taken: list[str] = []
    poller = Poller(
        lambda _connection, sensor, _reading: taken.append(sensor.name),
        Defaults(3600.0, 5.0),
        lambda _: frozenset(),
    )
    fake, other = FakeConnection(), replace(LOAD, name="other")
    poller.start("s1", cast(Connection, fake), [LOAD, other])
    poller.start("s1", cast(Connection, fake), [LOAD])
    for job in fake.pool.jobs[:2]:
        job.done(job, _answer(b"1\n"))
    assert taken == [LOAD.name]
    again = FakeConnection()
    poller.start("s1", cast(Connection, again), [LOAD])
    fake.pool.jobs[0].done(fake.pool.jobs[0], _answer(b"1\n"))
    assert taken == [LOAD.name]


async def test_what_was_read_is_let_go_of_long_before_its_next_tick() -> None:
    poller = Poller(lambda *_: None, Defaults(86_400.0, 5.0), lambda _: frozenset())
    fake = FakeConnection()
    gone = weakref.ref(fake)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(poller.run())
        poller.start("s1", cast(Connection, fake), [LOAD])
        poller.stop("s1")
        fake.pool.jobs.clear()
        del fake
        gc.collect()
        assert gone() is None
        task.cancel()
