"""A changed host key: nothing runs there until the old one is back."""

import functools
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from outkept.app import addresses
from outkept.app.reach import Reach
from tests.app.harness import Daemon, Json, Site
from tests.servers import Server, generate_key, machine
from tests.servers.keys import public_half

Web1 = Callable[[Path], AbstractContextManager[Server]]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute between two tries is right for people, and long for a test."""
    monkeypatch.setattr(addresses, "REJECTED_WAIT", 0.5)


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, Path]:
    """Host keys: the server's own, and two that it never had."""
    return {name: generate_key(tmp_path / name) for name in ("own", "other", "third")}


@pytest.fixture
def web1(site: Site, yard: Path) -> Web1:
    """The server, with the host key that is given. Each reading adds a line to a file."""
    site.sensor("count", f"echo run >> {yard}/runs; wc -l < {yard}/runs", parse="number")
    site.sensor("shy", "echo 1", verifier=f"echo run >> {yard}/runs; echo yes", parse="number")
    start = functools.partial(
        machine, "web1", machine_id="a" * 32, addresses=[site.address(1)], port=site.port
    )
    return lambda key: start(host_keys=[key])


def _runs(yard: Path) -> int:
    return len((yard / "runs").read_text().splitlines())


async def _rejected(daemon: Daemon, address: str) -> Json | None:
    state = (await daemon.addresses()).get(address)
    return state if state and state["outcome"] == "host key rejected" else None


async def test_nothing_runs_on_a_server_whose_host_key_changed(
    site: Site, web1: Web1, keys: dict[str, Path], yard: Path
) -> None:
    async with site.daemon() as daemon:
        with web1(keys["own"]):
            await daemon.until(lambda: daemon.value("web1", "count"), "it is read")
            first = daemon.server("web1")
        await daemon.until(lambda: daemon.status("web1") == "disconnected", "it is missed")
        before = _runs(yard)
        with web1(keys["other"]) as impostor:
            await daemon.until(lambda: daemon.status("web1") == "quarantined", "it is barred")
            (told,) = await daemon.until(lambda: daemon.events("host_key_changed"), "it is told")
            assert "ssh-ed25519 SHA256:" in told["message"]
            assert first["identity"]["host_key"] in told["message"]
            offered = told["message"].split("SHA256:")[2].split()[0]
            assert offered not in first["identity"]["host_key"]
            assert told["server"] == first["id"]
            # It is tried again and again, and told once.
            tries = impostor.log.count("Connection from")
            await daemon.until(
                lambda: impostor.log.count("Connection from") > tries + 1, "it is tried again"
            )
            assert len(await daemon.events("host_key_changed")) == 1
            assert "Accepted publickey" not in impostor.log
            assert await _rejected(daemon, site.address(1))
            reason = told["message"].split(": ", 1)[1]
            assert daemon.server("web1")["reason"] == reason
            (gone,) = await daemon.until(lambda: daemon.events("gone"), "it is an incident")
            assert gone["message"] == f"web1 is quarantined: {reason}"
            assert (gone["condition"], gone["incident"]) == ("gone", gone["id"])
        assert _runs(yard) == before
        with web1(keys["own"]):
            await daemon.until(lambda: daemon.status("web1") == "normal", "it is back")
            await daemon.fresh("web1", "count")
            server = daemon.server("web1")
            assert (server["id"], server["reason"]) == (first["id"], "")
            (back,) = await daemon.until(lambda: daemon.events("recovered"), "it is over")
            assert back["incident"] == gone["id"]
        assert _runs(yard) > before


async def test_a_server_stays_quarantined_over_a_restart(
    site: Site, web1: Web1, keys: dict[str, Path], yard: Path
) -> None:
    async with site.daemon() as daemon:
        with web1(keys["own"]):
            await daemon.until(lambda: daemon.value("web1", "count"), "it is read")
        with web1(keys["other"]):
            await daemon.until(lambda: daemon.status("web1") == "quarantined", "it is barred")
            await daemon.until(lambda: daemon.events("gone"), "it is an incident")
    before = _runs(yard)
    with web1(keys["other"]) as impostor:
        async with site.daemon() as daemon:
            assert daemon.status("web1") == "quarantined"
            await daemon.until(lambda: "Connection" in impostor.log, "it is tried")
            live = next(iter(daemon.source._context.fleet))
            await daemon.until(lambda: live.away_since is not None, "it is looked at")
            Reach(daemon.source._context).look(live, time.monotonic())
            await daemon.source._context.herald.drain(5.0)
            assert len(await daemon.events("gone")) == 1
            assert daemon.status("web1") == "quarantined"
    assert _runs(yard) == before


async def test_a_second_change_of_the_key_is_told_too(
    site: Site, web1: Web1, keys: dict[str, Path]
) -> None:
    async with site.daemon() as daemon:
        for key in ("own", "other", "third"):
            with web1(keys[key]):
                if key == "own":
                    await daemon.until(lambda: daemon.value("web1", "count"), "it is read")
                    continue
                number = 1 if key == "other" else 2
                await daemon.until(
                    functools.partial(_told, daemon, number), f"change {number} is told"
                )
        first, second = await daemon.events("host_key_changed")
        assert first["message"] != second["message"]


async def _told(daemon: Daemon, times: int) -> bool:
    return len(await daemon.events("host_key_changed")) == times


async def test_in_strict_mode_only_known_keys_are_logged_in_to(
    site: Site, web1: Web1, keys: dict[str, Path], tmp_path: Path, yard: Path
) -> None:
    known_hosts = tmp_path / "known_hosts"
    public = public_half(keys["own"])
    known_hosts.write_text(f"[{site.address(1)}]:{site.port} {public}")
    ssh = {"host_keys": "strict", "known_hosts": str(known_hosts)}
    with (
        web1(keys["own"]),
        machine("stranger", addresses=[site.address(2)], port=site.port) as stranger,
    ):
        async with site.daemon(ssh=ssh) as daemon:
            await daemon.until(lambda: daemon.value("web1", "count"), "the known one is read")
            state = await daemon.until(
                lambda: _rejected(daemon, site.address(2)), "the unknown one is rejected"
            )
            assert "not in known_hosts" in state["reason"]
            assert daemon.servers() == ["web1"]
            assert "Accepted publickey" not in stranger.log
        assert known_hosts.read_text() == f"[{site.address(1)}]:{site.port} {public}"
