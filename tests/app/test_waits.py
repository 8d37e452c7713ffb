"""A reaction that something held for a while is asked about again after a restart; no other is."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from outkept.app.judge import Held
from outkept.model.event import EventType
from outkept.model.level import Level
from outkept.model.server import Endpoint
from outkept.model.silence import Silence
from outkept.store.errors import StoreError
from outkept.store.waits import Waits
from tests.app.reacting import DEPTH, Yard, held, yard

pytestmark = pytest.mark.usefixtures("soon")


async def _silence(one: Yard) -> int:
    now = time.time()
    silence = Silence(now - 1, now + 3600, "backup", "ana")
    return (await one.context.desk.add_silence(silence)).id


def _again(one: Yard) -> None:
    """The server of before the restart, and the alarm that was open then."""
    live = one.server(0)
    one.context.judge.restore(live, Held(("depth", None), Level.ALARMED))


async def _kept(one: Yard) -> int:
    return len(await Waits(one.context.store).all())


async def _none_kept(one: Yard) -> bool:
    return await _kept(one) == 0


async def test_what_a_silence_held_over_a_restart_runs_once(tmp_path: Path) -> None:
    async with yard(tmp_path) as one:
        silence = await _silence(one)
        await held(one, "held: it is silenced: backup (ana)")
        assert await _kept(one) == 1
    async with yard(tmp_path) as one:
        _again(one)
        await one.until(lambda: one.context.watched, "it is taken up")
        assert one.sent() == []
        one.read("s0", 12)
        await one.told_of("held: it is silenced: backup (ana)")
        assert one.sent() == []
        await one.context.desk.end_silence(silence, "ana")
        await one.told_of("ran `pump`: exit status 0")
        assert one.sent() == ["pump"]
        (action,) = await one.actions()
        assert action.reason == "is 11 >= 10 (alarmed)"
    async with yard(tmp_path) as one:
        _again(one)
        await one.until(lambda: one.context.watched, "it is looked at")
        one.read("s0", 1)
        await one.told_of("mended")
        assert one.sent() == []


async def test_an_alarm_that_is_back_while_its_wait_is_ended_is_taken_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop, dropping, go = Waits.drop, asyncio.Event(), asyncio.Event()

    async def slowly(waits: Waits, incident: int) -> None:
        dropping.set()
        await go.wait()
        await drop(waits, incident)

    monkeypatch.setattr(Waits, "drop", slowly)
    async with yard(tmp_path, replace(DEPTH, warning=5)) as one:
        silence = await _silence(one)
        await held(one, "held: it is silenced")
        one.read("s0", 6)
        async with asyncio.timeout(20):
            await dropping.wait()
        one.read("s0", 11)
        await one.told_of("depth is 11 >= 10 (alarmed)", 2)
        await one.context.desk.end_silence(silence, "ana")
        go.set()
        await one.told_of("ran `pump`: exit status 0")


async def test_what_a_silence_held_is_over_if_it_is_well_after_the_restart(tmp_path: Path) -> None:
    sensor = replace(DEPTH, warning=5)
    async with yard(tmp_path, sensor) as one:
        silence = await _silence(one)
        await held(one, "held: it is silenced")
    async with yard(tmp_path, sensor) as one:
        _again(one)
        await one.until(lambda: one.context.watched, "it is taken up")
        one.read("s0", 6)
        await one.until(lambda: not one.context.watched, "it waits no more")
        assert await _none_kept(one)
        await one.context.desk.end_silence(silence, "ana")
        assert await one.actions() == []


async def test_what_was_held_for_good_after_it_had_waited_is_not_taken_up(tmp_path: Path) -> None:
    async with yard(tmp_path) as one:
        await _silence(one)
        await held(one, "held: it is silenced")
        await one.guards.stop("moving the racks", "ana")
        await one.told_of("held: all reactions are stopped: ana: moving the racks")
        await one.until(lambda: _none_kept(one), "it waits no more")


async def test_what_was_held_for_good_at_once_is_not_taken_up(tmp_path: Path) -> None:
    async with yard(tmp_path) as one:
        await one.guards.stop("moving the racks", "ana")
        await held(one, "held: all reactions are stopped")
        assert await _none_kept(one)


async def test_what_would_have_run_in_a_dry_run_is_not_made_up_for(tmp_path: Path) -> None:
    async with yard(tmp_path, mode="dry-run") as one:
        await _silence(one)
        await held(one, "held: it is silenced")
        assert await _none_kept(one)


async def test_what_waits_for_a_command_to_end_is_not_kept(tmp_path: Path) -> None:
    async with yard(tmp_path) as one:
        one.server(0)
        one.guards.claim(one.live("s0"), replace(DEPTH, name="disk"), None, step=1)
        one.read("s0", 11)
        await one.told_of("held: the reaction to disk runs on this server")
        assert await _none_kept(one)


async def test_a_server_that_moved_over_the_restart_is_not_reacted_on(tmp_path: Path) -> None:
    async with yard(tmp_path) as one:
        silence = await _silence(one)
        await held(one, "held: it is silenced")
    async with yard(tmp_path) as one:
        _again(one)
        elsewhere = Endpoint("10.9.9.9")
        one.context.fleet.put(replace(one.live("s0").record, endpoints=(elsewhere,)))
        one.connect("s0", elsewhere)
        await one.until(lambda: one.context.watched, "it is taken up")
        await one.context.desk.end_silence(silence, "ana")
        one.read("s0", 12)
        await one.told_of("held: it is at 10.9.9.9 now, and was at 10.0.0.1 before")
        assert one.sent() == []
        await one.until(lambda: _none_kept(one), "it waits no more")


async def test_an_acknowledgement_holds_what_waited_before_the_restart(tmp_path: Path) -> None:
    async with yard(tmp_path) as one:
        one.blind = "we may be blind to all servers"
        await held(one, "held: we may be blind")
    async with yard(tmp_path) as one:
        _again(one)
        await one.until(lambda: one.context.watched, "it is taken up")
        (incident,) = one.context.desk.incidents()
        await one.context.desk.said(incident, EventType.ACKNOWLEDGED, "ana has it", "ana")
        one.read("s0", 12)
        await one.told_of("held: ana has acknowledged the incident")
        await one.until(lambda: _none_kept(one), "it waits no more")
        assert one.sent() == []


async def test_it_waits_also_where_the_disk_does_not_take_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def full(*_: object) -> None:
        raise StoreError("database or disk is full")

    monkeypatch.setattr(Waits, "add", full)
    async with yard(tmp_path) as one:
        silence = await _silence(one)
        await held(one, "held: it is silenced")
        assert "a restart would forget the reaction to depth: database or disk is full" in (
            caplog.text
        )
        await one.context.desk.end_silence(silence, "ana")
        await one.told_of("ran `pump`")
