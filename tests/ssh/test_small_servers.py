"""dropbear, tinyssh and busybox: servers that are not like OpenSSH."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from outkept.model.command import FailureKind
from tests.servers import (
    Server,
    User,
    generate_key,
    running_dropbear,
    running_sshd,
    running_tinysshd,
    running_user,
    shell_of_busybox,
)
from tests.ssh.helpers import answers, client_with, connected, failure, result


@pytest.fixture
def dropbear(ssh_user: User) -> Iterator[Server]:
    with running_dropbear() as server:
        yield server


@pytest.fixture
def tinyssh(ssh_user: User) -> Iterator[Server]:
    with running_tinysshd() as server:
        yield server


async def test_dropbear_gets_one_command_at_a_time(dropbear: Server, ssh_user: User) -> None:
    client = client_with(ssh_user.key)
    async with connected(client, dropbear.endpoint, ssh_user.name) as connection:
        assert connection.server_version.startswith("dropbear")
        assert connection.pool.limit == 1
        commands = (connection.run(f"echo {n}", timeout=60) for n in range(40))
        assert answers(await asyncio.gather(*commands)) == [str(n).encode() for n in range(40)]
        assert connection.pool.stats().refused == 0
        assert connection.lost is None


async def test_dropbear_timeouts_leave_the_slot_usable(dropbear: Server, ssh_user: User) -> None:
    client = client_with(ssh_user.key)
    async with connected(client, dropbear.endpoint, ssh_user.name) as connection:
        for _ in range(5):
            late = failure(await connection.run("sleep 300", timeout=0.1))
            assert late.kind is FailureKind.TIMED_OUT
        assert result(await connection.run("echo good", timeout=30)).stdout == b"good\n"


async def test_tinyssh_runs_one_command_after_the_other(tinyssh: Server, ssh_user: User) -> None:
    client = client_with(ssh_user.key)
    async with connected(client, tinyssh.endpoint, ssh_user.name) as connection:
        assert connection.server_version.startswith("tinyssh")
        assert connection.pool.limit == 1
        commands = (connection.run(f"echo {n}; exit 0", timeout=60) for n in range(20))
        assert answers(await asyncio.gather(*commands)) == [str(n).encode() for n in range(20)]
        assert connection.lost is None
        status = result(await connection.run("echo err >&2; exit 7", timeout=60))
        assert (status.status, status.stderr) == (7, b"err\n")


async def test_tinyssh_timeouts_and_floods_cost_one_session_each(
    tinyssh: Server, ssh_user: User
) -> None:
    client = client_with(ssh_user.key)
    async with connected(client, tinyssh.endpoint, ssh_user.name) as connection:
        late = failure(await connection.run("sleep 300", timeout=0.3))
        assert late.kind is FailureKind.TIMED_OUT
        flood = failure(await connection.run("cat /dev/zero", timeout=30, cap=1000))
        assert flood.kind is FailureKind.TOO_LONG
        assert result(await connection.run("echo good", timeout=30)).stdout == b"good\n"


async def test_a_tinyssh_that_went_away_is_lost_with_its_next_command(ssh_user: User) -> None:
    with running_tinysshd() as server:
        connection = await client_with(ssh_user.key).connect(server.endpoint, ssh_user.name)
        assert result(await connection.run("true", timeout=30)).status == 0
    try:
        gone = failure(await connection.run("true", timeout=30))
        assert (gone.kind, gone.started) == (FailureKind.LOST, False)
        assert await connection.wait_lost() == "connection refused"
    finally:
        await connection.close()


async def test_a_tinyssh_with_another_key_runs_nothing(ssh_user: User) -> None:
    with running_tinysshd() as server:
        connection = await client_with(ssh_user.key).connect(server.endpoint, ssh_user.name)
        assert result(await connection.run("true", timeout=30)).status == 0
    try:
        with running_tinysshd(port=server.port):
            barred = failure(await connection.run("true", timeout=30))
            assert (barred.kind, barred.started) == (FailureKind.LOST, False)
            assert "host key changed" in await connection.wait_lost()
    finally:
        await connection.close()


async def test_busybox_ash_as_login_shell(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("ash")
    for path in (folder, *list(folder.parents)[:2]):
        path.chmod(0o755)
    key = generate_key(Path(folder) / "key")
    with (
        running_user(key, suffix="ash", shell=shell_of_busybox(folder)) as user,
        running_sshd() as server,
    ):
        async with connected(client_with(key), server.endpoint, user.name) as connection:
            shell = result(await connection.run("echo $0; exit 5", timeout=30))
            assert (shell.stdout, shell.status) == (b"ash\n", 5)
