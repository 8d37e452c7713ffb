"""What of each server is silenced now: by any silence that holds, as soon as it does."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from outkept.app.muting import Muting
from outkept.app.views import server_view
from outkept.model.silence import Silence
from outkept.serve.live import Hub
from tests.app.harness import Site
from tests.app.reacting import DEPTH, Yard, yard
from tests.servers import machine

WIDTH = replace(DEPTH, name="width")
DISK = replace(DEPTH, name="disk", exported=False)


class Shown:
    """A hub that notes which servers look different."""

    def __init__(self) -> None:
        self.servers: list[str] = []

    def changed(self, server_id: str) -> None:
        """See Hub.changed."""
        self.servers.append(server_id)

    def event(self, event: object) -> None:
        """Nobody wants to know."""


def watch(one: Yard) -> Shown:
    shown = Shown()
    one.context.hub = cast(Hub, shown)
    return shown


async def silence(one: Yard, server: str, sensor: str = "*", ends: float = 3600.0) -> int:
    now = time.time()
    made = Silence(now - 1, now + ends, "backup", "ana", server, sensor)
    return (await one.context.desk.add_silence(made)).id


def seen(one: Yard, id_: str) -> tuple[list[str], bool]:
    view: dict[str, Any] = server_view(one.live(id_))
    return view["muted"], view["quiet"]


async def test_only_what_a_silence_changes_is_shown_again(tmp_path: Path) -> None:
    async with yard(tmp_path, DEPTH, WIDTH, mode="off") as one:
        for number in range(3):
            one.server(number)
            for sensor in (DEPTH, WIDTH):
                one.read(f"s{number}", 1, sensor)
        muting, shown = Muting(one.context), watch(one)
        await muting.look()
        assert shown.servers == []
        all_of_it = await silence(one, "web0")
        some = await silence(one, "web1", "wid*")
        await muting.look()
        assert seen(one, "s0") == (["*"], True)
        assert seen(one, "s1") == (["width"], False)
        assert seen(one, "s2") == ([], False)
        assert shown.servers == ["s0", "s1"]
        await muting.look()
        assert shown.servers == ["s0", "s1"]
        await one.context.desk.end_silence(all_of_it, "ana")
        await muting.look()
        assert [seen(one, "s0"), seen(one, "s1")] == [([], False), (["width"], False)]
        await one.context.desk.end_silence(some, "ana")
        await muting.look()
        assert seen(one, "s1") == ([], False)
        assert shown.servers == ["s0", "s1", "s0", "s1"]


async def test_a_server_is_quiet_while_all_that_is_wrong_is_silenced(tmp_path: Path) -> None:
    async with yard(tmp_path, DEPTH, WIDTH, DISK, mode="off") as one:
        one.server(0)
        for sensor in (DEPTH, WIDTH, DISK):
            one.read("s0", 1, sensor)
        muting = Muting(one.context)
        await silence(one, "web0", "depth")
        await muting.look()
        assert seen(one, "s0") == (["depth"], False)
        one.read("s0", 11)
        assert seen(one, "s0") == (["depth"], True)
        one.read("s0", 11, WIDTH)
        assert seen(one, "s0") == (["depth"], False)
        one.read("s0", 1, WIDTH)
        # What isn't shown counts as well.
        one.read("s0", 11, DISK)
        assert seen(one, "s0") == (["depth"], False)
        await silence(one, "web0", "disk")
        await muting.look()
        assert seen(one, "s0") == (["depth"], True)
        one.live("s0").queued_up = "it is slow"
        assert seen(one, "s0") == (["depth"], False)


async def test_a_server_of_normal_level_is_quiet_where_what_fails_is_silenced(
    tmp_path: Path,
) -> None:
    async with yard(tmp_path, DEPTH, WIDTH, mode="off") as one:
        live = one.server(0)
        for sensor in (DEPTH, WIDTH):
            one.read("s0", 1, sensor)
        await silence(one, "web0", "depth")
        await Muting(one.context).look()
        live.series["depth", None].failure = "exit status 1"
        assert seen(one, "s0") == (["depth"], True)
        live.series["width", None].failure = "exit status 1"
        assert seen(one, "s0") == (["depth"], False)


async def test_a_server_that_can_t_be_reached_is_quiet_only_where_all_of_it_is_silenced(
    tmp_path: Path,
) -> None:
    async with yard(tmp_path, mode="off") as one:
        one.server(0)
        one.read("s0", 11)
        one.wires["s0"].lost = "cut"
        muting = Muting(one.context)
        await silence(one, "web0", "depth")
        await muting.look()
        assert seen(one, "s0") == (["depth"], False)
        await silence(one, "10.0.0.1")
        await muting.look()
        assert seen(one, "s0") == (["*"], True)


async def test_new_series_and_new_names_are_looked_at_again(tmp_path: Path) -> None:
    async with yard(tmp_path, DEPTH, WIDTH, mode="off") as one:
        live = one.server(0)
        one.read("s0", 1)
        muting = Muting(one.context)
        await silence(one, "web*", "?????")
        await muting.look()
        assert seen(one, "s0") == (["depth"], False)
        one.read("s0", 1, WIDTH)
        await muting.look()
        assert seen(one, "s0") == (["depth", "width"], False)
        assert one.context.judge.drop(live, ("depth", None), "is gone", time.time())
        await muting.look()
        assert live.muted == {"width"}
        identity = replace(live.record.identity, hostname="db0")
        one.context.fleet.put(replace(live.record, identity=identity))
        await muting.look()
        assert live.muted == frozenset()


async def test_a_daemon_looks_by_itself(site: Site) -> None:
    with machine("web1", addresses=[site.address(1)], port=site.port):
        async with site.daemon() as daemon:
            await daemon.until(lambda: daemon.value("web1", "one") == "1", "it is read")
            assert daemon.server("web1")["muted"] == []
            silence = await daemon.silence("one")
            await daemon.until(lambda: daemon.server("web1")["muted"] == ["one"], "it is marked")
            await daemon.end_silence(silence)
            await daemon.until(lambda: daemon.server("web1")["muted"] == [], "it is no more")
