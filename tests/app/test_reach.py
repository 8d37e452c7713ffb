"""When a server is gone and back: by what is read of it, not by its logins."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from outkept.app import context as context_module
from outkept.app.reach import Reach
from outkept.model.address import AddressOutcome, AddressState
from outkept.model.event import Condition
from tests.app.bench import NOW
from tests.app.reacting import DEPTH, Yard, yard


class Ground:
    """A yard's first server, looked at once a second of a clock that is set by hand."""

    def __init__(self, one: Yard) -> None:
        self.now = 1000.0
        self.one = one
        self.live = one.server(0)
        self.reach = Reach(one.context)
        one.context.connected(self.live)

    def wait(self, seconds: int) -> None:
        """Let time pass."""
        for _ in range(seconds):
            self.now += 1.0
            self.reach.look(self.live, self.now)

    def lose(self) -> None:
        """The connection is lost."""
        assert self.live.link is not None
        self.live.link.connection = None
        self.one.context.lost(self.live)

    def login(self) -> None:
        """The server lets us in."""
        self.one.connect("s0")
        self.one.context.connected(self.live)

    async def said(self) -> list[tuple[str, str]]:
        """What was told of its being gone."""
        await self.one.context.herald.drain(5.0)
        return [
            (event.type.value, event.message)
            for event in self.one.told
            if event.condition is Condition.GONE
        ]


@pytest.fixture
async def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ground]:
    async with yard(tmp_path, DEPTH) as one:
        made: list[Ground] = []
        clock: Any = SimpleNamespace(
            monotonic=lambda: made[0].now if made else 1000.0, time=time.time
        )
        monkeypatch.setattr(context_module, "time", clock)
        made.append(Ground(one))
        yield made[0]


async def test_a_server_that_lets_us_in_and_is_lost_each_time_is_gone_until_it_is_read(
    ground: Ground,
) -> None:
    for _ in range(3):
        ground.wait(30)
        ground.lose()
        ground.wait(5)
        ground.login()
    ground.wait(14)
    assert await ground.said() == []
    ground.wait(1)
    gone = ("gone", "web0 is gone: no connection has given a reading for 2m")
    assert await ground.said() == [gone]
    # Neither is it back with the next login.
    ground.lose()
    ground.wait(5)
    ground.login()
    ground.wait(30)
    assert await ground.said() == [gone]
    ground.one.read("s0", 1)
    ground.wait(1)
    assert await ground.said() == [gone, ("recovered", "web0 is connected again")]


async def test_a_good_reading_begins_the_time_anew_and_a_late_one_does_not(ground: Ground) -> None:
    ground.wait(30)
    ground.lose()
    ground.one.read("s0", 1)
    ground.wait(60)
    ground.login()
    ground.one.read("s0", 1)
    ground.lose()
    ground.live.vain = True
    ground.wait(119)
    assert await ground.said() == []
    ground.wait(1)
    assert await ground.said() == [("gone", "web0 is gone: no connection for 2m")]


async def test_a_connection_that_lasts_is_back_whatever_is_read(ground: Ground) -> None:
    ground.lose()
    ground.wait(130)
    assert [type_ for type_, _ in await ground.said()] == ["gone"]
    ground.login()
    ground.wait(119)
    assert len(await ground.said()) == 1
    ground.wait(1)
    assert [type_ for type_, _ in await ground.said()] == ["gone", "recovered"]


async def test_the_moment_between_a_loss_and_its_notice_is_no_login_in_vain(ground: Ground) -> None:
    ground.one.read("s0", 1)
    assert ground.live.link is not None
    ground.live.link.connection = None
    ground.wait(1)
    ground.lose()
    ground.wait(300)
    assert await ground.said() == []


async def test_one_that_is_gone_and_then_shows_another_host_key_says_so_once(
    ground: Ground,
) -> None:
    ground.lose()
    ground.live.vain = True
    ground.wait(120)
    (endpoint,) = ground.live.record.endpoints
    for _ in range(2):
        ground.one.context.note(
            AddressState(endpoint, AddressOutcome.HOST_KEY_REJECTED, "another key", NOW)
        )
        ground.wait(10)
    assert await ground.said() == [
        ("gone", "web0 is gone: no connection has given a reading for 2m"),
        ("gone", "web0 is quarantined: another key"),
    ]
    (incident,) = ground.one.context.desk.incidents("s0")
    assert incident.condition is Condition.GONE


async def test_another_host_key_at_one_address_is_told_once_the_others_were_dialled_in_vain(
    ground: Ground,
) -> None:
    ground.one.read("s0", 1)
    ground.lose()
    (endpoint,) = ground.live.record.endpoints
    ground.one.context.note(
        AddressState(endpoint, AddressOutcome.HOST_KEY_REJECTED, "another key", NOW)
    )
    ground.wait(10)
    assert await ground.said() == []
    ground.live.vain = True
    ground.wait(1)
    assert await ground.said() == [("gone", "web0 is quarantined: another key")]
