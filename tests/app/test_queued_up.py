"""A server whose channels can't keep pace says so, with cause and cure, until they can."""

import re
from pathlib import Path

import pytest

from tests.app.harness import Daemon, Site
from tests.servers import machine

SENSORS = [f"slow{number}" for number in range(4)]


async def test_a_server_is_queued_up_while_its_sensors_are_slow(site: Site, yard: Path) -> None:
    pace = yard / "pace"
    pace.write_text("0.4")
    for name in SENSORS:
        site.sensor(name, f"sleep $(cat {pace}); echo 1", parse="number", every="500ms")
    with machine("web1", addresses=[site.address(1)], port=site.port, max_sessions=1):
        async with site.daemon() as daemon:
            (entered,) = await daemon.until(lambda: daemon.events("queued_up"), "it is told")
            server = daemon.server("web1")
            assert server["queued_up"] is True
            text = server["channels"]["queued_up"]
            assert entered["message"].startswith("web1 is queued up: ")
            assert entered["server"] == server["id"]
            # Cause and cure: which sensors, and what to set.
            words = (
                r"slow\d, slow\d and 2 more need [\d.]+ channel-seconds a second and the server"
                r" allows 1: read them every \d s, or set MaxSessions to [2-9]"
            )
            await daemon.until(lambda: re.fullmatch(words, _text(daemon)), "cause and cure")
            assert text
            channels = daemon.server("web1")["channels"]
            assert channels["limit"] == 1
            assert channels["missed"] > 0
            # The same in numbers, for the server's page.
            detail = daemon.source.server(server["id"])
            assert detail is not None
            told = detail["channels"]
            assert {use["sensor"] for use in told["use"]} == set(SENSORS)
            assert all(use["every"] == 0.5 for use in told["use"])
            assert max(use["took_s"] for use in told["use"]) > 0.2
            assert told["need"] == pytest.approx(sum(use["load"] for use in told["use"]), rel=0.01)
            assert told["cure"]["interval_s"] >= 1
            assert told["cure"]["setting"] == f"set MaxSessions to {told['cure']['channels']}"
            # All of them are read, only later.
            await daemon.fresh("web1", *SENSORS)
            pace.write_text("0")
            await daemon.until(lambda: daemon.events("queue_cleared"), "it is over")
            assert daemon.server("web1")["queued_up"] is False
            assert _text(daemon) == ""
            assert len(await daemon.events("queued_up")) == 1
            await daemon.fresh("web1", *SENSORS)


async def test_a_slow_sensor_alone_does_not_queue_up_a_server(site: Site) -> None:
    site.sensor("slow", "sleep 2.4; echo 1", parse="number", every="2s")
    site.sensor("clock", "date +%s", parse="number", every="3s")
    with machine("web1", addresses=[site.address(1)], port=site.port):
        async with site.daemon() as daemon:
            await daemon.until(lambda: daemon.value("web1", "slow"), "it is read")
            for _ in range(3):
                await daemon.fresh("web1", "slow", "clock")
            server = daemon.server("web1")
            assert server["channels"]["missed"] > 0
            assert server["queued_up"] is False
            assert await daemon.events("queued_up") == []


async def test_a_server_that_is_lost_while_queued_up_is_not_called_in_time(
    site: Site,
) -> None:
    for name in SENSORS:
        site.sensor(name, "sleep 0.4; echo 1", parse="number", every="500ms")
    with machine("web1", addresses=[site.address(1)], port=site.port, max_sessions=1) as server:
        async with site.daemon() as daemon:
            await daemon.until(lambda: daemon.events("queued_up"), "it is queued up")
            server.stop()
            (cleared,) = await daemon.until(
                lambda: daemon.events("queue_cleared"), "it is not queued up any more"
            )
            assert cleared["message"] == "web1 is disconnected"


def _text(daemon: Daemon) -> str:
    return str(daemon.server("web1")["channels"]["queued_up"])
