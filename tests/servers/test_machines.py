"""The servers that tests stand on are what they claim to be."""

from contextlib import ExitStack

from tests.servers import Server, User, machine
from tests.ssh.helpers import client_with, connected, result


async def test_machines_on_one_loopback_differ_in_every_sign(ssh_user: User) -> None:
    command = "cat /etc/machine-id /proc/sys/kernel/random/boot_id; hostname"
    seen: list[list[bytes]] = []
    with ExitStack() as stack:
        servers = [
            stack.enter_context(machine(name, addresses=[f"127.0.0.{last}"]))
            for last, name in ((11, "alpha"), (12, "beta"))
        ]
        for server in servers:
            async with connected(
                client_with(ssh_user.key), server.endpoint, ssh_user.name
            ) as connection:
                seen.append(result(await connection.run(command, timeout=30)).stdout.split())
    assert [lines[2] for lines in seen] == [b"alpha", b"beta"]
    assert all(one != other for one, other in zip(*seen, strict=True))


async def test_one_machine_answers_at_several_addresses(ssh_user: User) -> None:
    addresses = ["127.0.0.21", "127.0.0.22"]
    client = client_with(ssh_user.key)
    with machine("gamma", addresses=addresses, machine_id="a" * 32) as server:
        for address in addresses:
            endpoint = type(server.endpoint)(address, server.port)
            async with connected(client, endpoint, ssh_user.name) as connection:
                output = result(await connection.run("cat /etc/machine-id", timeout=30)).stdout
                assert output == b"a" * 32 + b"\n"


async def test_killed_sessions_leave_the_server_listening(sshd: Server, ssh_user: User) -> None:
    client = client_with(ssh_user.key)
    for _ in range(2):
        async with connected(client, sshd.endpoint, ssh_user.name) as connection:
            assert result(await connection.run("true", timeout=30)).status == 0
            sshd.kill_sessions()
            assert await connection.wait_lost()
