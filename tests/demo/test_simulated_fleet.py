"""The fleet as a process: started, found, gone with its parent."""

import asyncio
import os
import signal
import socket
import stat
import sys
from collections.abc import Awaitable, Callable
from ipaddress import ip_network
from pathlib import Path

import asyncssh
import pytest

from outkept.demo import DemoError, SimulatedFleet, simulated_fleet
from outkept.demo.characters import Character
from outkept.demo.machines import company

NETWORK = "127.79.0.0/24"
DEADLINE = 20


async def login(fleet: SimulatedFleet, address: str) -> bytes:
    async with asyncssh.connect(
        address,
        fleet.port,
        username=fleet.user,
        client_keys=[str(fleet.key)],
        known_hosts=None,
        config=None,
        agent_path=None,
    ) as connection:
        answer = await connection.run("uname -r", encoding=None, timeout=DEADLINE)
    assert isinstance(answer.stdout, bytes)
    return answer.stdout


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a condition, within the deadline."""
    async with asyncio.timeout(DEADLINE):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.02)


async def gone(pid: int) -> None:
    """Wait until the process has ended."""

    async def ended() -> bool:
        return not _runs(pid)

    await until(ended)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def test_all_servers_listen_when_the_fleet_is_ready(tmp_path: Path) -> None:
    async with simulated_fleet(tmp_path, network=NETWORK) as fleet:
        for address in company(36, ip_network(NETWORK), 1).addresses():
            with socket.create_connection((address, fleet.port), timeout=DEADLINE):
                pass
        assert await login(fleet, "127.79.0.1")
        assert fleet.ranges == (NETWORK,)
    await gone(fleet.pid)


async def test_the_private_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    async with simulated_fleet(tmp_path / "new", servers=1, network=NETWORK) as fleet:
        assert stat.S_IMODE(fleet.key.stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


async def test_a_taken_port_is_passed_over(tmp_path: Path) -> None:
    async with (
        simulated_fleet(tmp_path / "one", servers=3, network=NETWORK) as one,
        simulated_fleet(tmp_path / "other", servers=3, network=NETWORK) as other,
    ):
        assert one.port != other.port
        with pytest.raises(DemoError, match=f"port {one.port} can't be used on all addresses"):
            async with simulated_fleet(
                tmp_path / "third", servers=3, network=NETWORK, port=one.port
            ):
                pass


async def test_a_network_too_small_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match="has 6 addresses and 36 servers need 38") as error:
        async with simulated_fleet(tmp_path, network="127.79.0.0/29"):
            pass
    assert "\n" not in str(error.value)


async def test_a_network_off_loopback_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match=r"10\.0\.0\.0/24 is not on loopback"):
        async with simulated_fleet(tmp_path, network="10.0.0.0/24"):
            pass


async def test_a_directory_that_is_a_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DemoError, match="can't be written"):
        async with simulated_fleet(tmp_path / "file"):
            pass


async def test_the_fleet_dies_with_its_parent_even_by_kill_9(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys, pathlib\n"
        "from outkept.demo import simulated_fleet\n"
        "async def main():\n"
        f"    async with simulated_fleet(pathlib.Path(sys.argv[1]), 3, network={NETWORK!r}) as f:\n"
        "        print(f.pid, flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    root = Path(__file__).parents[2]
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script, str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert parent.stdout is not None
    pid = int(await asyncio.wait_for(parent.stdout.readline(), DEADLINE))
    assert _runs(pid)
    parent.send_signal(signal.SIGKILL)
    await parent.wait()
    await gone(pid)


async def test_characters_live_faster_at_a_higher_pace(tmp_path: Path) -> None:
    firm = company(36, ip_network(NETWORK), 1)
    vpn = next(m for m in firm.machines if m.character is Character.DROPPING_OFF)
    async with simulated_fleet(tmp_path, network=NETWORK, pace=100) as fleet:

        async def listens() -> bool:
            try:
                _, writer = await asyncio.open_connection(vpn.addresses[0], fleet.port)
            except ConnectionRefusedError:
                return False
            writer.close()
            return True

        async def is_away() -> bool:
            return not await listens()

        await until(is_away)
        await until(listens)
