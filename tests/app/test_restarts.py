"""What a daemon still knows after it was stopped, and what it says when it can't start."""

import contextlib
import os
import signal
import socket
import sqlite3
import time
from dataclasses import replace
from pathlib import Path

import pytest

from outkept.app import lookout
from outkept.model.event import Condition, Event, EventType
from outkept.store.store import Store
from tests.app.harness import Daemon, Json, Process, Site
from tests.servers import generate_key, machine
from tests.servers import until as until_sync
from tests.store import values


def _series(daemon: Daemon, name: str) -> tuple[object, object]:
    series = daemon.series("web1", name)
    return series.get("status"), series.get("value")


async def test_levels_and_last_values_are_there_after_a_restart(site: Site, yard: Path) -> None:
    depth = yard / "depth"
    depth.write_text("6")
    site.sensor("depth", f"cat {depth}", warning=5, alarm=10)
    site.sensor("motto", "echo hello")
    with machine("web1", addresses=[site.address(1)], port=site.port):
        async with site.daemon() as daemon:
            await daemon.until(lambda: _series(daemon, "depth") == ("warned", 6), "it is warned")
            await daemon.until(lambda: daemon.value("web1", "motto"), "all is read")
            before = daemon.server("web1")
    # The server is away now: what is shown is what was known.
    async with site.daemon() as daemon:
        after = await daemon.until(lambda: daemon.server("web1"), "it is known")
        assert after["status"] == "disconnected"
        for key in ("id", "hostname", "addresses", "first_seen", "facts"):
            assert after[key] == before[key]
        await daemon.until(lambda: _series(daemon, "depth") == ("stale", 6), "as it was")
        assert _series(daemon, "motto") == ("stale", "hello")
        assert abs(daemon.series("web1", "depth")["at"] - time.time()) < 600
        assert await daemon.events("recovered") == []


async def test_a_level_kept_over_a_restart_is_left_once(site: Site, yard: Path) -> None:
    depth = yard / "depth"
    depth.write_text("6")
    site.sensor("depth", f"cat {depth}", warning=5, alarm=10)
    with machine("web1", addresses=[site.address(1)], port=site.port):
        async with site.daemon() as daemon:
            await daemon.until(lambda: _series(daemon, "depth") == ("warned", 6), "it is warned")
        depth.write_text("7")
        async with site.daemon() as daemon:
            await daemon.until(lambda: _series(daemon, "depth") == ("warned", 7), "it still is")
            assert daemon.status("web1") == "warned"
            depth.write_text("1")
            await daemon.until(lambda: daemon.events("recovered"), "it is told to be well")
            assert _series(daemon, "depth") == ("normal", 1)
            told = [event["type"] for event in await daemon.events() if event["sensor"] == "depth"]
            assert told == ["warned", "recovered"]


async def test_what_nothing_is_left_of_is_over_at_the_next_start(site: Site) -> None:
    store = Store.open(site.state)
    # It has lost its addresses, and is known: what is open of the sensor that it has stays so.
    known = replace(values.server("known"), endpoints=(), supported=("one", "renamed"))
    store.save_server(known)

    async def opened(type_: EventType, server: str | None, sensor: str | None, about: str) -> int:
        event = Event(time.time(), type_, about, server, sensor, condition=Condition(about))
        return (await store.add_event(event)).id

    kept = await opened(EventType.ALARMED, "known", "one", "level")
    for sensor in ("renamed", "renamed[/var]"):
        await opened(EventType.ALARMED, "known", sensor, "level")
    await opened(EventType.FLAPPING, "known", "removed", "level")
    await opened(EventType.FAILING, "known", "renamed", "failed")
    await opened(EventType.FAILING, "known", "removed", "stale")
    for server in ("gone", "gone too"):
        await opened(EventType.ALARMED, server, "one", "level")
        await opened(EventType.FAILING, server, "one", "failed")
        await opened(EventType.GONE, server, None, "gone")
    await opened(EventType.BLIND, None, "10.9.0.0/16", "blind")
    await store.close()
    async with site.daemon() as daemon:

        async def is_left() -> bool:
            return [one.id for one in await daemon.store.open_incidents()] == [kept]

        await daemon.until(is_left, "all else has ended")
        removed = await daemon.events("removed")
        assert sorted(event["server"] for event in removed) == ["gone", "gone too"]
        assert {one.id for one in daemon.source._context.desk.incidents()} == {kept}


async def test_channel_limits_are_remembered(site: Site) -> None:
    for number in range(6):
        site.sensor(f"slow{number}", "sleep 0.3; echo 1", parse="number")
    with machine("web1", addresses=[site.address(1)], port=site.port, max_sessions=2):
        async with site.daemon() as daemon:
            await daemon.until(
                lambda: daemon.server("web1").get("channels", {}).get("limit") == 2, "it is learned"
            )
            assert daemon.server("web1")["channels"]["refused"] > 0
        async with site.daemon() as daemon:
            await daemon.until(lambda: daemon.status("web1") == "normal", "it is connected")
            assert daemon.server("web1")["channels"]["limit"] == 2
            for _ in range(2):
                await daemon.fresh("web1", *(f"slow{number}" for number in range(6)))
            assert daemon.server("web1")["channels"]["limit"] == 2


async def test_an_address_that_refused_us_is_left_alone_over_a_restart(
    site: Site, tmp_path: Path
) -> None:
    stranger = generate_key(tmp_path / "stranger")
    with machine(
        "shut", addresses=[site.address(1)], port=site.port, authorized_keys=[stranger]
    ) as server:
        async with site.daemon() as daemon:
            await daemon.until(lambda: _refused(daemon, site), "it refused us")
        before = _tries(server.log)
        for _ in range(2):
            async with site.daemon() as daemon:
                await daemon.until(lambda: _sweeps(daemon) >= 2, "it is swept twice")
                state = await _refused(daemon, site)
                assert state["refusals"] == 1
                assert daemon.source.sweeps()[-1]["outcomes"]["refused key"] == 1
        assert _tries(server.log) == before


def _sweeps(daemon: Daemon) -> int:
    return sum(sweep["finished"] is not None for sweep in daemon.source.sweeps())


def _tries(log: str) -> int:
    return log.count("Connection from")


async def _refused(daemon: Daemon, site: Site) -> Json:
    state = (await daemon.addresses()).get(site.address(1), {})
    return state if state.get("outcome") == "refused key" else {}


async def test_a_server_unseen_for_long_is_removed_with_an_event(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookout, "FORGET_EVERY", 0.2)
    site.sensor("clock", "date +%s", parse="number")
    async with site.daemon(forget_after="2s") as daemon:
        with machine("web1", addresses=[site.address(1)], port=site.port):
            await daemon.until(lambda: daemon.value("web1", "clock"), "it is read")
            server = daemon.server("web1")["id"]
        (removed,) = await daemon.until(lambda: daemon.events("removed"), "it is removed")
        assert removed["server"] == server
        assert "web1 removed: not seen for" in removed["message"]
        assert daemon.servers() == []
    async with site.daemon() as daemon:
        assert daemon.servers() == []


async def test_a_killed_daemon_loses_at_most_a_second_of_readings(site: Site) -> None:
    site.sensor("clock", "date +%s.%N", parse="number", every="100ms")
    with machine("web1", addresses=[site.address(1)], port=site.port):
        with site.process() as process:
            await process.until(lambda: _batches(site.state) > 2, "readings are on disk")
            process.kill()
        async with site.daemon() as daemon:
            assert daemon.servers() == ["web1"]
            await daemon.until(lambda: daemon.value("web1", "clock"), "the last value is known")
            await daemon.fresh("web1", "clock")


def _batches(state: Path) -> int:
    """Batches of readings that are on disk."""
    path = state / "outkept.db"
    if not path.exists():
        return 0
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        try:
            return int(database.execute("SELECT count(*) FROM journal").fetchone()[0])
        except sqlite3.OperationalError:
            return 0


def _ended(process: Process) -> int:
    return process.process.wait(20)


def _said(process: Process) -> str:
    """The one line that it said on its way out."""
    (line,) = process.log.splitlines()
    return line


def test_a_second_daemon_on_a_state_directory_is_refused(site: Site) -> None:
    with site.process() as first:
        until_serving(first)
        with site.process() as second:
            assert _ended(second) == 1
            line = _said(second)
            assert str(site.state) in line
            assert str(first.process.pid) in line
        assert first.process.poll() is None


def until_serving(process: Process) -> None:
    """Wait until the page answers."""
    until_sync(lambda: "Dashboard: http://" in process.log, "it serves")


def test_a_port_in_use_is_one_line(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with site.process(dashboard={"listen": f"127.0.0.1:{port}"}) as process:
            assert _ended(process) == 1
            assert f"127.0.0.1:{port}" in _said(process)


def test_a_range_without_a_route_is_one_line(site: Site) -> None:
    """In a network of its own, where nothing but loopback is."""
    lonely = ["unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$0" "$@"']
    site.config["ranges"] = ["127.0.1.0/30", "198.51.100.0/29"]
    with site.process(wrap=lonely) as process:
        until_sync(lambda: process.log.count("Swept") == 2, "both are swept")
        (line,) = [line for line in process.log.splitlines() if "could be tried" in line]
        assert "nothing in 198.51.100.0/29 could be tried: no route" in line
        assert line.endswith("; check this machine's network")


def test_a_user_whom_the_server_does_not_know_is_a_refused_key(site: Site) -> None:
    with (
        machine("web1", addresses=[site.address(1)], port=site.port),
        site.process(ssh={"user": "nobody-here"}) as process,
    ):
        until_sync(lambda: "Swept" in process.log, "it is swept")
        assert "0 servers; 13 silent, 1 refused key" in process.log


def test_a_state_directory_that_can_not_be_written_is_one_line(site: Site) -> None:
    site.folder.mkdir()
    (site.folder / "file").write_text("")
    with site.process(state=str(site.folder / "file" / "state")) as process:
        assert _ended(process) == 1
        assert str(site.folder / "file") in _said(process)


def test_a_damaged_state_is_named_and_left_as_it_is(site: Site) -> None:
    site.state.mkdir(parents=True)
    database = site.state / "outkept.db"
    database.write_bytes(b"not a database at all" * 500)
    with site.process() as process:
        assert _ended(process) == 1
        assert str(database) in _said(process)
    assert database.read_bytes() == b"not a database at all" * 500


def test_a_daemon_with_frozen_servers_stops_within_seconds(site: Site) -> None:
    site.sensor("clock", "date +%s", parse="number", every="200ms")
    with machine("web1", addresses=[site.address(1)], port=site.port) as server:
        with site.process() as process:
            until_sync(lambda: _batches(site.state), "readings are on disk")
            server.freeze()
            process.process.send_signal(signal.SIGTERM)
            assert process.process.wait(10) == 0
            assert "Traceback" not in process.log
            assert "destroyed" not in process.log
        server.thaw()


def test_an_idle_daemon_uses_little_of_the_cpu(site: Site) -> None:
    site.sensor("clock", "date +%s", parse="number", every="10s")
    with (
        machine("web1", addresses=[site.address(1)], port=site.port),
        site.process(sweep={"rate": 0, "every": "1h", "timeout": "2s"}) as process,
    ):
        until_sync(lambda: _batches(site.state), "readings are on disk")
        before, start = _cpu(process), time.monotonic()
        until_sync(lambda: time.monotonic() - start > 5, "five seconds pass")
        assert _cpu(process) - before < 1.0


def _cpu(process: Process) -> float:
    """Seconds of CPU that it used so far."""
    fields = Path(f"/proc/{process.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
