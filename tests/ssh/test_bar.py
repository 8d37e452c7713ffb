"""What is asked in the instant before a command is sent."""

import asyncio

from outkept.model.command import FailureKind
from outkept.ssh.channels import Priority
from tests.servers import Server
from tests.servers.users import User
from tests.ssh.helpers import client_with, connected, eventually, failure, result


async def test_a_command_that_is_barred_is_not_sent(sshd: Server, ssh_user: User) -> None:
    mark = ssh_user.home / "barred"
    async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
        for number in range(3):
            barred = await connection.run(
                f"touch {mark}", timeout=20, bar=lambda: "stopped", priority=Priority.REACTION
            )
            assert failure(barred).kind is FailureKind.CANCELLED
            assert failure(barred).reason == "stopped"
            assert not failure(barred).started
            outcome = await connection.run(f"echo {number}", timeout=20, bar=lambda: "")
            assert result(outcome).stdout == b"%d\n" % number
        assert connection.pool.stats().busy <= 1
        assert connection.lost is None
    assert not mark.exists()


async def test_it_is_asked_when_the_command_has_waited_for_its_channel(
    sshd: Server, ssh_user: User
) -> None:
    mark, hold = ssh_user.home / "waited", ssh_user.home / "hold"
    hold.touch()
    client = client_with(ssh_user.key, channels=1)
    stopped = ""
    async with connected(client, sshd.endpoint, ssh_user.name) as connection:
        async with asyncio.TaskGroup() as group:
            command = f"while [ -e {hold} ]; do sleep 0.02; done"
            first = group.create_task(connection.run(command, timeout=30))
            await eventually(lambda: connection.pool.stats().busy == 1, "the channel is taken")
            second = group.create_task(
                connection.run(f"touch {mark}", timeout=30, bar=lambda: stopped, posix=True)
            )
            await eventually(lambda: connection.pool.stats().queued == 1, "it waits")
            stopped = "stopped"
            hold.unlink()
        assert result(first.result()).status == 0
        assert failure(second.result()).reason == "stopped"
        assert not failure(second.result()).started
    assert not mark.exists()
