"""Reactions on a real sshd: when they run, when they don't, and what is written down.

The value of the sensor `depth` stands in a file, and its reaction appends a line to another,
so that what ran can be counted.
"""

import functools
import json
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.app.harness import Daemon, Json, Site
from tests.servers import Server, generate_key, machine, running_user


@dataclass
class Pump:
    """A sensor to set at will, and the runs of its reaction."""

    folder: Path

    def set(self, value: float) -> None:
        """What the sensor reads from now on."""
        beside = self.folder / "depth.new"
        beside.write_text(f"{value}\n")
        beside.rename(self.folder / "depth")

    @property
    def runs(self) -> int:
        """How often the reaction ran."""
        path = self.folder / "runs"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def ran_after(self, before: int) -> bool:
        """Whether it ran more than `before` times."""
        return self.runs > before

    @property
    def sensor(self) -> Json:
        """Its definition."""
        return {
            "name": "depth",
            "cmd": f"cat {self.folder}/depth",
            "warning": 5,
            "alarm": 10,
            "every": "200ms",
            "cooldown": "0s",
            "reactive": f"echo pumped; echo run >> {self.folder}/runs; exit 7",
        }


@pytest.fixture
def pump(yard: Path, site: Site) -> Pump:
    """A pump whose depth is normal."""
    pump = Pump(yard)
    pump.set(1)
    site.sensors.append(pump.sensor)
    site.config["reactions"] = {"mode": "on"}
    return pump


@pytest.fixture
def web1(site: Site) -> Iterator[None]:
    """The server that it all happens on."""
    with machine("web1", addresses=[site.address(1)], port=site.port):
        yield


def _status(daemon: Daemon) -> object:
    return daemon.series("web1", "depth").get("status")


async def _reads(daemon: Daemon, value: float) -> None:
    await daemon.until(lambda: daemon.value("web1", "depth") == value, f"depth is read as {value}")


async def _finished(daemon: Daemon) -> list[Json]:
    return [action for action in await daemon.actions() if action["outcome"] == "done"]


@pytest.mark.usefixtures("web1")
async def test_a_reaction_runs_once_when_the_alarm_is_entered(site: Site, pump: Pump) -> None:
    async with site.daemon() as daemon:
        await _reads(daemon, 1)
        pump.set(11)
        (action,) = await daemon.until(lambda: _finished(daemon), "the reaction is over")
        assert action["command"] == pump.sensor["reactive"]
        assert (action["status"], action["output"]) == (7, "pumped\n")
        assert action["reason"] == "is 11 >= 10 (alarmed)"
        assert action["finished_at"] >= action["at"]
        await daemon.until(lambda: _status(daemon) == "fired", "the sensor shows it")
        assert daemon.status("web1") == "alarmed"
        for depth in (12, 13):
            pump.set(depth)
            await _reads(daemon, depth)
            await daemon.fresh("web1", "depth")
            assert _status(daemon) == "fired"
        assert pump.runs == 1
        pump.set(6)
        await daemon.until(lambda: _status(daemon) == "warned", "the alarm is left")
        pump.set(1)
        await daemon.until(lambda: _status(daemon) == "normal", "all is well")
        told = await daemon.until(lambda: daemon.events("recovered"), "it is told") and [
            event["type"] for event in await daemon.events() if event["sensor"] == "depth"
        ]
        assert told == ["alarmed", "fired", "warned", "mended", "recovered"]


@pytest.mark.usefixtures("web1")
async def test_it_runs_again_for_the_next_alarm_once_its_cooldown_is_over(
    site: Site, pump: Pump
) -> None:
    async with site.daemon() as daemon:
        for depth in (11, 12):
            before = pump.runs
            pump.set(depth)
            await daemon.until(partial(pump.ran_after, before), "it runs")
            pump.set(1)
            await daemon.until(lambda: _status(daemon) == "normal", "the alarm is left")
        assert pump.runs == 2


@pytest.mark.usefixtures("web1")
async def test_a_flapping_sensor_reacts_once_within_its_cooldown(site: Site, pump: Pump) -> None:
    site.sensors[-1]["cooldown"] = "10m"
    async with site.daemon() as daemon:
        for times, depth in enumerate((11, 12, 13)):
            pump.set(depth)
            held = await daemon.until(partial(_dealt_with, daemon, times), "it is dealt with")
            assert times == 0 or "its cooldown lasts another" in held[0]
            pump.set(1)
            await _reads(daemon, 1)
        assert pump.runs == 1
        assert len(await daemon.actions()) == 1


async def _dealt_with(daemon: Daemon, times: int) -> list[Any]:
    """What was told of so many alarms that came within the cooldown; of none, what ran."""
    if times:
        return await _told(daemon, "held: it ran", times)
    return await _finished(daemon)


async def _told(daemon: Daemon, text: str, times: int = 1) -> list[str]:
    found = [event["message"] for event in await daemon.events("message", q=text)]
    return found if len(found) >= times else []


@pytest.mark.usefixtures("web1")
async def test_a_zero_alarms_without_a_reaction(site: Site, pump: Pump) -> None:
    site.sensors[-1] |= {"zero": True}
    pump.set(0)
    async with site.daemon() as daemon:
        await daemon.until(lambda: _status(daemon) == "alarmed", "it alarms")
        await daemon.until(lambda: _told(daemon, "runs no reaction"), "it says why not")
        assert await daemon.actions() == []
        assert pump.runs == 0


@pytest.mark.usefixtures("web1")
async def test_a_dry_run_writes_down_what_would_have_run(site: Site, pump: Pump) -> None:
    del site.config["reactions"]
    async with site.daemon() as daemon:
        pump.set(11)
        (action,) = await daemon.until(daemon.actions, "it is written down")
        assert action["outcome"] == "dry-run"
        assert action["command"] == pump.sensor["reactive"]
        assert action["reason"] == "is 11 >= 10 (alarmed); reactions.mode is dry-run"
        await daemon.until(lambda: _told(daemon, "would have run"), "it is told")
        await daemon.fresh("web1", "depth")
        assert _status(daemon) == "alarmed"
        assert pump.runs == 0


@pytest.mark.usefixtures("web1")
async def test_with_reactions_off_nothing_runs_and_nothing_is_written(
    site: Site, pump: Pump
) -> None:
    site.config["reactions"] = {"mode": "off"}
    async with site.daemon() as daemon:
        pump.set(11)
        await daemon.until(lambda: _told(daemon, "reactions.mode is off"), "it is told")
        assert await daemon.actions() == []
        assert pump.runs == 0


async def test_a_reaction_goes_ahead_of_queued_readings(site: Site, pump: Pump) -> None:
    for number in range(8):
        site.sensor(f"slow{number}", "sleep 1; echo 1", parse="number", every="1s")
    site.sensors[0]["reactive"] = f"date +%s.%N >> {pump.folder}/runs"
    site.sensors[0]["every"] = "1s"
    with machine("web1", addresses=[site.address(1)], port=site.port, max_sessions=1):
        async with site.daemon() as daemon:
            await daemon.until(lambda: daemon.server("web1").get("queued_up"), "it is queued up")
            pump.set(11)
            (action,) = await daemon.until(lambda: _finished(daemon), "it ran")
            # Eight readings of a second each wait; one may have been running.
            assert action["finished_at"] - action["at"] < 6


@pytest.mark.usefixtures("web1")
async def test_two_instances_that_alarm_at_once_run_it_once(site: Site, pump: Pump) -> None:
    site.sensors[-1] |= {
        "parse": "table",
        "cooldown": "10m",
        "cmd": f"read d < {pump.folder}/depth; echo left $d; echo right $d",
    }
    async with site.daemon() as daemon:
        await daemon.until(lambda: daemon.value("web1", "depth", "left") == 1, "it is read")
        pump.set(11)
        await daemon.until(lambda: _told(daemon, "held: it ran"), "one is held back")
        await daemon.until(lambda: _finished(daemon), "one ran")
        assert pump.runs == 1
        statuses = {daemon.series("web1", "depth", side)["status"] for side in ("left", "right")}
        assert statuses == {"fired", "alarmed"}


@pytest.mark.usefixtures("web1")
async def test_an_alarm_that_is_open_over_a_restart_does_not_react_again(
    site: Site, pump: Pump
) -> None:
    pump.set(11)
    async with site.daemon() as daemon:
        await daemon.until(lambda: _status(daemon) == "fired", "it ran")
    async with site.daemon() as daemon:
        await daemon.until(lambda: _status(daemon) == "fired", "it is known to have run")
        for depth in (12, 13):
            pump.set(depth)
            await _reads(daemon, depth)
        assert _status(daemon) == "fired"
        assert len(await daemon.events("alarmed")) == 1
        assert pump.runs == 1
        pump.set(1)
        await daemon.until(lambda: daemon.events("recovered"), "the alarm is left")
        pump.set(11)
        await daemon.until(lambda: pump.runs == 2, "it runs for the next alarm")


@pytest.mark.usefixtures("web1")
async def test_a_reaction_cut_off_by_a_kill_is_unknown_and_not_repeated(
    site: Site, pump: Pump
) -> None:
    runs = pump.folder / "runs"
    site.sensors[-1]["reactive"] = f"echo run >> {runs}; sleep 20; echo end >> {runs}"
    site.sensors[-1]["timeout"] = "1m"
    with site.process() as process:
        await process.until(lambda: process.log.count("Dashboard"), "it serves")
        pump.set(11)
        await process.until(lambda: pump.runs == 1, "the reaction runs")
        process.kill()
    async with site.daemon() as daemon:
        (action,) = await daemon.actions()
        assert action["outcome"] == "unknown"
        told = await daemon.until(lambda: _told(daemon, "is unknown"), "it is told")
        assert told[0].startswith("web1: whether `echo run")
        assert "it is not repeated" in told[0]
        await daemon.until(lambda: _status(daemon) == "fired", "the alarm is still open")
        for depth in (12, 13):
            pump.set(depth)
            await _reads(daemon, depth)
        assert _status(daemon) == "fired"
        assert runs.read_text().count("run") == 1
        assert len(await daemon.actions()) == 1
        assert len(await daemon.events("alarmed")) == 1


async def test_a_reaction_that_ends_its_own_connection_is_unknown(site: Site, pump: Pump) -> None:
    site.sensors[-1]["reactive"] = f"kill -9 $PPID; sleep 1; echo run >> {pump.folder}/runs"
    with machine("web1", addresses=[site.address(1)], port=site.port):
        async with site.daemon() as daemon:
            await _reads(daemon, 1)
            pump.set(11)
            found = await daemon.until(
                lambda: _over(daemon), "the reaction that killed its connection is told"
            )
            assert found["outcome"] == "unknown"
            assert "whether it ran is not known" in found["reason"]
            await daemon.fresh("web1", "depth")
            assert len(await daemon.actions()) == 1


async def _over(daemon: Daemon) -> Json | None:
    actions = await daemon.actions()
    return actions[0] if actions and actions[0]["finished_at"] else None


EVIL = "a'b\"c $(touch pwned) `touch pwned`\n;touch pwned \\ \u0000 é %s !!"


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/csh", "/usr/bin/fish"])
async def test_what_a_server_says_reaches_the_command_as_text_under_any_login_shell(
    site: Site, yard: Path, client_key: Path, shell: str
) -> None:
    variables = "SERVER HOSTNAME SENSOR INSTANCE VALUE LEVEL INCIDENT STEP"
    reactive = (
        f"cd {yard}\n"
        f"for name in {variables}; do\n"
        "eval \"printf '%s\\\\n' \\\"\\$OUTKEPT_$name\\\"\"; done > told; # 'quoted' $HOME `x` !"
    )
    site.config["reactions"] = {"mode": "on"}
    with running_user(client_key, suffix="x", shell=shell) as user:
        site.user = user
        (yard / "said").write_text(json.dumps({EVIL: 11}))
        site.sensor(
            "odd", f"cat {yard}/said", parse="json", alarm=10, every="200ms", reactive=reactive
        )
        with machine("web1", addresses=[site.address(1)], port=site.port):
            async with site.daemon() as daemon:
                (action,) = await daemon.until(lambda: _finished(daemon), "it ran")
                assert (action["status"], action["output"]) == (0, "")
                assert action["command"] == reactive
                (alarmed,) = await daemon.events("alarmed")
                expected = [
                    daemon.server("web1")["id"],
                    "web1",
                    "odd",
                    # What is read of a server holds no control characters.
                    " ".join(EVIL.replace("\0", " ").split("\n")),
                    "11",
                    "alarmed",
                    str(alarmed["incident"]),
                    "1",
                ]
                assert (yard / "told").read_text() == "".join(f"{one}\n" for one in expected)
                assert "pwned" not in {
                    name for one in (yard, user.home) for name in os.listdir(one)
                }


@pytest.mark.usefixtures("web1")
async def test_a_reaction_from_before_a_restart_is_looked_at_after_it(
    site: Site, pump: Pump
) -> None:
    site.sensors[-1] |= {
        "fallback": f"cd {pump.folder}; echo 1 > calm; mv calm depth",
        "mended_within": "2s",
    }
    pump.set(11)
    async with site.daemon() as daemon:
        await daemon.until(lambda: _finished(daemon), "it ran")
    async with site.daemon() as daemon:
        mended = await daemon.until(lambda: daemon.events("mended"), "the second step mended it")
        assert "mended in" in mended[0]["message"]
        assert [action["step"] for action in await daemon.actions()] == [1, 2]
        assert await daemon.events("not_mended") == []
        assert pump.runs == 1
    async with site.daemon() as daemon:
        await _reads(daemon, 1)
        assert len(await daemon.actions()) == 2


@pytest.mark.usefixtures("web1")
async def test_what_a_silence_held_before_a_restart_runs_once_it_ends(
    site: Site, pump: Pump
) -> None:
    async with site.daemon() as daemon:
        await _reads(daemon, 1)
        silence = await daemon.silence("depth")
        pump.set(11)
        await daemon.until(lambda: _told(daemon, "it is silenced"), "it waits")
    async with site.daemon() as daemon:
        await daemon.until(lambda: _told(daemon, "it is silenced", 2), "it waits again")
        assert pump.runs == 0
        await daemon.end_silence(silence)
        await daemon.until(lambda: _finished(daemon), "it ran")
    async with site.daemon() as daemon:
        await daemon.fresh("web1", "depth")
        assert pump.runs == 1
        assert len(await daemon.actions()) == 1


Start = Callable[..., AbstractContextManager[Server]]


async def test_two_servers_that_swap_addresses_in_mid_incident_run_nothing_anywhere(
    site: Site, yard: Path, tmp_path: Path
) -> None:
    fleet: dict[str, Start] = {
        name: functools.partial(
            machine,
            name,
            machine_id=uuid.uuid4().hex,
            port=site.port,
            host_keys=[generate_key(tmp_path / name)],
        )
        for name in ("red", "blue")
    }
    site.config["reactions"] = {"mode": "on"}
    site.sensor(
        "depth",
        f"cat {yard}/$(uname -n)",
        alarm=10,
        cooldown="0s",
        reactive=f"uname -n >> {yard}/reacted",
    )
    for name in fleet:
        (yard / name).write_text("1")
    async with site.daemon() as daemon:
        with ExitStack() as stack:
            stack.enter_context(fleet["red"](addresses=[site.address(1)]))
            stack.enter_context(fleet["blue"](addresses=[site.address(2)]))
            await daemon.until(
                lambda: daemon.value("red", "depth") and daemon.value("blue", "depth"), "both"
            )
            silence = await daemon.silence("depth")
            (yard / "red").write_text("11")
            await daemon.until(lambda: _told(daemon, "it is silenced"), "red waits")
        with ExitStack() as stack:
            stack.enter_context(fleet["red"](addresses=[site.address(2)]))
            stack.enter_context(fleet["blue"](addresses=[site.address(1)]))
            await daemon.until(
                lambda: daemon.status("red") == "alarmed" and daemon.status("blue") == "normal",
                "both are at each other's address",
            )
            await daemon.fresh("red", "depth")
            await daemon.fresh("blue", "depth")
            await daemon.end_silence(silence)
            told = await daemon.until(lambda: _told(daemon, "and was at"), "it is held")
            assert told[0].startswith("red: depth: held: it is at ")
            assert not (yard / "reacted").exists()
            assert await daemon.actions() == []
