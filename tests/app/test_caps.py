"""How often and on how many servers reactions run: one at a time, latches, shares, clocks."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from outkept.model.command import CommandOutcome, CommandResult
from outkept.model.event import Event, EventType
from tests.app.reacting import DEPTH, Gate, Wire, Yard, yard

pytestmark = pytest.mark.usefixtures("soon")


async def test_one_at_a_time_on_a_server(tmp_path: Path) -> None:
    gate = Gate()
    other = replace(DEPTH, name="disk", reactive="clean")
    async with yard(tmp_path, DEPTH, other, answer=gate) as one:
        one.server(0)
        one.read("s0", 11)
        await one.until(one.sent, "the first runs")
        one.read("s0", 11, other)
        await one.told_of("held: the reaction to depth runs on this server")
        assert one.sent() == ["pump"]
        gate.open.set()
        await one.told_of("ran `clean`")
        assert one.sent() == ["pump", "clean"]


async def test_too_many_runs_latch_it_until_a_person_releases_it(tmp_path: Path) -> None:
    latch = {"runs": 2, "within": "1h"}
    async with yard(tmp_path, latch=latch) as one:
        one.server(0)
        for number in (1, 2):
            one.read("s0", 11)
            await one.told_of("ran `pump`", number)
            one.read("s0", 1)
            await one.told_of("mended", number)
        one.read("s0", 11)
        await one.told_of("held: it ran 2 times within 1h, which is the most")
        await one.told_of("the reactions of depth are latched until a person releases them")
        one.read("s0", 1)
    async with yard(tmp_path, latch=latch) as one:
        one.server(0)
        one.read("s0", 11)
        await one.told_of("held: it is latched until a person releases it: it ran 2 times")
        assert not await one.guards.release("s0", "disk", "ana")
        assert await one.guards.release("s0", "depth", "ana")
        one.read("s0", 1)
        await one.told_of("back to normal")
    async with yard(tmp_path, latch=latch) as one:
        assert one.guards.view()["latches"] == []
        one.server(0)
        one.read("s0", 11)
        await one.told_of("ran `pump`")


async def test_a_latch_goes_with_its_server(tmp_path: Path) -> None:
    async with yard(tmp_path) as one:
        await one.guards.latch(one.server(0), DEPTH, "why")
        one.context.herald.announce(Event(time.time(), EventType.REMOVED, "gone", "s0"))
        await one.told_of("gone")
        assert one.guards.view()["latches"] == []
    async with yard(tmp_path) as one:
        assert one.guards.view()["latches"] == []


async def test_a_clock_that_is_set_lets_nothing_run_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensor = replace(DEPTH, cooldown=600.0)
    async with yard(tmp_path, sensor, share={"fleet": "10%"}) as one:
        for number in (0, 1):
            one.server(number)
        real = time.time
        one.read("s0", 11)
        await one.told_of("ran `pump`")
        one.read("s0", 1)
        await one.told_of("mended")
        monkeypatch.setattr(time, "time", lambda: real() + 86400.0)
        one.read("s0", 11)
        await one.told_of("s ago; its cooldown lasts another ")
        one.read("s1", 11)
        await one.told_of("held: 1 server of the fleet was reacted on within 10m")
        one.read("s0", 1)
        await one.told_of("back to normal", 2)
        monkeypatch.setattr(time, "time", lambda: real() - 3600.0)
        one.read("s0", 11)
        await one.told_of("held: the clock was set back")
        assert one.sent() == ["pump"]


async def test_five_hundred_servers_that_trip_at_once_react_no_more_than_the_caps_allow(
    tmp_path: Path,
) -> None:
    begun = at_once = most_at_once = 0
    more = asyncio.Condition()

    async def counted(_: Wire, __: str) -> CommandOutcome:
        """Ends once seven are under way, or the last of all has begun."""
        nonlocal begun, at_once, most_at_once
        begun, at_once = begun + 1, at_once + 1
        most_at_once = max(at_once, most_at_once)
        enough = min(20, -(-begun // 7) * 7)
        async with more:
            more.notify_all()
            await more.wait_for(lambda: begun >= enough)
        at_once -= 1
        return CommandResult(0, b"", b"")

    share = {"fleet": "10%", "labels": {"site": "4%"}, "within": "10m"}
    async with yard(tmp_path, answer=counted, at_once=7, share=share) as one:
        for number in range(500):
            # A site of 300, whose share is 12, and one of 200, whose share is 8.
            one.server(number, site="lisbon" if number < 300 else "porto")
        for number in range(500):
            one.read(f"s{number}", 11)
        await one.until(lambda: _settled(one), "every alarm ran or is held for good")
        assert most_at_once == 7
        reacted = {id_ for id_, wire in one.wires.items() if wire.sent}
        sites = [one.live(id_).record.labels["site"] for id_ in reacted]
        assert sorted(sites) == ["lisbon"] * 12 + ["porto"] * 8
        assert all(len(wire.sent) <= 1 for wire in one.wires.values())
        assert len(await one.actions()) == 20


def _settled(one: Yard) -> bool:
    told = one.messages()
    ran = sum("ran `pump`" in text for text in told)
    held = sum("% of" in text for text in told)
    return ran + held == 500


async def test_a_dry_run_shows_what_the_caps_would_let_run(tmp_path: Path) -> None:
    async with yard(tmp_path, mode="dry-run", share={"fleet": "20%"}) as one:
        for number in range(10):
            one.server(number)
        for number in range(10):
            one.read(f"s{number}", 11)
        await one.told_of("would have run `pump` (dry run)", 2)
        await one.told_of("held: 2 servers of the fleet were reacted on", 8)
        assert one.sent() == []
        assert [action.outcome.value for action in await one.actions()] == ["dry-run"] * 2
