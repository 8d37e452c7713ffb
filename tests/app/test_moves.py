"""Addresses change hands while the daemon runs: histories and reactions stay with machines."""

import functools
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from tests.app.harness import Daemon, Site
from tests.servers import Server, generate_key, machine

Start = Callable[..., AbstractContextManager[Server]]


@pytest.fixture
def fleet(site: Site, tmp_path: Path) -> dict[str, Start]:
    """Two machines, to be started at any address and under any boot id."""
    return {
        name: functools.partial(
            machine,
            name,
            machine_id=uuid.uuid4().hex,
            port=site.port,
            host_keys=[generate_key(tmp_path / name)],
        )
        for name in ("red", "blue")
    }


def _at(daemon: Daemon, name: str) -> list[str]:
    return list(daemon.server(name)["addresses"]) if daemon.server(name) else []


async def _names(daemon: Daemon, server: str) -> set[float]:
    """The values in the history of the sensor `colour`, once what was read is on disk."""
    read = time.time()

    async def known() -> set[float]:
        now = time.time()
        points = await daemon.source.history(server, "colour", None, now - 600, now, 1000) or ()
        return {value for point in points for value in point[1:]} if now > read + 1.5 else set()

    found: set[float] = await daemon.until(known, "its history is there")
    return found


async def test_two_machines_that_swap_addresses_keep_their_histories(
    site: Site, fleet: dict[str, Start], yard: Path
) -> None:
    site.config["reactions"] = {"mode": "on"}
    site.sensor("colour", "case $(uname -n) in red) echo 1;; blue) echo 2;; esac", parse="number")
    site.sensor(
        "depth",
        f"cat {yard}/$(uname -n)",
        alarm=10,
        cooldown="0s",
        reactive=f"uname -n >> {yard}/reacted",
    )
    for name in ("red", "blue"):
        (yard / name).write_text("1")
    async with site.daemon() as daemon:
        with ExitStack() as stack:
            stack.enter_context(fleet["red"](addresses=[site.address(1)]))
            stack.enter_context(fleet["blue"](addresses=[site.address(2)]))
            await daemon.until(
                lambda: daemon.value("red", "depth") and daemon.value("blue", "depth"), "both"
            )
            ids = {name: daemon.server(name)["id"] for name in fleet}
        with ExitStack() as stack:
            stack.enter_context(fleet["red"](addresses=[site.address(2)]))
            stack.enter_context(fleet["blue"](addresses=[site.address(1)]))
            await daemon.until(
                lambda: (
                    _at(daemon, "red") == [site.address(2)]
                    and _at(daemon, "blue") == [site.address(1)]
                    and daemon.status("red") == daemon.status("blue") == "normal"
                ),
                "both are at each other's address",
            )
            await daemon.fresh("red", "colour", "depth")
            await daemon.fresh("blue", "colour", "depth")
            assert {name: daemon.server(name)["id"] for name in fleet} == ids
            (yard / "red").write_text("11")
            await daemon.until(lambda: daemon.events("fired"), "red reacts")
            assert (yard / "reacted").read_text() == "red\n"
            (action,) = await daemon.actions()
            assert action["server"] == ids["red"]
            assert await _names(daemon, ids["red"]) == {1.0}
            assert await _names(daemon, ids["blue"]) == {2.0}
            assert await daemon.events("host_key_changed") == []
            assert daemon.servers() == ["blue", "red"]


async def test_a_machine_that_comes_back_elsewhere_is_the_same_server(
    site: Site, fleet: dict[str, Start]
) -> None:
    site.sensor("clock", "date +%s", parse="number")
    async with site.daemon() as daemon:
        with fleet["red"](addresses=[site.address(1)]):
            await daemon.until(lambda: daemon.value("red", "clock"), "it is read")
            first = daemon.server("red")["id"]
        await daemon.until(lambda: daemon.status("red") == "disconnected", "it is missed")
        with fleet["red"](addresses=[site.address(5)]):
            await daemon.until(lambda: daemon.status("red") == "normal", "it is back")
            await daemon.fresh("red", "clock")
            assert daemon.server("red")["id"] == first
            assert _at(daemon, "red") == [site.address(5)]
            (moved,) = await daemon.events("message", q="moved to")
            assert moved["server"] == first
            assert daemon.servers() == ["red"]


async def test_a_machine_that_takes_a_known_address_is_a_new_server(
    site: Site, fleet: dict[str, Start]
) -> None:
    """With a key of its own it would be rejected; here both know the key of an image."""
    site.sensor("colour", "case $(uname -n) in red) echo 1;; blue) echo 2;; esac", parse="number")
    key = generate_key(site.folder.parent / "image")
    async with site.daemon() as daemon:
        with fleet["red"](addresses=[site.address(1)], host_keys=[key]):
            await daemon.until(lambda: daemon.value("red", "colour"), "it is read")
            red = daemon.server("red")["id"]
        with fleet["blue"](addresses=[site.address(1)], host_keys=[key]):
            await daemon.until(lambda: daemon.value("blue", "colour"), "the other is read")
            await daemon.fresh("blue", "colour")
            blue = daemon.server("blue")["id"]
            assert blue != red
            assert _at(daemon, "red") == []
            assert daemon.status("red") == "disconnected"
            assert await _names(daemon, red) == {1.0}
            assert await _names(daemon, blue) == {2.0}


async def test_an_address_given_away_by_a_connected_machine_is_its_new_owners(
    site: Site, fleet: dict[str, Start], tmp_path: Path
) -> None:
    """Red keeps its first address, and its connection; its second becomes blue's."""
    site.sensor("clock", "date +%s", parse="number")
    key = generate_key(tmp_path / "image")
    two = [site.address(1), site.address(2)]
    red = functools.partial(fleet["red"], boot_id=str(uuid.uuid4()), host_keys=[key])
    async with site.daemon() as daemon:
        with red(addresses=two[:1]):
            with red(addresses=two[1:]):
                await daemon.until(lambda: sorted(_at(daemon, "red")) == two, "red has both")
                await daemon.fresh("red", "clock")
            with fleet["blue"](addresses=two[1:], host_keys=[key]):
                await daemon.until(lambda: _at(daemon, "blue") == two[1:], "blue has the second")
                await daemon.until(lambda: _at(daemon, "red") == two[:1], "red lost it")
                await daemon.until(lambda: daemon.status("red") == "normal", "red is read")
                await daemon.fresh("red", "clock")
                await daemon.fresh("blue", "clock")
