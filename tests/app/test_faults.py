"""What servers, sensors and verifiers do wrong, and that their neighbours don't suffer."""

import functools
from pathlib import Path

from tests.app.harness import Daemon, Site
from tests.servers import generate_key, machine


async def _types(daemon: Daemon) -> list[str]:
    return [event["type"] for event in await daemon.events()]


async def test_a_killed_server_is_told_and_read_again_when_it_is_back(site: Site) -> None:
    site.sensor("clock", "date +%s", parse="number", every="200ms", timeout="500ms")
    web1 = functools.partial(
        machine,
        "web1",
        machine_id="a" * 32,
        addresses=[site.address(1)],
        port=site.port,
        host_keys=[_host_key(site)],
    )
    async with site.daemon() as daemon:
        with web1():
            await daemon.until(lambda: daemon.value("web1", "clock"), "it is read")
            first = daemon.server("web1")["id"]
        await daemon.until(lambda: daemon.status("web1") == "disconnected", "it is missed")
        await daemon.until(
            lambda: daemon.series("web1", "clock")["status"] in {"stale", "failed"},
            "its value is called old",
        )
        last = daemon.series("web1", "clock")
        assert last["value"] <= last["at"] + 2
        with web1():
            await daemon.until(lambda: daemon.status("web1") == "normal", "it is back")
            await daemon.fresh("web1", "clock")
            assert daemon.series("web1", "clock")["status"] == "normal"
            assert daemon.server("web1")["id"] == first
        told = [type_ for type_ in await _types(daemon) if type_ != "sensor"]
        assert told[:4] == ["found", "connected", "disconnected", "connected"]


async def test_a_value_gets_stale_while_its_server_is_gone(site: Site) -> None:
    site.sensor("clock", "date +%s", parse="number", every="200ms", timeout="500ms")
    async with site.daemon() as daemon:
        with machine("web1", addresses=[site.address(1)], port=site.port) as server:
            await daemon.until(lambda: daemon.value("web1", "clock"), "it is read")
            server.stop()
            await daemon.until(
                lambda: daemon.series("web1", "clock")["status"] in {"stale", "failed"},
                "its value is called old",
            )
            assert daemon.value("web1", "clock") is not None


async def test_a_frozen_server_is_noticed_and_comes_back(site: Site) -> None:
    site.keepalive = 1.0
    site.sensor("clock", "date +%s", parse="number")
    with machine("web1", addresses=[site.address(1)], port=site.port) as server:
        async with site.daemon(ssh={"connect_timeout": "2s"}) as daemon:
            await daemon.until(lambda: daemon.value("web1", "clock"), "it is read")
            server.freeze()
            await daemon.until(lambda: daemon.status("web1") == "disconnected", "it is missed")
            (lost,) = await daemon.until(lambda: daemon.events("disconnected"), "it is told")
            assert "web1 disconnected: " in lost["message"]
            server.thaw()
            await daemon.until(lambda: daemon.status("web1") == "normal", "it is back")
            await daemon.fresh("web1", "clock")


async def test_a_command_cut_off_by_its_server_fails_and_gives_no_value(
    site: Site, yard: Path
) -> None:
    begun = yard / "begun"
    site.sensor(
        "long",
        f"test -e {begun} && exec sleep 60; echo 1; touch {begun}",
        parse="number",
        timeout="1m",
    )
    site.sensor("clock", "date +%s", parse="number")
    with machine("web1", addresses=[site.address(1)], port=site.port) as server:
        async with site.daemon() as daemon:
            await daemon.until(lambda: daemon.value("web1", "long"), "it is read once")
            await daemon.until(
                lambda: any(_is_sleep(pid) for pid in server.sessions()), "it runs again"
            )
            server.kill_sessions()
            await daemon.until(
                lambda: daemon.series("web1", "long")["status"] == "failed", "its failure is told"
            )
            long = daemon.series("web1", "long")
            assert long["value"] == 1
            assert long["reason"].startswith("connection lost")
            await daemon.fresh("web1", "clock")


def _is_sleep(pid: int) -> bool:
    try:
        return b"sleep\x0060" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


HOSTILE = {
    "flood": ("head -c 100000000 /dev/zero", "output"),
    "drip": ("while :; do printf 1; sleep 1; done", "no answer within 2 s"),
    "latin": (r"printf '12\351\n'", "not a number"),
    "nan": ("echo NaN", "not a number"),
    "infinite": ("echo inf", "not a number"),
    "huge": ("echo 1e999", "not a finite number"),
    "empty": ("true", "empty output"),
    "status": ("echo 12; echo no such thing >&2; exit 3", "exit status 3: no such thing"),
    "absent": ("outkept-no-such-program", "exit status 127"),
    "killed": ("echo 12; kill -9 $$", "killed by"),
    "lied": ("cat /nowhere", "exit status 1"),
}


async def test_hostile_sensors_fail_with_a_reason_and_neighbours_are_read(site: Site) -> None:
    for name, (cmd, _) in HOSTILE.items():
        verifier = "echo yes" if name == "lied" else ""
        site.sensor(name, cmd, parse="number", timeout="2s", verifier=verifier)
    site.sensor("hung", "echo 1", parse="number", verifier="sleep 600", timeout="2s")
    site.sensor("clock", "date +%s", parse="number")
    with machine("web1", addresses=[site.address(1)], port=site.port):
        async with site.daemon(ssh={"command_timeout": "2s"}) as daemon:
            await daemon.until(
                lambda: all(daemon.series("web1", name).get("reason") for name in HOSTILE),
                "each has failed",
            )
            for name, (_, reason) in HOSTILE.items():
                series = daemon.series("web1", name)
                assert series["status"] == "failed", name
                assert reason in series["reason"]
                assert series["value"] is None
            for _ in range(3):
                await daemon.fresh("web1", "clock")
            server = daemon.server("web1")
            assert "hung" not in {sensor["name"] for sensor in server["sensors"]}
            assert server["unsupported"]["hung"].startswith("its verifier gave no answer")
            assert await daemon.events("disconnected") == []


async def test_a_text_that_is_not_utf8_is_shown_and_harms_nobody(site: Site) -> None:
    site.sensor("motto", r"printf 'caf\351 \033[31mred\n'", parse="text")
    site.sensor("clock", "date +%s", parse="number")
    with machine("web1", addresses=[site.address(1)], port=site.port):
        async with site.daemon() as daemon:
            await daemon.until(lambda: daemon.value("web1", "motto"), "it is read")
            assert daemon.value("web1", "motto") == "caf\N{REPLACEMENT CHARACTER}  [31mred"
            await daemon.fresh("web1", "clock", "motto")


async def test_a_server_that_dies_while_it_is_verified_is_verified_when_it_is_back(
    site: Site, yard: Path
) -> None:
    asked = yard / "asked"
    verifier = f"test -e {asked} && echo yes; touch {asked}; sleep 60"
    site.sensor("shy", "echo 1", parse="number", verifier=verifier)
    with machine("web1", addresses=[site.address(1)], port=site.port) as server:
        async with site.daemon(ssh={"command_timeout": "3s"}) as daemon:
            await daemon.until(asked.exists, "it is being verified")
            server.kill_sessions()
            await daemon.until(lambda: daemon.events("disconnected"), "it is lost")
            await daemon.until(
                lambda: "shy" in daemon.server("web1")["unsupported"], "it is verified again"
            )


def _host_key(site: Site) -> Path:
    site.folder.mkdir(exist_ok=True)
    return generate_key(site.folder / "host_key")
