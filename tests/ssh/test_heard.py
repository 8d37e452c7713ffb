"""What a command prints is passed on as it arrives, and is the answer all the same."""

import asyncio
from pathlib import Path

import pytest

from tests.servers import Server, User
from tests.ssh.helpers import client_with, connected, eventually, failure, result


class Ear:
    """Keeps what was heard."""

    def __init__(self) -> None:
        self.out = b""
        self.err = b""

    def __call__(self, data: bytes, error: bool) -> None:
        assert data
        if error:
            self.err += data
        else:
            self.out += data


@pytest.mark.parametrize("posix", [False, True])
async def test_it_is_heard_while_the_command_runs(
    sshd: Server, ssh_user: User, tmp_path: Path, *, posix: bool
) -> None:
    go = Path(ssh_user.home) / f"go-{posix}"
    command = (
        f"printf one; printf 'two\\n' >&2; while [ ! -e {go} ]; do sleep 0.05; done;"
        " printf three; printf four >&2"
    )
    ear = Ear()
    async with (
        connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection,
        asyncio.TaskGroup() as tasks,
    ):
        running = tasks.create_task(connection.run(command, timeout=30, heard=ear, posix=posix))
        await eventually(lambda: (ear.out, ear.err) == (b"one", b"two\n"), "it is heard")
        assert not running.done()
        go.touch()
        answer = result(await running)
    assert (answer.stdout, answer.stderr) == (ear.out, ear.err) == (b"onethree", b"two\nfour")


async def test_no_more_is_heard_than_is_kept(sshd: Server, ssh_user: User) -> None:
    ear = Ear()
    async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
        answer = failure(
            await connection.run(
                "head -c 100000 /dev/zero >&2; head -c 9000 /dev/zero; sleep 60",
                timeout=30,
                cap=5000,
                heard=ear,
                posix=True,
            )
        )
    assert (answer.stdout, answer.stderr) == (ear.out, ear.err)
    assert len(ear.out) == 5000
    assert len(ear.err) < 17000


async def test_an_ear_that_fails_harms_nobody(
    sshd: Server, ssh_user: User, caplog: pytest.LogCaptureFixture
) -> None:
    def deaf(data: bytes, error: bool) -> None:
        raise ValueError("deaf")

    async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
        assert result(await connection.run("echo 1", timeout=30, heard=deaf)).stdout == b"1\n"
        assert result(await connection.run("echo 2", timeout=30)).stdout == b"2\n"
    assert "could not be passed on" in caplog.text
