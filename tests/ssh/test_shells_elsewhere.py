"""Long-lived shells on servers with one channel or one session, and under any login shell."""

import asyncio
from pathlib import Path

import pytest

from outkept.model.command import FailureKind
from outkept.ssh.channels import Priority
from tests.servers import (
    generate_key,
    program,
    running_dropbear,
    running_sshd,
    running_tinysshd,
    running_user,
    shell_of_busybox,
)
from tests.servers.users import User
from tests.ssh.helpers import client_with, connected, eventually, failure, result
from tests.ssh.test_shells import Tick, commands_run

COMMANDS = {str(n): f"echo {n}; :" for n in range(20)}


async def test_dropbear_keeps_one_shell_and_makes_room_for_execs(ssh_user: User) -> None:
    with running_dropbear() as server:
        async with connected(
            client_with(ssh_user.key), server.endpoint, ssh_user.name
        ) as connection:
            tick = Tick(connection)
            for _ in range(5):
                tick.submit({**COMMANDS, "bad": "echo x >&2; false"})
                reaction = await connection.run("echo done", timeout=20, priority=Priority.REACTION)
                assert result(reaction).stdout == b"done\n"
                await eventually(lambda: len(tick.outcomes) == 21, "all are answered", 60)
                for n in range(20):
                    assert result(tick.outcomes[str(n)]).stdout == b"%d" % n
                assert result(tick.outcomes["bad"]).stderr == b"x\n"
            late = (await tick({"hangs": "sleep 323"}, timeout=3.0))["hangs"]
            assert failure(late).kind is FailureKind.TIMED_OUT
            assert (await tick(COMMANDS)).keys() == COMMANDS.keys()
            assert connection.lost is None


async def test_tinyssh_gives_its_one_session_to_the_shell(ssh_user: User) -> None:
    with running_tinysshd() as server:
        async with connected(
            client_with(ssh_user.key), server.endpoint, ssh_user.name
        ) as connection:
            tick = Tick(connection)
            seen = set()
            for _ in range(6):
                outcomes = await tick({**COMMANDS, "pid": "echo $$"})
                for n in range(20):
                    assert result(outcomes[str(n)]).stdout == b"%d" % n
                seen.add(result(outcomes["pid"]).stdout)
            assert len(seen) == 1
            reaction = await connection.run("echo done", timeout=20, priority=Priority.REACTION)
            assert result(reaction).stdout == b"done\n"
            outcomes = await tick({"pid": "echo $$", "suicide": "kill $$", "good": "echo 1"})
            assert result(outcomes["good"]).stdout == b"1"
            assert connection.lost is None


@pytest.mark.parametrize("shell", ["tcsh", "fish", "zsh", "ksh", "bash", "ash"])
async def test_any_login_shell_will_do(
    shell: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp(shell)
    for path in (folder, *list(folder.parents)[:2]):
        path.chmod(0o755)
    key = generate_key(Path(folder) / "key")
    login = shell_of_busybox(folder) if shell == "ash" else program(shell)
    with running_user(key, suffix=shell, shell=login) as user, running_sshd() as server:
        for name in (".cshrc", ".bashrc", ".zshenv"):
            (user.home / name).write_text("echo noise of a start file\n")
        async with connected(client_with(key), server.endpoint, user.name) as connection:
            verifier = "[ -r /proc/loadavg ] && echo yes || { echo no; }"
            asked = await connection.run(verifier, timeout=20, in_shell=True)
            assert result(asked).stdout == b"yes"
            tick = Tick(connection)
            mixed = {
                "quotes": "v='a  b'; echo \"$v!\"",
                "fails": "f() { echo x >&2; return 3; }; f",
            }
            for _ in range(2):
                outcomes = await tick({**COMMANDS, **mixed, "hangs": "sleep 325"}, timeout=3.0)
                for n in range(20):
                    assert result(outcomes[str(n)]).stdout == b"%d" % n
                assert result(outcomes["quotes"]).stdout == b"a  b!"
                assert result(outcomes["fails"]).status == 3
                assert result(outcomes["fails"]).stderr.endswith(b"x\n")
                assert failure(outcomes["hangs"]).kind is FailureKind.TIMED_OUT
            await eventually(lambda: "sleep 325" not in commands_run(user), "nothing is left")
            if shell in ("tcsh", "fish"):
                reaction = "if true; then v=1; echo done$v; fi"
                urgent = Priority.REACTION
                ran = result(await connection.run(reaction, timeout=20, priority=urgent))
                assert ran.stdout.endswith(b"done1\n")


async def test_a_login_shell_that_is_restricted_gets_execs(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("rbash")
    for path in (folder, *list(folder.parents)[:2]):
        path.chmod(0o755)
    (folder / "rbash").symlink_to(program("bash"))
    key = generate_key(Path(folder) / "key")
    login = str(folder / "rbash")
    with running_user(key, suffix="rbash", shell=login) as user, running_sshd() as server:
        async with connected(client_with(key), server.endpoint, user.name) as connection:
            outcomes = await Tick(connection)({"a": "echo 1", "b": "cd /; echo 2"})
            assert result(outcomes["a"]).stdout == b"1\n"
            assert b"restricted" in result(outcomes["b"]).stderr
            await asyncio.sleep(0)
