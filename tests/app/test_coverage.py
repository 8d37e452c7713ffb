"""Which sensors a server has, and how they are there: asked again in time, on a real sshd."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.app.harness import Daemon, Json, Site
from tests.servers import disguise, generate_key, machine, running_sshd

MACHINE = "0123456789abcdef0123456789abcdef"
BOOT = "01234567-89ab-cdef-0123-456789abcdef"


async def _incidents(daemon: Daemon, state: str) -> list[Json]:
    return (await daemon.source.incidents(10, None, state=state))[0]


async def test_a_sensor_that_vanishes_or_appears_is_told_and_its_incident_ended(
    site: Site, yard: Path
) -> None:
    flag = yard / "installed"
    flag.touch()
    site.sensor("leak", "echo 11", verifier=f"test -e {flag} && echo yes", alarm=10)
    site.sensor("calm", "echo 1", verifier="echo yes")
    site.config["sensors"] = {"verify_every": "1s"}
    with machine("web1", addresses=[site.address(1)], port=site.port):
        async with site.daemon() as daemon:
            (open_,) = await daemon.until(
                lambda: _incidents(daemon, "open"), "the leak is an incident"
            )
            flag.unlink()
            (ended,) = await daemon.until(
                lambda: _incidents(daemon, "ended"), "it has ended with its sensor"
            )
            assert ended["id"] == open_["id"]
            assert await _incidents(daemon, "open") == []
            detail = await daemon.source.incident(ended["id"], ended["ended"]) or {}
            assert detail["steps"][-1]["kind"] == "recovery"
            assert "no longer applies" in detail["steps"][-1]["text"]
            (told,) = await daemon.until(
                lambda: daemon.events("sensor", q="no longer supports"), "that it vanished"
            )
            assert (told["message"], told["sensor"]) == ("web1 no longer supports leak", "leak")
            assert not daemon.series("web1", "leak")
            flag.touch()
            (told,) = await daemon.until(
                lambda: daemon.events("sensor", q="now supports"), "that it appeared"
            )
            assert (told["message"], told["sensor"]) == ("web1 now supports leak", "leak")
            await daemon.until(lambda: _incidents(daemon, "open"), "the leak is another incident")


@contextlib.contextmanager
def _upgradable(site: Site, key: Path, folder: Path, os: str) -> Iterator[None]:
    release = folder / "os-release"
    release.write_text(f'PRETTY_NAME="{os}"\n')
    release.chmod(0o644)
    mount = f'mount --bind {release} /etc/os-release && exec "$0" "$@"'
    with (
        disguise("web1", machine_id=MACHINE) as wrap,
        running_sshd(
            addresses=[site.address(1)],
            port=site.port,
            host_keys=[key],
            wrap=[*wrap, "sh", "-c", mount],
        ),
    ):
        yield


async def test_an_upgrade_brings_the_overrides_that_match_it(
    site: Site, yard: Path, tmp_path: Path
) -> None:
    site.sensor("load", "echo 1", alarm=10)
    site.config["sensors"] = {
        "overrides": [
            {"match": {"facts": {"os": "debian*13*"}}, "set": {"load": {"alarm": 20}}},
            {"match": {"facts": {"os": "debian*"}}, "set": {"load": {"alarm": 12}}},
        ]
    }
    key = generate_key(tmp_path / "host_key")
    async with site.daemon() as daemon:
        with _upgradable(site, key, yard, "Debian GNU/Linux 12"):
            await daemon.until(
                lambda: daemon.series("web1", "load").get("alarm") == 12, "it is a Debian"
            )
        await daemon.until(lambda: daemon.status("web1") == "disconnected", "it is down")
        with _upgradable(site, key, yard, "Debian GNU/Linux 13"):
            await daemon.until(
                lambda: daemon.series("web1", "load").get("alarm") == 20, "it is a newer one"
            )


async def test_an_address_that_is_met_later_brings_its_overrides_to_a_connected_server(
    site: Site, tmp_path: Path
) -> None:
    site.sensor("load", "echo 1", alarm=10)
    match = {"range": site.address(2)}
    site.config["sensors"] = {"overrides": [{"match": match, "set": {"load": {"alarm": 20}}}]}
    key = generate_key(tmp_path / "host_key")

    def web1(number: int) -> contextlib.AbstractContextManager[object]:
        return machine(
            "web1",
            machine_id=MACHINE,
            boot_id=BOOT,
            host_keys=[key],
            addresses=[site.address(number)],
            port=site.port,
        )

    async with site.daemon() as daemon:
        with web1(1):
            await daemon.until(
                lambda: daemon.series("web1", "load").get("alarm") == 10, "it is read"
            )
            with web1(2):
                await daemon.until(
                    lambda: daemon.series("web1", "load").get("alarm") == 20,
                    "its second address is met",
                )
                await daemon.fresh("web1", "load")
            assert len(await daemon.events("connected")) == 1
