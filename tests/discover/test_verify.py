import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outkept.discover.identify import identify
from outkept.discover.verify import Verification, judge, verify
from outkept.model.command import CommandFailure, CommandResult, FailureKind
from outkept.model.sensor import Sensor
from outkept.ssh.connection import Connection
from tests.discover.crawling import client_of
from tests.servers import Server, User, running_sshd, running_user, shell_of_busybox, until

OURS = Path("/etc/machine-id").read_text().strip()


@pytest.fixture
async def connection(sshd: Server, ssh_user: User, client_key: Path) -> AsyncIterator[Connection]:
    connection = await client_of(client_key).connect(sshd.endpoint, ssh_user.name)
    yield connection
    await connection.close()


def sensors(*verifiers: str) -> list[Sensor]:
    return [Sensor(f"s{n}", "true", verifier) for n, verifier in enumerate(verifiers)]


async def test_a_yes_supports_a_sensor_and_anything_else_does_not(connection: Connection) -> None:
    verdict = await verify(
        connection,
        sensors(
            "echo yes",
            "",
            "echo some noise; echo well, yes!; exit 3",
            "echo its eyes; echo yesterday",
            "true",
            "no-such-program",
        ),
        timeout=20,
    )
    assert isinstance(verdict, Verification)
    assert verdict.supported == ("s0", "s1", "s2")
    assert list(verdict.unsupported) == ["s3", "s4", "s5"]
    assert "yesterday" in verdict.unsupported["s3"]
    assert verdict.unsupported["s4"] == "its verifier said nothing"
    assert "not found" in verdict.unsupported["s5"]


async def test_verifiers_that_hang_flood_or_die_are_reasons(connection: Connection) -> None:
    verdict = await verify(
        connection, sensors("sleep 60", "yes", "kill -9 $$", "echo yes"), timeout=4
    )
    assert isinstance(verdict, Verification)
    assert verdict.supported == ("s3",)
    assert "no answer within 4 s" in verdict.unsupported["s0"]
    assert "65,536 bytes" in verdict.unsupported["s1"]
    assert "gave no answer" in verdict.unsupported["s2"]


async def test_equal_verifiers_are_run_once(connection: Connection, ssh_user: User) -> None:
    verifier = "echo x >> $HOME/runs; echo yes"
    verdict = await verify(connection, sensors(*[verifier] * 5), timeout=20)
    assert verdict == Verification(("s0", "s1", "s2", "s3", "s4"), {})
    assert (ssh_user.home / "runs").read_text() == "x\n"


async def test_more_verifiers_than_channels_all_get_an_answer(
    ssh_user: User, client_key: Path
) -> None:
    with running_sshd(max_sessions=1) as server:
        connection = await client_of(client_key).connect(server.endpoint, ssh_user.name)
        try:
            asked = sensors(*(f"echo yes {n}" for n in range(12)))
            verdict = await verify(connection, asked, timeout=20)
        finally:
            await connection.close()
    assert isinstance(verdict, Verification)
    assert len(verdict.supported) == 12


async def test_a_connection_lost_on_the_way_concludes_nothing(
    connection: Connection, sshd: Server, ssh_user: User
) -> None:
    started = ssh_user.home / "started"
    asked = sensors("echo yes", f"echo > {started}; sleep 60")
    async with asyncio.TaskGroup() as tasks:
        verifying = tasks.create_task(verify(connection, asked, timeout=60))
        await asyncio.to_thread(until, started.exists, "the verifier runs")
        sshd.kill_sessions()
    assert isinstance(verifying.result(), str)
    assert verifying.result()


async def test_cancelling_a_verification_leaves_the_connection_usable(
    connection: Connection,
) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(verify(connection, sensors("sleep 60"), timeout=60), 0.3)
    again = await verify(connection, sensors("echo yes"), timeout=20)
    assert again == Verification(("s0",), {})


def test_no_exit_status_is_no_answer_even_after_a_yes() -> None:
    lost = CommandFailure(FailureKind.NO_STATUS, "killed by SIGTERM", stdout=b"yes\n")
    assert "killed by SIGTERM" in judge(lost)


@given(stdout=st.binary(max_size=400), stderr=st.binary(max_size=400))
def test_a_verdict_is_one_short_printable_line(stdout: bytes, stderr: bytes) -> None:
    reason = judge(CommandResult(1, stdout, stderr))
    assert reason.isprintable()
    assert len(reason) < 500


@pytest.mark.parametrize("shell", ["/bin/bash", "/bin/dash", "busybox"])
async def test_a_machine_says_who_it_is_in_every_login_shell(
    client_key: Path, tmp_path_factory: pytest.TempPathFactory, shell: str
) -> None:
    if shell == "busybox":
        folder = tmp_path_factory.mktemp("shell")
        for path in (folder, *folder.parents[:3]):
            path.chmod(path.stat().st_mode | 0o055)
        shell = shell_of_busybox(folder)
    with running_user(client_key, suffix="shell", shell=shell) as user, running_sshd() as server:
        (user.home / ".bashrc").write_text("echo welcome; echo hostname=liar\n")
        connection = await client_of(client_key).connect(server.endpoint, user.name)
        try:
            answer = await identify(connection)
        finally:
            await connection.close()
    assert not isinstance(answer, str)
    identity, facts = answer
    assert identity.hostname != "liar"
    assert identity.machine_id == OURS
    assert identity.boot_id
    assert identity.host_key.startswith("ssh-ed25519 SHA256:")
    assert facts.shell == shell
    assert facts.ssh_version.startswith("OpenSSH")


async def test_a_machine_that_never_says_who_it_is_gives_a_reason(
    ssh_user: User, client_key: Path
) -> None:
    with running_sshd(force_command="sleep 60") as server:
        connection = await client_of(client_key).connect(server.endpoint, ssh_user.name)
        try:
            answer = await identify(connection, timeout=0.5)
        finally:
            await connection.close()
    assert answer == "it logs us in, but did not say who it is within 0.5 s"
