"""Logging in, and all the ways in which that fails, against real servers."""

import asyncio
import gc
import logging
import os
import socket
from pathlib import Path

import pytest

from outkept.model.server import Endpoint
from outkept.ssh.client import Client
from outkept.ssh.errors import (
    Denied,
    HostKeyRejected,
    Lost,
    NotSSH,
    SSHError,
    TimedOut,
    Unreachable,
)
from outkept.ssh.hostkeys import HostKeys
from outkept.ssh.keys import Credentials
from tests.servers import (
    Server,
    User,
    free_port,
    generate_key,
    running_agent,
    running_listener,
    running_sshd,
)
from tests.ssh.helpers import client_with, connected, eventually, result


async def test_a_login_tells_host_key_and_version(sshd: Server, ssh_user: User) -> None:
    async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
        assert connection.host_key.startswith("ssh-ed25519 SHA256:")
        assert connection.server_version.startswith("OpenSSH_")
        assert connection.lost is None
        who = result(await connection.run("id -un", timeout=10))
        assert who.stdout.decode().strip() == ssh_user.name


# cryptography warns of what it will drop one day; old servers have nothing else.
@pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")
@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ("diffie-hellman-group18-sha512,ecdh-sha2-nistp256,curve25519-sha256", "curve25519-sha256"),
        ("diffie-hellman-group-exchange-sha256,ecdh-sha2-nistp384", "ecdh-sha2-nistp384"),
        (
            "diffie-hellman-group-exchange-sha256,diffie-hellman-group14-sha256",
            "diffie-hellman-group14-sha256",
        ),
    ],
)
async def test_the_cheapest_key_exchange_that_the_server_has_is_used(
    ssh_user: User, offered: str, chosen: str
) -> None:
    options = [f"KexAlgorithms {offered}", "LogLevel DEBUG1"]
    with running_sshd(options=options) as server:
        async with connected(client_with(ssh_user.key), server.endpoint, ssh_user.name):
            assert f"kex: algorithm: {chosen}" in server.log


async def test_group_exchange_is_never_used(ssh_user: User) -> None:
    """It blocks the loop, checking a prime that the server chose. Both sides find that they have
    no other in common; who is first to say so differs."""
    options = ["KexAlgorithms diffie-hellman-group-exchange-sha256"]
    either = "key exchange|closed the connection during login"
    with running_sshd(options=options) as server, pytest.raises(Lost, match=either):
        await client_with(ssh_user.key).connect(server.endpoint, ssh_user.name)


async def test_a_socket_whose_banner_was_peeked_at_is_used(sshd: Server, ssh_user: User) -> None:
    sock = socket.create_connection((sshd.address, sshd.port))
    assert sock.recv(4, socket.MSG_PEEK) == b"SSH-"
    connection = await client_with(ssh_user.key).connect(sshd.endpoint, ssh_user.name, sock=sock)
    try:
        assert result(await connection.run("true", timeout=10)).status == 0
    finally:
        await connection.close()


async def test_a_refused_key_is_denied(sshd: Server, ssh_user: User, tmp_path: Path) -> None:
    stranger = generate_key(tmp_path / "stranger")
    with pytest.raises(Denied, match=f"the key was refused for user {ssh_user.name}"):
        await client_with(stranger).connect(sshd.endpoint, ssh_user.name)


async def test_an_unknown_user_is_denied(sshd: Server, ssh_user: User) -> None:
    with pytest.raises(Denied, match="nobody-of-that-name"):
        await client_with(ssh_user.key).connect(sshd.endpoint, "nobody-of-that-name")


async def test_without_a_key_the_denial_says_so(sshd: Server, ssh_user: User) -> None:
    client = Client(Credentials(), HostKeys(None, strict=False), connect_timeout=20)
    with pytest.raises(Denied, match="no key to offer"):
        await client.connect(sshd.endpoint, ssh_user.name)


async def test_a_second_key_is_tried_when_the_first_is_refused(
    sshd: Server, ssh_user: User, tmp_path: Path
) -> None:
    stranger = generate_key(tmp_path / "stranger")
    client = client_with(stranger, ssh_user.key)
    async with connected(client, sshd.endpoint, ssh_user.name) as connection:
        assert connection.lost is None


async def test_rsa_and_ecdsa_keys_log_in(ssh_user: User, tmp_path: Path) -> None:
    for kind in ("rsa", "ecdsa"):
        key = generate_key(tmp_path / kind, kind=kind)
        with running_sshd(authorized_keys=[key]) as server:
            async with connected(client_with(key), server.endpoint, ssh_user.name) as connection:
                assert connection.lost is None


async def test_the_agent_logs_in_and_its_socket_is_given_back(sshd: Server, ssh_user: User) -> None:
    with running_agent(ssh_user.key) as path:
        credentials = Credentials((), path)
        client = Client(credentials, HostKeys(None, strict=False), connect_timeout=20)
        before = _descriptors()
        async with connected(client, sshd.endpoint, ssh_user.name) as connection:
            assert result(await connection.run("true", timeout=10)).status == 0
            assert _descriptors() <= before + 1


async def test_an_agent_that_is_gone_is_named(sshd: Server, ssh_user: User, tmp_path: Path) -> None:
    credentials = Credentials((), str(tmp_path / "no-agent"))
    client = Client(credentials, HostKeys(None, strict=False), connect_timeout=20)
    with pytest.raises(Denied, match="no-agent"):
        await client.connect(sshd.endpoint, ssh_user.name)


async def test_a_closed_port_is_unreachable(ssh_user: User) -> None:
    endpoint = Endpoint("127.0.0.1", free_port())
    with pytest.raises(Unreachable, match="connection refused"):
        await client_with(ssh_user.key).connect(endpoint, ssh_user.name)


@pytest.mark.parametrize(
    "greeting", [b"220 mail.example ESMTP ready\r\n", b"\x00\x01\x02\xff" * 10, b"SSH-1.5-old\r\n"]
)
async def test_what_greets_otherwise_is_not_ssh(ssh_user: User, greeting: bytes) -> None:
    with running_listener(greeting, hang_up=True) as (address, port):
        with pytest.raises(NotSSH) as caught:
            await client_with(ssh_user.key).connect(Endpoint(address, port), ssh_user.name)
        assert caught.value.reason.isprintable()


async def test_what_greets_otherwise_and_stays_is_not_ssh_at_the_deadline(ssh_user: User) -> None:
    with running_listener(b"220 ready\r\n") as (address, port):
        client = client_with(ssh_user.key, connect_timeout=0.5)
        with pytest.raises(NotSSH, match="220 ready"):
            await client.connect(Endpoint(address, port), ssh_user.name)


async def test_a_listener_that_never_speaks_times_out(ssh_user: User) -> None:
    with running_listener() as (address, port):
        client = client_with(ssh_user.key, connect_timeout=0.5)
        with pytest.raises(TimedOut, match=r"no SSH banner within 0\.5 s"):
            await client.connect(Endpoint(address, port), ssh_user.name)


async def test_a_banner_without_a_login_times_out(ssh_user: User) -> None:
    with running_listener(b"SSH-2.0-Tarpit\r\n") as (address, port):
        client = client_with(ssh_user.key, connect_timeout=0.5)
        with pytest.raises(TimedOut, match="no login"):
            await client.connect(Endpoint(address, port), ssh_user.name)


async def test_a_full_server_is_lost_and_not_something_else(ssh_user: User) -> None:
    client = client_with(ssh_user.key)
    with (
        running_listener(b"Exceeded MaxStartups\r\n", hang_up=True) as (address, port),
        pytest.raises(Lost, match="Exceeded MaxStartups"),
    ):
        await client.connect(Endpoint(address, port), ssh_user.name)


async def test_a_server_that_hangs_up_at_once_is_lost(ssh_user: User) -> None:
    client = client_with(ssh_user.key)
    with (
        running_listener(hang_up=True) as (address, port),
        pytest.raises(Lost, match="before its banner"),
    ):
        await client.connect(Endpoint(address, port), ssh_user.name)


async def test_a_changed_host_key_is_rejected_with_both_fingerprints(
    ssh_user: User, tmp_path: Path
) -> None:
    keys = HostKeys(tmp_path / "known_hosts", strict=False)
    client = client_with(ssh_user.key, host_keys=keys)
    with running_sshd() as server:
        async with connected(client, server.endpoint, ssh_user.name) as connection:
            first = connection.host_key
    with running_sshd(port=server.port) as other, pytest.raises(HostKeyRejected) as caught:
        await client.connect(other.endpoint, ssh_user.name)
    assert caught.value.expected == first
    assert caught.value.offered not in ("", first)
    assert first in caught.value.reason


async def test_a_known_key_at_another_endpoint_is_accepted(ssh_user: User, tmp_path: Path) -> None:
    machine = generate_key(tmp_path / "machine")
    client = client_with(ssh_user.key)
    with (
        running_sshd(host_keys=[machine]) as old_place,
        running_sshd(addresses=["127.0.0.2"]) as new_place,
    ):
        for server in (old_place, new_place):
            await (await client.connect(server.endpoint, ssh_user.name)).close()
    with running_sshd(host_keys=[machine], addresses=["127.0.0.2"], port=new_place.port) as moved:
        async with connected(client, moved.endpoint, ssh_user.name) as connection:
            assert connection.lost is None


async def test_strict_refuses_an_unknown_key_and_remembers_nothing(
    sshd: Server, ssh_user: User, tmp_path: Path
) -> None:
    path = tmp_path / "known_hosts"
    client = client_with(ssh_user.key, host_keys=HostKeys(path, strict=True))
    with pytest.raises(HostKeyRejected) as caught:
        await client.connect(sshd.endpoint, ssh_user.name)
    assert caught.value.expected == ""
    assert not path.exists()


async def test_a_server_given_a_key_of_another_type_raises_no_false_alarm(
    ssh_user: User, tmp_path: Path
) -> None:
    rsa = generate_key(tmp_path / "rsa", kind="rsa")
    ed25519 = generate_key(tmp_path / "ed25519")
    client = client_with(ssh_user.key)
    with running_sshd(host_keys=[rsa]) as before:
        await (await client.connect(before.endpoint, ssh_user.name)).close()
    with running_sshd(host_keys=[ed25519, rsa], port=before.port) as after:
        async with connected(client, after.endpoint, ssh_user.name) as connection:
            assert connection.host_key.startswith("ssh-rsa ")
    with (
        running_sshd(host_keys=[ed25519], port=before.port) as changed,
        pytest.raises(HostKeyRejected),
    ):
        await client.connect(changed.endpoint, ssh_user.name)


async def test_failures_and_closes_leak_neither_descriptors_nor_tasks(
    sshd: Server, ssh_user: User, tmp_path: Path
) -> None:
    good, bad = client_with(ssh_user.key), client_with(generate_key(tmp_path / "stranger"))
    mute = client_with(ssh_user.key, connect_timeout=0.2)

    async def round_of_everything(silent: Endpoint) -> None:
        async with connected(good, sshd.endpoint, ssh_user.name) as connection:
            await asyncio.gather(*(connection.run("true", timeout=10) for _ in range(6)))
            await connection.run("sleep 60", timeout=0.1)
        for client, endpoint in ((bad, sshd.endpoint), (mute, silent)):
            with pytest.raises(SSHError):
                await client.connect(endpoint, ssh_user.name)
        login = asyncio.get_running_loop().create_task(good.connect(sshd.endpoint, ssh_user.name))
        await asyncio.sleep(0)
        login.cancel()
        with pytest.raises(asyncio.CancelledError):
            await login

    with running_listener() as (address, port):
        await round_of_everything(Endpoint(address, port))
        await eventually(lambda: len(asyncio.all_tasks()) == 1, "only the test's task is left")
        gc.collect()
        before = _descriptors()
        for _ in range(3):
            await round_of_everything(Endpoint(address, port))
        # The listener of this test keeps one socket for each connection it accepted.
        await eventually(lambda: _descriptors() <= before + 3, "the sockets are closed")
        await eventually(lambda: len(asyncio.all_tasks()) == 1, "only the test's task is left")


@pytest.mark.parametrize("steps", range(0, 60, 6))
async def test_a_login_cancelled_anywhere_closes_its_socket(
    sshd: Server, ssh_user: User, steps: int
) -> None:
    client = client_with(ssh_user.key)
    before = _descriptors()
    login = asyncio.get_running_loop().create_task(client.connect(sshd.endpoint, ssh_user.name))
    for _ in range(steps):
        await asyncio.sleep(0.001)
    login.cancel()
    try:
        connection = await login
    except asyncio.CancelledError:
        pass
    else:
        await connection.close()
    await eventually(lambda: _descriptors() <= before, "the socket is closed")


async def test_commands_are_not_logged(
    sshd: Server, ssh_user: User, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
            await connection.run("echo a-secret-word", timeout=10)
    assert "a-secret-word" not in caplog.text


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))
