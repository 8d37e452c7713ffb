"""One listener for a whole plain fleet."""

import asyncio
from ipaddress import ip_network
from pathlib import Path

import asyncssh
import pytest

from outkept.demo import DemoError, simulated_fleet
from outkept.demo.machines import company
from tests.demo.test_simulated_fleet import login

NETWORK = "127.75.0.0/22"
SERVERS = 700
DEADLINE = 30


def _listening(port: int) -> int:
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(f":{port:04X}" in line.split()[1] and line.split()[3] == "0A" for line in lines)


async def test_a_plain_fleet_has_one_listener_and_every_server_its_own_key(tmp_path: Path) -> None:
    machines = company(SERVERS, ip_network(NETWORK), 1, plain=True).machines
    async with simulated_fleet(tmp_path, SERVERS, network=NETWORK, plain=True) as fleet:
        assert _listening(fleet.port) == 1
        fingerprints = set()
        for machine in (machines[0], machines[1], machines[-1]):
            async with asyncssh.connect(
                machine.addresses[0],
                fleet.port,
                username=fleet.user,
                client_keys=[str(fleet.key)],
                known_hosts=None,
                config=None,
                agent_path=None,
            ) as connection:
                key = connection.get_server_host_key()
                assert key is not None
                fingerprints.add(key.get_fingerprint())
                version = connection.get_extra_info("server_version")
                assert version == f"SSH-2.0-{machine.system.banner}"
                answer = await connection.run("uname -r", timeout=DEADLINE)
                assert answer.stdout == f"{machine.system.kernel}\n"
        assert len(fingerprints) == 3


async def test_nobody_is_at_other_addresses(tmp_path: Path) -> None:
    async with simulated_fleet(tmp_path, 2, network=NETWORK, plain=True) as fleet:
        assert await login(fleet, "127.75.0.1")
        for elsewhere in ("127.75.0.2", "127.75.3.200", "127.0.0.1"):
            reader, writer = await asyncio.open_connection(elsewhere, fleet.port)
            try:
                said = await asyncio.wait_for(reader.read(), DEADLINE)
            except ConnectionResetError:
                said = b""
            assert said == b""
            writer.close()


async def test_a_plain_fleet_finds_its_port_taken(tmp_path: Path) -> None:
    async with simulated_fleet(tmp_path / "one", 3, network=NETWORK) as one:
        with pytest.raises(DemoError, match=f"port {one.port} can't be used on all addresses"):
            async with simulated_fleet(
                tmp_path / "other", 3, network=NETWORK, plain=True, port=one.port
            ):
                pass


def test_a_plain_company_is_the_rest_of_the_usual_one() -> None:
    usual = company(80, ip_network(NETWORK), 1)
    plain = company(44, ip_network(NETWORK), 1, plain=True)
    assert [m.hostname for m in plain.machines] == [m.hostname for m in usual.machines[36:]]
    assert plain.steady
    assert not usual.steady
    assert plain.printer is None
