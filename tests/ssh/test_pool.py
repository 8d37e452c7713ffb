"""The channel pool against real sshd's of every size."""

import asyncio
import resource
from pathlib import Path

import pytest

from outkept.model.command import CommandOutcome, FailureKind
from outkept.ssh.channels import Job, Priority
from outkept.ssh.connection import Connection
from tests.servers import Server, User, running_sshd
from tests.ssh.helpers import answers, client_with, connected, eventually, failure, result


class Jobs:
    """Submits jobs to a connection's pool and keeps their outcomes in order of arrival."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.order: list[str] = []
        self.outcomes: dict[str, CommandOutcome] = {}

    def submit(
        self,
        key: str,
        command: str,
        *,
        timeout: float = 30.0,
        priority: Priority = Priority.ROUTINE,
        every: float | None = None,
    ) -> bool:
        due = asyncio.get_running_loop().time()
        job = Job(key, command, timeout, priority, due, every, self._done)
        return self.connection.pool.submit(job)

    async def finished(self, count: int) -> None:
        await eventually(lambda: len(self.order) >= count, f"{count} jobs are answered", 60)

    def _done(self, job: Job, outcome: CommandOutcome) -> None:
        self.order.append(job.key)
        self.outcomes[job.key] = outcome


@pytest.mark.parametrize("sessions", [1, 2, 10])
async def test_forty_jobs_all_succeed_whatever_the_limit(ssh_user: User, sessions: int) -> None:
    with running_sshd(max_sessions=sessions) as server:
        async with connected(
            client_with(ssh_user.key), server.endpoint, ssh_user.name
        ) as connection:
            commands = (connection.run(f"echo {n}", timeout=60) for n in range(40))
            outputs = answers(await asyncio.gather(*commands))
            assert outputs == [str(n).encode() for n in range(40)]
            assert connection.pool.limit <= min(sessions, 8)
            assert connection.pool.stats().busy <= connection.pool.limit


async def test_a_refused_open_is_run_again(ssh_user: User) -> None:
    with running_sshd(max_sessions=1) as server:
        async with connected(
            client_with(ssh_user.key), server.endpoint, ssh_user.name
        ) as connection:
            answers(await asyncio.gather(*(connection.run("true", timeout=30) for _ in range(6))))
            learned = connection.pool.stats()
            assert learned.refused > 0
            assert learned.limit == 1
            answers(await asyncio.gather(*(connection.run("true", timeout=30) for _ in range(20))))
            # A slot is reused only after a round trip, so that nothing is refused any more.
            assert connection.pool.stats().refused == learned.refused


async def test_the_limit_learned_earlier_is_kept_from_the_start(ssh_user: User) -> None:
    with running_sshd(max_sessions=2) as server:
        async with connected(
            client_with(ssh_user.key), server.endpoint, ssh_user.name, channel_limit=2
        ) as connection:
            answers(await asyncio.gather(*(connection.run("true", timeout=30) for _ in range(20))))
            assert connection.pool.stats().refused == 0


async def test_the_configured_bound_is_never_passed(sshd: Server, ssh_user: User) -> None:
    client = client_with(ssh_user.key, channels=2)
    async with connected(client, sshd.endpoint, ssh_user.name) as connection:
        jobs = Jobs(connection)
        for n in range(10):
            jobs.submit(str(n), "true")
            assert connection.pool.stats().busy <= 2
        await jobs.finished(10)
        assert connection.pool.limit == 2


async def test_fifty_timeouts_leave_every_slot_usable(ssh_user: User) -> None:
    with running_sshd(max_sessions=2) as server:
        async with connected(
            client_with(ssh_user.key), server.endpoint, ssh_user.name
        ) as connection:
            late = await asyncio.gather(
                *(connection.run("sleep 317", timeout=0.05) for _ in range(50))
            )
            assert {failure(each).kind for each in late} == {FailureKind.TIMED_OUT}
            good = (connection.run("echo good", timeout=30) for _ in range(20))
            assert answers(await asyncio.gather(*good)) == [b"good"] * 20
            await eventually(lambda: connection.pool.stats().busy == 0, "no slot is held")
            await eventually(lambda: not _sleeping(ssh_user), "the remote processes are gone")


async def test_fifty_cancels_leave_every_slot_usable(ssh_user: User) -> None:
    with running_sshd(max_sessions=2) as server:
        async with connected(
            client_with(ssh_user.key), server.endpoint, ssh_user.name
        ) as connection:
            for steps in range(50):
                spawn = asyncio.get_running_loop().create_task
                task = spawn(connection.run("sleep 300", timeout=60))
                for _ in range(steps):
                    await asyncio.sleep(0)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            good = (connection.run("echo good", timeout=30) for _ in range(20))
            assert answers(await asyncio.gather(*good)) == [b"good"] * 20
            await eventually(lambda: connection.pool.stats().busy == 0, "no slot is held")


async def test_a_slot_is_held_until_its_process_is_gone_and_then_used_again(
    client_key: Path,
) -> None:
    """Root's processes can't be killed over the channel on OpenSSH ≤ 9.9."""
    with running_sshd(max_sessions=1, authorized_keys=[client_key]) as server:
        async with connected(client_with(client_key), server.endpoint, "root") as connection:
            late = failure(await connection.run("sleep 1.5", timeout=0.1))
            assert late.kind is FailureKind.TIMED_OUT
            assert result(await connection.run("echo next", timeout=30)).stdout == b"next\n"


async def test_a_reaction_overtakes_queued_readings(ssh_user: User) -> None:
    with running_sshd(max_sessions=1) as server:
        async with connected(
            client_with(ssh_user.key), server.endpoint, ssh_user.name, channel_limit=1
        ) as connection:
            jobs = Jobs(connection)
            jobs.submit("running", "sleep 0.2")
            for n in range(10):
                jobs.submit(f"reading {n}", "true")
            jobs.submit("urgent", "true", priority=Priority.URGENT)
            jobs.submit("reaction", "true", priority=Priority.REACTION)
            await jobs.finished(13)
            assert jobs.order[:4] == ["running", "reaction", "urgent", "reading 0"]


async def test_a_second_job_of_one_key_is_counted_as_missed(sshd: Server, ssh_user: User) -> None:
    async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
        jobs = Jobs(connection)
        assert jobs.submit("load", "sleep 0.2; echo first")
        assert not jobs.submit("load", "echo second")
        assert connection.pool.stats().missed == 1
        await jobs.finished(1)
        assert result(jobs.outcomes["load"]).stdout == b"first\n"
        assert jobs.submit("load", "true")
        await jobs.finished(2)


async def test_queued_up_is_entered_and_says_what_would_cure_it(ssh_user: User) -> None:
    with running_sshd(max_sessions=1) as server:
        async with connected(
            client_with(ssh_user.key), server.endpoint, ssh_user.name
        ) as connection:
            answers(await asyncio.gather(*(connection.run("true", timeout=30) for _ in range(4))))
            jobs = Jobs(connection)
            assert connection.pool.stats().queued_up == ""
            for n in range(5):
                jobs.submit(f"sensor{n}", "sleep 0.2", every=0.1)
            await jobs.finished(5)
            text = connection.pool.stats().queued_up
            assert "channel-seconds a second and the server allows 1" in text
            assert "and 3 more" in text
            assert "or set MaxSessions to " in text


async def test_a_command_longer_than_its_interval_alone_is_missed_but_not_queued_up(
    sshd: Server, ssh_user: User
) -> None:
    async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
        jobs = Jobs(connection)
        jobs.submit("slow", "sleep 0.5", every=0.01)
        await eventually(lambda: connection.pool.stats().queued == 0, "the job has its channel")
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await eventually(lambda: loop.time() > begun + 0.05, "several intervals have passed")
        assert not jobs.submit("slow", "true", every=0.01)
        await jobs.finished(1)
        assert connection.pool.stats().missed == 1
        assert connection.pool.stats().queued_up == ""


async def test_a_hundred_megabytes_are_cut_at_the_cap(sshd: Server, ssh_user: User) -> None:
    async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        flood = failure(
            await connection.run("head -c 100000000 /dev/zero", timeout=60, cap=100_000)
        )
        assert flood.kind is FailureKind.TOO_LONG
        assert "100,000 bytes" in flood.reason
        assert len(flood.stdout) == 100_000
        assert result(await connection.run("echo alive", timeout=30)).stdout == b"alive\n"
        grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown_kib < 20_000


async def test_a_flood_of_standard_error_is_dropped_silently(sshd: Server, ssh_user: User) -> None:
    async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
        command = "head -c 3000000 /dev/zero >&2; echo fine"
        flood = result(await connection.run(command, timeout=60))
        assert flood.stdout == b"fine\n"
        assert len(flood.stderr) == 16 * 1024


async def test_output_of_exactly_the_cap_is_an_answer(sshd: Server, ssh_user: User) -> None:
    async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
        exact = await connection.run("printf 12345", timeout=30, cap=5)
        assert result(exact).stdout == b"12345"


async def test_one_byte_at_a_time_ends_at_the_deadline(ssh_user: User) -> None:
    with running_sshd(max_sessions=1) as server:
        async with connected(
            client_with(ssh_user.key), server.endpoint, ssh_user.name
        ) as connection:
            drip = "while :; do printf x; sleep 0.05; done"
            late = failure(await connection.run(drip, timeout=0.5))
            assert late.kind is FailureKind.TIMED_OUT
            assert late.reason == "no answer within 0.5 s"
            assert set(late.stdout) <= set(b"x")
            assert result(await connection.run("echo next", timeout=30)).stdout == b"next\n"


async def test_output_that_is_not_utf_8_arrives_as_it_is(sshd: Server, ssh_user: User) -> None:
    async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
        command = r"printf '\377\376\000\200'; printf '\377' >&2"
        raw = result(await connection.run(command, timeout=30))
        assert raw.stdout == b"\xff\xfe\x00\x80"
        assert raw.stderr == b"\xff"
        assert result(await connection.run("true", timeout=30)).status == 0


async def test_a_command_killed_by_a_signal_has_no_status(sshd: Server, ssh_user: User) -> None:
    async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
        killed = failure(await connection.run("kill -TERM $$", timeout=30))
        assert killed.kind is FailureKind.NO_STATUS
        assert killed.reason == "killed by SIGTERM"


async def test_standard_input_is_at_its_end(sshd: Server, ssh_user: User) -> None:
    async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
        assert result(await connection.run("cat; echo end", timeout=30)).stdout == b"end\n"


async def test_a_daemon_that_keeps_the_output_open_does_not_hide_the_status(
    sshd: Server, ssh_user: User
) -> None:
    async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
        left_behind = result(await connection.run("sleep 300 & echo started", timeout=30))
        assert left_behind.status == 0
        assert left_behind.stdout == b"started\n"


async def test_a_forced_command_answers_in_its_own_way(ssh_user: User) -> None:
    with running_sshd(force_command="echo forced; exit 4") as server:
        async with connected(
            client_with(ssh_user.key), server.endpoint, ssh_user.name
        ) as connection:
            forced = result(await connection.run("echo asked", timeout=30))
            assert (forced.stdout, forced.status) == (b"forced\n", 4)


def _sleeping(user: User) -> list[int]:
    found = []
    for pid in user.processes():
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if file.read().startswith(b"sleep\x00317"):
                    found.append(pid)
        except OSError:
            continue
    return found
