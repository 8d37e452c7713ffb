"""Connections that end: killed, frozen, stopped, mid-command and idle."""

import asyncio

import pytest

from outkept.model.command import CommandFailure, CommandOutcome, FailureKind
from outkept.ssh.channels import Job, Priority
from tests.servers import Server, User
from tests.ssh.helpers import client_with, connected, eventually, failure, result


async def test_a_connection_killed_mid_command_is_lost_and_no_success(
    sshd: Server, ssh_user: User
) -> None:
    async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
        async with asyncio.TaskGroup() as group:
            cut = group.create_task(connection.run("echo begun; sleep 300", timeout=60))
            await eventually(lambda: _runs(ssh_user, b"sleep"), "the command runs")
            sshd.kill_sessions()
        lost = failure(cut.result())
        assert lost.kind is FailureKind.LOST
        assert lost.started
        assert await connection.wait_lost() == lost.reason
        assert connection.lost == lost.reason


async def test_after_the_loss_a_job_is_answered_without_being_sent(
    sshd: Server, ssh_user: User
) -> None:
    async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
        sshd.kill_sessions()
        reason = await connection.wait_lost()
        late = failure(await connection.run("true", timeout=10))
        assert (late.kind, late.started, late.reason) == (FailureKind.LOST, False, reason)


async def test_what_waits_when_the_connection_goes_is_answered_as_never_started(
    sshd: Server, ssh_user: User
) -> None:
    client = client_with(ssh_user.key, channels=1)
    async with connected(client, sshd.endpoint, ssh_user.name) as connection:
        outcomes: list[CommandOutcome] = []
        loop = asyncio.get_running_loop()

        def done(job: Job, outcome: CommandOutcome) -> None:
            outcomes.append(outcome)

        for n in range(5):
            job = Job(str(n), "sleep 300", 60, Priority.ROUTINE, loop.time(), None, done)
            assert connection.pool.submit(job)
        await eventually(lambda: _runs(ssh_user, b"sleep"), "the first command runs")
        sshd.kill_sessions()
        await eventually(lambda: len(outcomes) == 5, "all jobs are answered")
        failures = [failure(outcome) for outcome in outcomes]
        assert {each.kind for each in failures} == {FailureKind.LOST}
        assert sorted(each.started for each in failures) == [False] * 4 + [True]


async def test_a_frozen_server_is_noticed_in_bounded_time(sshd: Server, ssh_user: User) -> None:
    client = client_with(ssh_user.key, keepalive=0.3)
    async with connected(client, sshd.endpoint, ssh_user.name) as connection:
        sshd.freeze()
        try:
            async with asyncio.timeout(15):
                assert await connection.wait_lost() == "no sign of life for 0.9 s"
        finally:
            sshd.thaw()


async def test_a_command_on_a_frozen_server_is_answered(sshd: Server, ssh_user: User) -> None:
    client = client_with(ssh_user.key, keepalive=0.5)
    async with connected(client, sshd.endpoint, ssh_user.name) as connection:
        sshd.freeze()
        try:
            late = failure(await connection.run("true", timeout=0.3))
            assert (late.kind, late.started) == (FailureKind.TIMED_OUT, False)
            lost = failure(await connection.run("true", timeout=30))
            assert (lost.kind, lost.started) == (FailureKind.LOST, False)
        finally:
            sshd.thaw()


async def test_a_server_that_was_frozen_for_a_moment_goes_on(sshd: Server, ssh_user: User) -> None:
    async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
        sshd.freeze()
        async with asyncio.TaskGroup() as group:
            command = group.create_task(connection.run("echo thawed", timeout=60))
            await asyncio.sleep(0)
            sshd.thaw()
        assert result(command.result()).stdout == b"thawed\n"


async def test_closing_answers_what_runs_and_what_waits(sshd: Server, ssh_user: User) -> None:
    client = client_with(ssh_user.key, channels=1)
    async with connected(client, sshd.endpoint, ssh_user.name) as connection:
        async with asyncio.TaskGroup() as group:
            commands = [
                group.create_task(connection.run("sleep 319", timeout=60)) for _ in range(3)
            ]
            await eventually(lambda: _runs(ssh_user, b"sleep\x00319"), "the first command runs")
            await connection.close()
            await connection.close()
        outcomes = [failure(command.result()) for command in commands]
        assert {each.kind for each in outcomes} == {FailureKind.LOST}
        assert {each.reason for each in outcomes} == {"closed"}
        await eventually(lambda: not _runs(ssh_user, b"sleep\x00319"), "the remote process is gone")
        assert await connection.wait_lost() == "closed"


async def test_a_cancelled_wait_for_the_loss_leaves_the_others_waiting(
    sshd: Server, ssh_user: User
) -> None:
    async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await connection.wait_lost()
        assert connection.lost is None
        sshd.kill_sessions()
        assert await connection.wait_lost()


async def test_a_callback_that_fails_costs_neither_the_pool_nor_the_slot(
    sshd: Server, ssh_user: User, caplog: pytest.LogCaptureFixture
) -> None:
    client = client_with(ssh_user.key, channels=1)
    async with connected(client, sshd.endpoint, ssh_user.name) as connection:

        def done(job: Job, outcome: CommandOutcome) -> None:
            raise ValueError("a bug above")

        job = Job("bad", "true", 10, Priority.ROUTINE, 0.0, None, done)
        assert connection.pool.submit(job)
        assert not isinstance(await connection.run("true", timeout=30), CommandFailure)
        assert "callback of job bad failed" in caplog.text


def _runs(user: User, name: bytes) -> bool:
    for pid in user.processes():
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if file.read().startswith(name):
                    return True
        except OSError:
            continue
    return False
