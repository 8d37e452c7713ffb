"""One subnet with every kind of server on it, read by one daemon and held to the truth."""

import contextlib
import functools
import os
import socket
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.app.harness import LONG, Daemon, Site
from tests.servers import (
    User,
    disguise,
    free_port,
    generate_key,
    machine,
    running_dropbear,
    running_listener,
    running_tinysshd,
)
from tests.views import summaries

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAMES = ["drop", "many", "one", "tiny", "two"]
SENSORS = ["load", "memory", "available", "blocks", "clock", "name", "disks", "who", "sleepy"]


@pytest.fixture(scope="module")
def subnet(tmp_path_factory: pytest.TempPathFactory, ssh_user: User) -> Iterator[Site]:
    """Addresses 1 to 9 have something, 10 to 14 nothing."""
    folder = tmp_path_factory.mktemp("mixed")
    site = Site(folder / "site", ssh_user, "127.99.1.0/28")
    second = free_port(site.address(1))
    site.config = {"ssh": {"ports": [site.port, second]}}
    stranger = generate_key(folder / "stranger")
    many = functools.partial(
        machine, "many", machine_id=uuid.uuid4().hex, boot_id=str(uuid.uuid4())
    )
    at, port = site.address, site.port
    with contextlib.ExitStack() as stack:
        enter = stack.enter_context
        enter(many(addresses=[at(1), at(2)], port=port))
        enter(many(addresses=[at(2)], port=second))
        enter(machine("one", addresses=[at(3)], port=port, max_sessions=1))
        enter(machine("two", addresses=[at(4)], port=port, max_sessions=2))
        enter(running_dropbear(address=at(5), port=port, wrap=enter(disguise("drop"))))
        enter(running_tinysshd(address=at(6), port=port, wrap=enter(disguise("tiny"))))
        enter(machine("shut", addresses=[at(7)], port=port, authorized_keys=[stranger]))
        enter(running_listener(b"HTTP/1.1 400 Bad Request\r\n\r\n", address=at(8), port=port))
        enter(running_listener(address=at(9), port=port))
        yield site


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def daemon(subnet: Site) -> AsyncIterator[Daemon]:
    """A daemon that has swept the subnet once and read everything once."""
    subnet.sensor("load", "cut -d' ' -f1 /proc/loadavg", parse="number")
    subnet.sensor("memory", "awk '/^MemTotal/ {print $2}' /proc/meminfo", parse="number")
    subnet.sensor("available", "awk '/^MemAvailable/ {print $2}' /proc/meminfo", parse="number")
    subnet.sensor("blocks", "stat -f -c %b /", parse="number")
    subnet.sensor("clock", "date +%s", parse="number")
    subnet.sensor("name", "uname -n")
    subnet.sensor("disks", "df -Pk / /dev | awk 'NR > 1 {print $6, $2}'", parse="table")
    subnet.sensor("who", "id -un", verifier="id >/dev/null && echo yes")
    subnet.sensor("sleepy", "sleep 0.3; echo 1", parse="number")
    subnet.sensor("elsewhere", "echo 1", verifier="test -e /nowhere && echo yes")
    subnet.sensor("unwilling", "echo 1", verifier="echo no")
    async with subnet.daemon() as daemon:
        await daemon.until(lambda: daemon.servers() == NAMES, "all servers are found")
        await daemon.until(lambda: not _missing(daemon), "everything is read everywhere")
        await daemon.until(
            lambda: daemon.source.sweeps()[-1]["finished"], "the first sweep is over"
        )
        yield daemon


def _missing(daemon: Daemon) -> list[tuple[str, str]]:
    """Servers and sensors without a value."""
    return [
        (name, sensor)
        for name in NAMES
        for sensor in SENSORS
        if daemon.value(name, sensor, "/" if sensor == "disks" else None) is None
    ]


async def test_every_address_ends_in_its_state_with_a_reason(daemon: Daemon, subnet: Site) -> None:
    await daemon.until(lambda: _count(daemon), "all outcomes are on disk")
    states = await daemon.addresses()
    outcomes = {number: states[subnet.address(number)]["outcome"] for number in range(1, 10)}
    assert outcomes == {
        **dict.fromkeys(range(1, 7), "server"),
        7: "refused key",
        8: "not SSH",
        9: "timed out",
    }
    assert all(state["reason"] for state in states.values())
    # What never answered is not kept: a large range costs no more than what is in it.
    assert len(states) == 9
    refused = states[subnet.address(7)]
    assert refused["retry_at"] >= refused["at"] + 59


async def _count(daemon: Daemon) -> bool:
    return len(await daemon.addresses()) == 9


async def test_a_sweep_counts_how_its_endpoints_ended(daemon: Daemon) -> None:
    first = daemon.source.sweeps()[-1]
    assert first["total"] == first["done"] == 14 * 2
    assert first["outcomes"] == {
        "server": 7,
        "refused key": 1,
        "not SSH": 1,
        "timed out": 1,
        "silent": 18,
    }


async def test_addresses_and_ports_of_one_machine_are_one_server(
    daemon: Daemon, subnet: Site
) -> None:
    many = daemon.server("many")
    assert sorted(many["addresses"]) == [subnet.address(1), subnet.address(2)]
    assert len(many["endpoints"]) == 3
    found = [event["message"].split()[0] for event in await daemon.events("found")]
    assert sorted(found) == NAMES


async def test_verified_sensors_are_shown_and_others_say_why_not(daemon: Daemon) -> None:
    for name in NAMES:
        server = daemon.server(name)
        shown = {sensor["name"] for sensor in server["sensors"]}
        assert shown == set(SENSORS)
        assert server["unsupported"] == {
            "elsewhere": "its verifier said nothing",
            "unwilling": "its verifier did not say yes, but 'no'",
        }


async def test_values_are_the_truth(daemon: Daemon, subnet: Site) -> None:
    meminfo = _meminfo()
    root = os.statvfs("/")
    for name in NAMES:
        await daemon.fresh(name, "load", "available", "clock")
        load = os.getloadavg()[0]
        assert daemon.value(name, "load") == pytest.approx(load, abs=1.5 + load / 2)
        available = meminfo["MemAvailable"]
        assert daemon.value(name, "available") == pytest.approx(available, rel=0.3)
        assert daemon.value(name, "memory") == meminfo["MemTotal"]
        assert daemon.value(name, "blocks") == root.f_blocks
        total = root.f_blocks * root.f_frsize // 1024
        assert daemon.value(name, "disks", "/") == pytest.approx(total, abs=4)
        clock = daemon.series(name, "clock")
        assert clock["value"] == pytest.approx(clock["at"], abs=15)
        assert daemon.value(name, "name") == name
        assert daemon.value(name, "who") == subnet.user.name


def _meminfo() -> dict[str, int]:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return {name: int(rest.split()[0]) for name, rest in (line.split(":") for line in lines)}


async def test_facts_are_those_of_the_machine(daemon: Daemon) -> None:
    for name in NAMES:
        facts = daemon.server(name)["facts"]
        assert facts["cpus"] == os.cpu_count()
        assert facts["kernel"].startswith(os.uname().release)
        assert facts["architecture"] == os.uname().machine
    assert "OpenSSH" in daemon.server("many")["facts"]["ssh_version"]
    assert "dropbear" in daemon.server("drop")["facts"]["ssh_version"]
    assert socket.gethostname() not in daemon.servers()


async def test_channel_limits_are_known_where_they_matter(daemon: Daemon) -> None:
    # `one` and `two` give one and two channels, but a shell for all sensors needs no second.
    expected = {"drop": 1, "tiny": 1}

    def limits() -> dict[str, int]:
        return {name: daemon.server(name)["channels"]["limit"] for name in expected}

    await daemon.until(lambda: limits() == expected, "the limits are known")
    names = (*expected, "one", "two")
    # One that was late twice at the start keeps pace only after twenty seconds without lateness.
    await daemon.until(
        lambda: not any(daemon.server(name)["queued_up"] for name in names),
        "all keep pace",
        deadline=2 * LONG,
    )
    assert daemon.server("many")["channels"]["limit"] >= 4
    assert daemon.server("many")["channels"]["refused"] == 0


async def test_every_reading_goes_on_arriving(daemon: Daemon) -> None:
    for name in NAMES:
        await daemon.fresh(name, *(sensor for sensor in SENSORS if sensor != "disks"))
    failed = [
        (server["hostname"], sensor["name"], sensor["reason"])
        for server in summaries(daemon.source)
        for sensor in server["sensors"]
        if sensor["reason"]
    ]
    assert failed == []


async def test_history_holds_what_was_read(daemon: Daemon) -> None:
    server = daemon.server("many")["id"]

    async def points() -> list[tuple[float, float, float, float]]:
        now = time.time()
        return list(await daemon.source.history(server, "memory", None, now - 600, now, 100) or ())

    found = await daemon.until(points, "the store has readings")
    memory = daemon.value("many", "memory")
    assert all(point[1:] == (memory, memory, memory) for point in found)
