"""Doubts about ranges and about all, what they hold back, and what canaries say."""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outkept.app import blindness
from outkept.app.addresses import Addresses
from outkept.app.blindness import Blindness, answers
from outkept.app.context import Context
from outkept.app.fleet import LiveServer
from outkept.app.reach import Reach
from outkept.config.settings import JudgingSettings
from outkept.model.event import Condition, Event, EventType
from outkept.model.incident import Incident, IncidentKey, following, key_of
from outkept.model.ranges import Range, parse_span
from outkept.model.server import Endpoint, Facts, Identity, Server
from outkept.poll.link import Link
from tests.app.harness import until
from tests.servers import free_port

NORTH, SOUTH = "10.1.0.0/24", "10.2.0.0/24"
RULE = {
    "gone_after": "2m",
    "blind": {"at_least": 3, "share": 0.5, "within": "1m", "hold": "10m"},
}
UP = cast(Link, SimpleNamespace(connection=SimpleNamespace(lost=None)))


class Field:
    """Servers of two ranges, looked at once a second, and what was told of them."""

    def __init__(self, north: int, south: int, **judging: object) -> None:
        self.now = 1000.0
        self.told: list[Event] = []
        self.room = True
        self.judging = JudgingSettings.model_validate(RULE | judging)
        self.blindness = self.another()
        self.context = SimpleNamespace(
            settings=SimpleNamespace(judging=self.judging),
            addresses=Addresses(),
            herald=SimpleNamespace(announce=self.say),
            blindness=self.blindness,
        )
        self.north = [self._server(f"10.1.0.{n + 1}") for n in range(north)]
        self.south = [self._server(f"10.2.0.{n + 1}") for n in range(south)]
        self.wait(1)

    def another(self, *opened: Event) -> Blindness:
        """One that finds incidents open that these events opened."""
        incidents = [following(None, event) for event in opened]
        ranges = [Range(text, (parse_span(text),)) for text in (NORTH, SOUTH)]
        return Blindness(
            self.judging, ranges, self.say, [one for one in incidents if one is not None]
        )

    def _server(self, address: str) -> LiveServer:
        record = Server(
            address, Identity("k", hostname=address), Facts(), (Endpoint(address),), "u", 0.0, 0.0
        )
        return LiveServer(record, UP, read=True)

    def say(self, event: Event) -> bool:
        """Take an event if there is room."""
        if self.room:
            self.told.append(event)
        return self.room

    def lose(self, *lives: LiveServer) -> None:
        """These lose their connection, and are dialled in vain."""
        for live in lives:
            live.link, live.vain = None, True
            live.away_since = live.unheard_since = self.now

    def back(self, *lives: LiveServer) -> None:
        """These are connected again."""
        for live in lives:
            live.link, live.away_since = UP, None
            live.heard()

    def wait(self, seconds: int) -> None:
        """Let time pass, with a look each second."""
        reach = Reach(cast(Context, self.context))
        for _ in range(seconds):
            self.now += 1.0
            for live in (*self.north, *self.south):
                reach.look(live, self.now)
            self.blindness.decide(self.now)

    @property
    def blind(self) -> list[tuple[str, str | None]]:
        """What was told of blindness, with the range."""
        return [(e.type.value, e.sensor) for e in self.told if e.condition is Condition.BLIND]

    @property
    def gone(self) -> list[str | None]:
        """The servers that were called gone."""
        return [event.server for event in self.told if event.type is EventType.GONE]


def test_a_range_that_is_lost_is_one_event_and_its_servers_are_not_gone() -> None:
    field = Field(5, 20)
    field.lose(*field.north)
    field.wait(300)
    assert field.blind == [("blind", NORTH)]
    assert field.told[0].message == (
        f"we may be blind: 5 of 5 servers of {NORTH} were lost within 1m"
    )
    assert field.gone == []
    assert field.blindness.over(field.north[0])
    assert field.blindness.over(field.south[0]) == ""


def test_what_is_left_of_a_range_is_doubted_too() -> None:
    field = Field(6, 20)
    field.lose(*field.north[:4])
    field.wait(2)
    assert field.blindness.over(field.north[5]).startswith(f"4 of 6 servers of {NORTH} ")


def test_an_outage_of_everything_is_one_event_though_it_is_noticed_bit_by_bit() -> None:
    field = Field(6, 14)
    for live in (*field.north, *field.south):
        field.lose(live)
        field.wait(1)
    field.wait(60)
    assert field.blind == [("blind", None)]
    assert all(field.blindness.over(live) for live in (*field.north, *field.south))
    # The part of it that stays away when all else is back is told for itself.
    field.back(*field.south)
    field.wait(60)
    assert field.blind == [("blind", None), ("recovered", None), ("blind", NORTH)]
    assert field.gone == []


def test_a_few_or_slow_losses_are_gone_and_no_blindness() -> None:
    field = Field(6, 20)
    field.lose(*field.north[:2])
    field.wait(61)
    field.lose(*field.north[2:4])
    field.wait(180)
    assert field.blind == []
    assert field.gone == ["10.1.0.1", "10.1.0.2", "10.1.0.3", "10.1.0.4"]


def test_those_that_are_gone_already_are_no_part_of_an_outage() -> None:
    field = Field(16, 40)
    for live in field.north[:12]:
        field.lose(live)
        field.wait(40)
    field.wait(130)
    assert (len(field.gone), field.blind) == (12, [])
    field.lose(*field.north[12:15])
    field.wait(12)
    assert field.blind == [("blind", NORTH)]
    assert field.blindness.over(field.north[15]).startswith("3 of 4 servers of ")


def test_those_that_need_longer_to_come_back_have_their_time_again() -> None:
    field = Field(6, 20)
    field.lose(*field.north)
    field.wait(300)
    field.back(*field.north[:3])
    field.wait(119)
    assert field.blind[-1] == ("recovered", NORTH)
    assert field.gone == []
    field.wait(3)
    assert len(field.gone) == 3
    assert "no connection for 7m" in field.told[-1].message


def test_those_that_stay_away_are_gone_once_it_was_held_for_long_enough() -> None:
    field = Field(6, 20)
    field.lose(*field.north)
    field.wait(600)
    assert field.gone == []
    field.wait(3)
    assert field.blind == [("blind", NORTH), ("recovered", NORTH)]
    assert len(field.gone) == 6
    field.back(*field.north)
    field.wait(1)
    assert [event.type for event in field.told[-6:]] == [EventType.RECOVERED] * 6
    assert not any(live.gone for live in field.north)


def test_what_finds_no_room_is_told_later() -> None:
    field = Field(6, 20)
    field.room = False
    field.lose(*field.north)
    field.wait(60)
    field.room = True
    field.wait(1)
    assert field.blind == [("blind", NORTH)]
    field.room = False
    field.back(*field.north)
    field.wait(10)
    assert field.blindness.over(field.north[0])
    field.room = True
    field.wait(1)
    assert field.blind == [("blind", NORTH), ("recovered", NORTH)]
    field.lose(field.south[0])
    field.room = False
    field.wait(130)
    field.room = True
    field.wait(1)
    assert field.gone == ["10.2.0.1"]


def test_a_start_at_which_nobody_is_connected_yet_is_no_outage() -> None:
    field = Field(6, 20)
    for live in (*field.north, *field.south):
        live.link, live.read, live.away_since = None, False, None
    field.wait(300)
    assert field.blind == []
    # Nor are those gone that were not dialled yet.
    assert field.gone == []
    field.north[0].vain = True
    field.wait(1)
    assert field.gone == ["10.1.0.1"]


def test_a_server_with_another_host_key_is_told_at_once_and_once() -> None:
    field = Field(1, 5)
    live = field.north[0]
    name = live.name
    field.lose(live)
    live.record = Server(
        "q", live.record.identity, Facts(), live.record.endpoints, "u", 0.0, 0.0, quarantine="key"
    )
    field.room = False
    field.wait(2)
    field.room = True
    field.wait(300)
    assert field.gone == ["q"]
    assert field.told[-1].message == f"{name} is quarantined: key"
    live.record = replace(live.record, quarantine="")
    field.back(live)
    field.wait(1)
    assert [event.type for event in field.told] == [EventType.GONE, EventType.RECOVERED]


@pytest.mark.parametrize(("ago", "left"), [(0, 600), (300, 300), (86_400, 120), (-86_400, 600)])
def test_a_doubt_from_before_a_restart_is_held_for_what_is_left_of_its_time(
    ago: int, left: int
) -> None:
    field = Field(6, 20)
    now = time.time()
    told = Event(now - ago, EventType.BLIND, "blind", None, NORTH, condition=Condition.BLIND, id=1)
    field.now = time.monotonic()
    field.blindness = field.context.blindness = field.another(told)
    field.lose(*field.north)
    for live in field.north:
        live.read = False
    field.wait(left - 5)
    assert field.blindness.over(field.north[0]) == "too few of those that were away are back yet"
    assert field.told == []
    field.wait(10)
    assert field.blind == [("recovered", NORTH)]
    assert len(field.gone) == 6


def test_a_doubt_about_a_range_that_is_no_longer_there_is_over() -> None:
    field = Field(2, 2)
    told = Event(0.0, EventType.BLIND, "b", None, "10.9.0.0/24", condition=Condition.BLIND, id=1)
    field.blindness = field.context.blindness = field.another(told)
    field.wait(1)
    assert field.blind == [("recovered", "10.9.0.0/24")]


@contextmanager
def _deaf() -> Iterator[Endpoint]:
    """Where nothing answers any more: the queue of a listener that takes nobody is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            caller = stack.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(listener.getsockname())
        yield Endpoint(*listener.getsockname())


async def test_a_canary_answers_by_taking_or_refusing_a_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(blindness, "PROBE_DEADLINE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener, _deaf() as deaf:
        assert await answers(Endpoint(*listener.getsockname()))
        assert await answers(Endpoint("127.0.0.1", free_port()))
        assert not await answers(deaf)


async def test_silent_canaries_are_blindness_to_everything_until_one_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there, heard = [True], []

    async def probed(endpoint: Endpoint) -> bool:
        heard.append(endpoint)
        return there[0]

    monkeypatch.setattr(blindness, "PROBE_EVERY", 0.01)
    monkeypatch.setattr(blindness, "answers", probed)
    field = Field(6, 20, canaries=["192.0.2.1", "192.0.2.2:443"])

    async def rounds(count: int) -> None:
        heard.clear()
        await until(lambda: len(heard) >= 2 * count, "they are probed")

    async with asyncio.TaskGroup() as group:
        task = group.create_task(field.blindness.run())
        await rounds(2)
        # They answer: all is lost, and it isn't us. A range may be lost for another reason.
        field.lose(*field.north, *field.south)
        field.wait(30)
        assert field.blind == [("blind", NORTH), ("blind", SOUTH)]
        field.back(*field.north, *field.south)
        field.wait(1)
        field.told.clear()
        there[0] = False
        await rounds(4)
        field.wait(700)
        assert field.blind == [("blind", None)]
        assert field.told[0].message == "we may be blind: no canary answers"
        assert field.blindness.over(field.south[0]) == "no canary answers"
        there[0] = True
        await rounds(2)
        field.wait(1)
        assert field.blind == [("blind", None), ("recovered", None)]
        task.cancel()


async def test_canaries_that_never_answered_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = []

    async def probed(endpoint: Endpoint) -> bool:
        heard.append(endpoint)
        return False

    monkeypatch.setattr(blindness, "PROBE_EVERY", 0.01)
    monkeypatch.setattr(blindness, "answers", probed)
    field = Field(6, 20, canaries=["192.0.2.1"])
    async with asyncio.TaskGroup() as group:
        task = group.create_task(field.blindness.run())
        await until(lambda: len(heard) > 3, "it is probed")
        field.wait(60)
        assert field.told == []
        field.lose(*field.north, *field.south)
        field.wait(60)
        assert field.blind == [("blind", None)]
        task.cancel()


async def test_a_canary_in_a_range_speaks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = []

    async def probed(endpoint: Endpoint) -> bool:
        heard.append(endpoint)
        return True

    monkeypatch.setattr(blindness, "PROBE_EVERY", 0.01)
    monkeypatch.setattr(blindness, "answers", probed)
    field = Field(6, 20, canaries=["10.1.0.254"])
    async with asyncio.TaskGroup() as group:
        task = group.create_task(field.blindness.run())
        await until(lambda: heard, "it is probed")
        field.lose(*field.north)
        field.wait(125)
        assert field.blind == []
        assert len(field.gone) == 6
        task.cancel()


MOVES = st.lists(
    st.tuples(
        st.sets(st.integers(0, 9), max_size=10), st.booleans(), st.booleans(), st.integers(1, 90)
    ),
    max_size=12,
)
"""Servers, whether they are lost or back, whether there is room for events, and seconds."""


@settings(max_examples=60, deadline=None)
@given(MOVES)
def test_what_is_told_is_what_is_known(
    moves: list[tuple[set[int], bool, bool, int]],
) -> None:
    """Incidents made of the events are those that servers and doubts say are open, and nobody is
    called gone while we may be blind to it."""
    field = Field(5, 5)
    lives = [*field.north, *field.south]
    opened: dict[IncidentKey, Incident] = {}
    for chosen, lost, field.room, seconds in moves:
        (field.lose if lost else field.back)(
            *(lives[n] for n in chosen if lost is (lives[n].away_since is None))
        )
        for _ in range(seconds):
            before = len(field.told)
            doubted = {live.record.id for live in lives if field.blindness.over(live)}
            field.wait(1)
            for event in field.told[before:]:
                key = key_of(event)
                assert key is not None
                # An incident is neither opened nor ended twice.
                assert (key in opened) is (event.type is EventType.RECOVERED)
                after = following(opened.pop(key, None), event)
                assert after is not None
                if after.ended is None:
                    opened[key] = after
                assert not (event.type is EventType.GONE and event.server in doubted)
            gone = {live.record.id for live in lives if live.gone}
            assert gone == {server for kind, server, _ in opened if kind is Condition.GONE}
    field.back(*lives)
    field.room = True
    field.wait(2)
    last = {key_of(event): event.type for event in field.told}
    assert set(last.values()) <= {EventType.RECOVERED}
    assert not any(field.blindness.over(live) or live.gone for live in lives)
