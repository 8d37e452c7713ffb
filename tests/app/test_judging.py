"""Sensors that fail or are silent, servers that are gone, and whether we may be blind, on real
servers."""

from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from outkept.model.event import Condition
from tests.app.harness import Daemon, Json, Site
from tests.servers import generate_key, machine

QUICK: Json = {
    "failed_after": "1s",
    "stale_after": "1s",
    "gone_after": "2s",
    "blind": {"at_least": 0},
}
OUTAGE: Json = {"gone_after": "4s", "blind": {"at_least": 3, "within": "4s", "hold": "1h"}}
"""Time enough for servers to be stopped one after the other on a busy machine."""
CLOCK: Json = {"name": "clock", "cmd": "date +%s", "parse": "number", "every": "200ms"}


@pytest.fixture
def quick(site: Site) -> Site:
    """A site whose daemon has little patience."""
    site.config["judging"] = QUICK
    site.sensors.append(CLOCK)
    return site


class Rack:
    """Servers that are switched on and off, each with the same host key every time."""

    def __init__(self, site: Site, count: int) -> None:
        site.folder.mkdir(exist_ok=True)
        self._site = site
        self.names = [f"web{number}" for number in range(1, count + 1)]
        self._keys = {name: generate_key(site.folder / name) for name in self.names}
        self._running: dict[str, ExitStack] = {}

    def __enter__(self) -> "Rack":
        self.on(*self.names)
        return self

    def __exit__(self, *_: object) -> None:
        self.off(*self._running)

    def on(self, *names: str) -> None:
        """Start these."""
        for name in names:
            self._running[name] = ExitStack()
            self._running[name].enter_context(
                machine(
                    name,
                    machine_id=name.ljust(32, "0"),
                    addresses=[self._site.address(self.names.index(name) + 1)],
                    port=self._site.port,
                    host_keys=[self._keys[name]],
                )
            )

    def off(self, *names: str) -> None:
        """Stop these: connections are closed, new ones refused."""
        for name in names:
            self._running.pop(name).close()


async def _told(daemon: Daemon, condition: Condition, times: int = 1) -> list[Json]:
    """Events about a condition, the oldest first, once there are so many."""
    found = [event for event in await daemon.events() if event["condition"] == condition.value]
    return found if len(found) >= times else []


def _lines(path: Path) -> int:
    """How many lines a file has, which is made with the first of them."""
    return len(path.read_text().splitlines()) if path.exists() else 0


async def _are_read(daemon: Daemon, rack: Rack) -> None:
    await daemon.until(
        lambda: all(daemon.value(name, "clock") for name in rack.names), "all are read"
    )


async def test_a_sensor_that_fails_for_long_is_an_incident_until_it_gives_a_reading(
    quick: Site, yard: Path
) -> None:
    depth = yard / "depth"
    depth.write_text("1\n")
    quick.sensor("depth", f"cat {depth}", parse="number", every="200ms")
    with Rack(quick, 1) as rack:
        async with quick.daemon() as daemon:
            await daemon.until(lambda: daemon.value("web1", "depth"), "it is read")
            depth.unlink()
            (failing,) = await daemon.until(
                lambda: _told(daemon, Condition.FAILED), "its failure is told"
            )
            assert (failing["type"], failing["sensor"]) == ("failing", "depth")
            assert failing["message"].startswith("web1: depth has failed for ")
            assert "No such file" in failing["message"]
        # Held over a restart: neither opened a second time nor forgotten.
        async with quick.daemon() as daemon:
            await daemon.until(lambda: daemon.series("web1", "depth").get("reason"), "it fails")
            await _are_read(daemon, rack)
            for _ in range(8):
                await daemon.fresh("web1", "clock")
            depth.write_text("1\n")
            _, recovered = await daemon.until(
                lambda: _told(daemon, Condition.FAILED, 2), "its recovery is told"
            )
            assert (recovered["type"], recovered["incident"]) == ("recovered", failing["id"])
            assert await _told(daemon, Condition.STALE) == []


async def test_a_flapping_series_is_one_incident_without_reactions_until_it_is_steady(
    quick: Site, yard: Path
) -> None:
    depth, ran = yard / "depth", yard / "ran"
    reactive = f"echo run >> {ran}"
    quick.sensor("depth", f"cat {depth}", alarm=5, every="200ms", reactive=reactive, cooldown="0s")
    quick.config["judging"] = {"flapping": {"changes": 3, "within": "1m", "steady": "2s"}}
    quick.config["reactions"] = {"mode": "on"}

    async def read(daemon: Daemon, value: int) -> None:
        depth.write_text(f"{value}\n")
        await daemon.until(lambda: daemon.value("web1", "depth") == value, f"{value} is read")

    depth.write_text("1\n")
    with Rack(quick, 1):
        async with quick.daemon() as daemon:
            for value in (1, 9):
                await read(daemon, value)
            await daemon.until(lambda: _lines(ran) == 1, "it is reacted to as long as it is steady")
            for value in (2, 8):
                await read(daemon, value)
            (flapping,) = await daemon.until(lambda: daemon.events("flapping"), "it is told")
            assert daemon.series("web1", "depth")["flapping"]
            await read(daemon, 3)
        async with quick.daemon() as daemon:
            await read(daemon, 4)
            await read(daemon, 9)
            await daemon.until(lambda: not daemon.series("web1", "depth")["flapping"], "steady")
            await daemon.until(lambda: _lines(ran) == 2, "it is reacted to")
            types = [event["type"] for event in await daemon.events() if event["sensor"] == "depth"]
            levels = [t for t in types if t in {"alarmed", "warned", "recovered", "flapping"}]
            assert levels == ["alarmed", "recovered", "flapping", "alarmed"]
            last = (await daemon.events("alarmed"))[-1]
            assert last["incident"] == flapping["incident"]


async def test_what_is_said_of_a_sensor_that_is_no_longer_there_is_over(
    quick: Site, yard: Path
) -> None:
    quick.sensor("depth", f"cat {yard}/depth", parse="number", every="200ms", alarm=5)
    (yard / "depth").write_text("9\n")
    with Rack(quick, 1):
        async with quick.daemon() as daemon:
            await daemon.until(lambda: daemon.events("alarmed"), "it alarms")
            (yard / "depth").unlink()
            await daemon.until(lambda: _told(daemon, Condition.FAILED), "its failure is told")
        quick.sensors.pop()
        async with quick.daemon() as daemon:
            over = await daemon.until(partial(_recovered, daemon), "both are over")
            assert {event["condition"] for event in over} == {None, "failed"}
            assert {event["message"] for event in over} == {
                "web1: depth no longer applies to the server"
            }


async def _recovered(daemon: Daemon) -> list[Json]:
    found = await daemon.events("recovered")
    return found if len(found) == 2 else []


async def test_a_sensor_that_is_never_answered_is_stale(quick: Site) -> None:
    quick.sensor("mute", "sleep 60; echo 1", parse="number", every="200ms", timeout="1m")
    with Rack(quick, 1):
        async with quick.daemon() as daemon:
            await daemon.until(lambda: daemon.value("web1", "clock"), "the other is read")
            # Its deadline, a minute, is part of its patience: brought near.
            live = next(iter(daemon.source._context.fleet))
            for series in live.series.values():
                series.owed -= 60.0
            live.faults_at = 0.0
            (stale,) = await daemon.until(lambda: _told(daemon, Condition.STALE), "it is told")
            assert (stale["type"], stale["sensor"]) == ("failing", "mute")
            assert stale["message"] == "web1: mute gives no readings"


async def test_a_server_without_a_connection_is_gone_until_it_is_back(quick: Site) -> None:
    with Rack(quick, 2) as rack:
        async with quick.daemon() as daemon:
            await _are_read(daemon, rack)
            rack.off("web2")
            (gone,) = await daemon.until(lambda: _told(daemon, Condition.GONE), "it is told")
            assert gone["type"] == "gone"
            assert gone["message"].startswith("web2 is gone: no connection for ")
            assert daemon.source._context.desk.suppressed(gone["server"])
        async with quick.daemon() as daemon:
            await daemon.until(lambda: daemon.value("web1", "clock"), "the other is read")
            live = daemon.source._context.fleet.get(gone["server"])
            assert live is not None
            await daemon.until(lambda: live.vain and live.gone, "it is dialled in vain")
            rack.on("web2")
            _, back = await daemon.until(lambda: _told(daemon, Condition.GONE, 2), "it is back")
            assert (back["type"], back["incident"]) == ("recovered", gone["id"])
            assert not daemon.source._context.desk.suppressed(gone["server"])
            # Nothing is said of the sensors of a server that is away.
            assert await _told(daemon, Condition.FAILED) == []
            assert await _told(daemon, Condition.STALE) == []


async def test_many_lost_at_once_are_one_event_and_none_of_them_is_gone(
    quick: Site, yard: Path
) -> None:
    quick.config["judging"] = OUTAGE
    quick.config["reactions"] = {"mode": "on"}
    depth, ran = yard / "depth", yard / "ran"
    depth.write_text("1\n")
    quick.sensor("depth", f"cat {depth}", alarm=5, every="200ms", reactive=f"echo run >> {ran}")
    with Rack(quick, 4) as rack:
        async with quick.daemon() as daemon:
            await _are_read(daemon, rack)
            context = daemon.source._context
            rack.off("web1", "web2", "web3")
            (blind,) = await daemon.until(lambda: _told(daemon, Condition.BLIND), "it is told")
            assert (blind["type"], blind["server"], blind["sensor"]) == ("blind", None, None)
            assert blind["message"] == ("we may be blind: 3 of 4 servers were lost within 4s")
            assert all(context.blindness.over(live) for live in context.fleet)
            await daemon.until(
                lambda: all(live.vain for live in context.fleet if not live.connected),
                "they are dialled in vain",
            )
            # The one that is left alarms, and is left alone.
            depth.write_text("9\n")
            await daemon.until(lambda: daemon.events("alarmed"), "it alarms")
            await daemon.until(
                lambda: daemon.events("message", q="held: 3 of 4 servers"),
                "it is said why nothing runs",
            )
            assert not ran.exists()
            depth.write_text("1\n")
            await daemon.until(lambda: daemon.events("recovered"), "it recovers")
            rack.on("web1", "web2", "web3")
            _, over = await daemon.until(lambda: _told(daemon, Condition.BLIND, 2), "it is over")
            assert (over["type"], over["incident"]) == ("recovered", blind["id"])
            assert not any(context.blindness.over(live) for live in context.fleet)
            assert await _told(daemon, Condition.GONE) == []


async def test_those_that_stay_away_are_gone_in_the_end(quick: Site) -> None:
    quick.config["judging"] = OUTAGE | {"blind": OUTAGE["blind"] | {"hold": "4s"}}
    with Rack(quick, 3) as rack:
        async with quick.daemon() as daemon:
            await _are_read(daemon, rack)
            rack.off(*rack.names)
            gone = await daemon.until(lambda: _told(daemon, Condition.GONE, 3), "they are gone")
            blind, over = await _told(daemon, Condition.BLIND)
            assert over["message"] == "all servers: 3 are still away after 4s, and count as gone"
            assert all(event["at"] >= over["at"] > blind["at"] for event in gone)
            assert len(gone) == 3


async def test_a_restart_in_an_outage_holds_the_doubt_and_begins_none(quick: Site) -> None:
    quick.config["judging"] = OUTAGE
    with Rack(quick, 3) as rack:
        async with quick.daemon() as daemon:
            await _are_read(daemon, rack)
            rack.off(*rack.names)
            await daemon.until(lambda: _told(daemon, Condition.BLIND), "it is told")
        async with quick.daemon() as daemon:
            context = daemon.source._context
            await daemon.until(
                lambda: len(context.fleet) == 3 and all(live.vain for live in context.fleet),
                "they are dialled in vain",
            )
            assert all(context.blindness.over(live) for live in context.fleet)
            rack.on(*rack.names)
            told = await daemon.until(lambda: _told(daemon, Condition.BLIND, 2), "it is over")
            assert [event["type"] for event in told] == ["blind", "recovered"]
        # Neither a stop nor a start is an outage.
        async with quick.daemon() as daemon:
            await _are_read(daemon, rack)
            assert len(await _told(daemon, Condition.BLIND)) == 2
            assert await _told(daemon, Condition.GONE) == []
