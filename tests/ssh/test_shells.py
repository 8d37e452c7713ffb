"""Long-lived shells on real sshd's: what travels together, what disturbs, what it costs."""

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from outkept.model.command import CommandOutcome, CommandResult, FailureKind
from outkept.ssh.channels import Job, Priority
from outkept.ssh.connection import Connection
from outkept.ssh.manners import FIRST_TERM
from tests.servers import Server, User, program, running_sshd, until
from tests.ssh.helpers import client_with, connected, eventually, failure, result

SHELLS = ("dash", "bash", "ksh", "zsh", "busybox")


class Tick:
    """Submits commands that fall due together, and waits for all answers."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.outcomes: dict[str, CommandOutcome] = {}
        self.order: list[str] = []

    def submit(self, commands: Mapping[str, str], *, timeout: float = 20.0) -> None:
        now = asyncio.get_running_loop().time()
        self.order, self.outcomes = [], {}
        for key, command in commands.items():
            routine = Priority.ROUTINE
            job = Job(key, command, timeout, routine, now, 60.0, self._done, in_shell=True)
            assert self.connection.pool.submit(job), key

    async def __call__(
        self, commands: Mapping[str, str], *, timeout: float = 20.0
    ) -> dict[str, CommandOutcome]:
        self.submit(commands, timeout=timeout)
        await eventually(lambda: len(self.outcomes) == len(commands), "all are answered", 60)
        return self.outcomes

    def _done(self, job: Job, outcome: CommandOutcome) -> None:
        self.order.append(job.key)
        self.outcomes[job.key] = outcome


@pytest.fixture(scope="module", params=SHELLS)
def sshd_of(request: pytest.FixtureRequest, ssh_user: User) -> Iterator[Server]:
    """An sshd whose users find this shell as `sh`."""
    with running_sshd(options=[f"SetEnv PATH={path_with(request.param, ssh_user)}"]) as server:
        yield server


@pytest.fixture(autouse=True)
def nothing_of_others(ssh_user: User) -> None:
    """What other tests left running in the background is ended first."""
    until(lambda: not ssh_user.end_processes(), "the user's processes end")


def path_with(shell: str, user: User) -> str:
    """A PATH on which `sh` is this shell."""
    folder = user.home / shell
    folder.mkdir(exist_ok=True)
    if not (folder / "sh").is_symlink():
        (folder / "sh").symlink_to(program(shell))
    return f"{folder}:/usr/local/bin:/usr/bin:/bin"


def commands_run(user: User) -> list[str]:
    """The command lines of the user's processes, but for sshd's."""
    found = []
    for pid in user.processes():
        try:
            text = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if text and not text.startswith("sshd"):
            found.append(text.strip())
    return found


DISTURBANCES = {
    "variables": "v=stray; PATH=/nowhere; IFS=x; LC_ALL=xx; echo ok",
    "internals": "_oo=x _or=y _on=z _oc1=w _oi=exit; unset _ol; echo ok",
    "functions": "_o() { exit 9; }; _of() { exit 9; }; printf() { exit 9; }; echo ok",
    "cd": "cd /; umask 0; echo ok",
    "exit": "echo ok; exit 0",
    "exec": "exec echo ok",
    "set -e": "set -efu; echo ok",
    "trap": "trap 'echo ok' EXIT; trap '' TERM INT HUP",
    "positional": 'set -- a b; shift; echo "ok$#"',
    "stdin": "cat; read x; echo ok",
    "closed": "echo ok; exec 0<&- 1>&- 2>&-",
    "more descriptors": "exec 3>&1 4</dev/null; echo ok >&3",
    "markers": 'printf \'%s 1 0 3:bad;\' "${_on:-0}"; echo "$_on 2 0 0:;" | wc -l',
    "nuls": r"printf 'o\000k\000'",
    "not utf-8": r"printf '\377\303ok\200'",
    "no newline": "printf ok",
    "newlines": r"printf '\n\nok\n\n\n'",
    "many lines": "seq 1 500",
    "large": "seq 1 30000",
    "quotes": "echo \"it's\" '\"' `echo ok` $(echo \\$)",
    "words": 'x="a  b   c"; echo $x; set -- $x; echo $#',
    "glob": "cd /proc/self; echo stat*; echo /no*such*file",
    "here": "cat <<E\nok $((1 + 2))\nE",
    "comment": "echo ok # '",
    "return in function": "f() { return 3; }; f; echo $?",
    "subshells": "(exit 4); echo $?; (cd /; echo ok) | cat",
    "wait": "true & wait $!; echo $?",
    "short background": "(sleep 0.1; true) & echo ok",
    "detached": "sleep 311 >/dev/null 2>&1 & echo ok",
    "dollar zero": 'echo "${0##*/}"',
    "environment": "env | grep -c '^_o' ; env | grep ^LC_ALL; echo ok",
    "unicode": "x=héé; echo ${x#h}",
}
FAILURES = {
    "status": "echo half; exit 3",
    "complaint": "echo why >&2; false",
    "silence": "true",
    "syntax": "if then",
    "quote": "echo 'open",
    "parenthesis": "echo ) ; (",
    "missing": "no-such-program-here",
    "suicide": "echo ok; kill -KILL $$",
    "parricide": "kill -TERM $$; echo ok; sleep 0.2",
}


async def test_nothing_a_command_does_disturbs_its_neighbours(
    sshd_of: Server, ssh_user: User
) -> None:
    neighbours = {f"neighbour {n}": f"echo {n}; :" for n in range(len(DISTURBANCES) + 1)}
    mixed = {"neighbour 0": neighbours["neighbour 0"]}
    for n, (key, command) in enumerate(DISTURBANCES.items(), 1):
        mixed |= {key: command, f"neighbour {n}": neighbours[f"neighbour {n}"]}
    async with connected(client_with(ssh_user.key), sshd_of.endpoint, ssh_user.name) as connection:
        tick = Tick(connection)
        outcomes: dict[str, CommandOutcome] = {}
        for _ in range(5):
            outcomes = await tick(mixed)
            for n in range(len(DISTURBANCES) + 1):
                assert result(outcomes[f"neighbour {n}"]).stdout == b"%d" % n
        assert connection.pool.stats().alone == ()
        for key, command in DISTURBANCES.items():
            expected = await connection.run(f"exec sh -c {quoted(command)}", timeout=20)
            assert parsed(outcomes[key]) == parsed(expected), key
    # Where sleep is built in, the process is still called what the shell was.
    end_all(ssh_user, "sleep 311", f"sh -c {DISTURBANCES['detached']}")


async def test_whatever_fails_fails_as_it_does_alone(sshd_of: Server, ssh_user: User) -> None:
    async with connected(client_with(ssh_user.key), sshd_of.endpoint, ssh_user.name) as connection:
        tick = Tick(connection)
        good = {f"good {n}": f"echo {n}; :" for n in range(9)}
        for key, command in FAILURES.items():
            alone = await connection.run(f"exec sh -c {quoted(command)}", timeout=20)
            outcomes = await tick({**good, key: command})
            assert [result(outcomes[name]).stdout for name in good] == [b"%d" % n for n in range(9)]
            assert summary(outcomes[key]) == summary(alone), key
        assert set(connection.pool.stats().alone) >= set(FAILURES) - {"silence"}
        assert not set(connection.pool.stats().alone) & set(good)


async def test_what_is_due_together_takes_one_channel_and_one_shell(
    sshd: Server, ssh_user: User
) -> None:
    async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
        tick = Tick(connection)
        parents = {str(n): "echo $PPID $$" for n in range(12)}
        seen = set()
        for _ in range(6):
            outcomes = await tick(parents)
            seen |= {result(outcome).stdout for outcome in outcomes.values()}
        assert len(seen) == 1
        assert connection.pool.stats().busy == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("sleep 313", FailureKind.TIMED_OUT),
        ("trap '' TERM HUP; sleep 313; sleep 313", FailureKind.TIMED_OUT),
        ("while :; do :; done", FailureKind.TIMED_OUT),
        ("yes", FailureKind.TOO_LONG),
        ("cat /dev/zero | tr '\\0' x", FailureKind.TOO_LONG),
    ],
)
async def test_who_hangs_or_floods_costs_one_shell_and_leaves_nothing_behind(
    sshd: Server, ssh_user: User, fault: str, kind: FailureKind
) -> None:
    async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
        tick = Tick(connection)
        commands = {f"good {n}": f"echo {n}; :" for n in range(10)}
        for _ in range(5):
            await tick(commands)
        for trusted in (False, True):
            if trusted:  # a fault that comes only after the sensor had earned its place
                flag = ssh_user.home / "flag"
                fault = f"if [ -e {flag} ]; then {fault}; fi; echo fine"
                for _ in range(5):
                    await tick({**commands, "late": fault})
                flag.touch()
            key = "late" if trusted else "bad"
            outcomes = await tick({"good 0": "echo 0; :", key: fault, **commands}, timeout=4.0)
            for n in range(10):
                assert result(outcomes[f"good {n}"]).stdout == b"%d" % n
            assert failure(outcomes[key]).kind is kind
            assert key in connection.pool.stats().alone
        (ssh_user.home / "flag").unlink()
        await eventually(lambda: set(commands_run(ssh_user)) <= {"sh"}, "nothing is left")
        for _ in range(FIRST_TERM + 1):
            await tick({**commands, "late": fault})
        assert connection.pool.stats().alone == ("bad",)


async def test_a_background_job_that_holds_the_output_costs_a_bounded_wait(
    sshd: Server, ssh_user: User
) -> None:
    async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
        tick = Tick(connection)
        outcomes = await tick({"good": "echo 1", "holder": "sleep 317 & echo 2", "next": "echo 3"})
        assert [result(outcomes[k]).stdout.strip() for k in outcomes] == [
            outcomes[k].stdout.strip() for k in outcomes
        ]
        assert {k: result(o).stdout.strip() for k, o in outcomes.items()} == {
            "good": b"1",
            "holder": b"2",
            "next": b"3",
        }
        assert connection.pool.stats().alone == ("holder",)
        ((_, why),) = connection.pool.report().why_alone
        assert why == "cost a shell: no answer within 2 s"
    end_all(ssh_user, "sleep 317")


async def test_who_writes_into_the_frames_breaks_them_for_nobody_else(
    sshd: Server, ssh_user: User
) -> None:
    async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
        tick = Tick(connection)
        write = 'exec 9>"/proc/$$/fd/1" || exit 7; printf "%s 1 0 6:forged;" "$_on" >&9; echo real'
        for _ in range(3):
            outcomes = await tick({"a": "echo 1", "writer": write, "b": "echo 2"})
            assert [result(outcomes[key]).stdout.strip() for key in "ab"] == [b"1", b"2"]
            assert b"forged" not in outcomes["writer"].stdout.replace(b"6:forged;real", b"")


async def test_a_shell_killed_from_outside_mid_batch_costs_no_reading(
    sshd: Server, ssh_user: User
) -> None:
    async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
        tick = Tick(connection)
        commands = {str(n): f"echo {n}; :" for n in range(10)}
        commands["slow"] = "sleep 0.4; echo slow"
        await tick(commands)
        tick.submit(commands)
        await eventually(lambda: "sleep 0.4" in commands_run(ssh_user), "the slow one runs")
        end_all(ssh_user, "sh")
        await eventually(lambda: len(tick.outcomes) == len(commands), "all are answered")
        for n in range(10):
            assert result(tick.outcomes[str(n)]).stdout.strip() == b"%d" % n
        assert result(tick.outcomes["slow"]).stdout.strip() == b"slow"


async def test_an_idle_shell_that_was_killed_is_replaced(sshd: Server, ssh_user: User) -> None:
    async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
        tick = Tick(connection)
        await tick({"a": "echo 1"})
        end_all(ssh_user, "sh")
        await eventually(lambda: connection.pool.stats().busy == 0, "its slot is free")
        assert result((await tick({"a": "echo 1"}))["a"]).stdout == b"1"
        assert connection.pool.stats().alone == ()


async def test_a_lost_connection_answers_what_runs_in_a_shell(sshd: Server, ssh_user: User) -> None:
    async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
        tick = Tick(connection)
        tick.submit({"a": "echo 1", "slow": "sleep 1.7; echo 2", "c": "echo 3"})
        await eventually(lambda: "sleep 1.7" in commands_run(ssh_user), "the slow one runs")
        sshd.kill_sessions()
        await eventually(lambda: len(tick.outcomes) == 3, "all are answered")
        assert failure(tick.outcomes["slow"]).kind is FailureKind.LOST


async def test_closing_ends_the_shells_and_what_runs_in_them(sshd: Server, ssh_user: User) -> None:
    async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
        tick = Tick(connection)
        tick.submit({"slow": "sleep 319; echo 2"})
        await eventually(lambda: "sleep 319" in commands_run(ssh_user), "it runs")
        await connection.close()
        assert failure(tick.outcomes["slow"]).reason == "closed"
        await eventually(lambda: commands_run(ssh_user) == [], "nothing is left")


async def test_roots_hung_commands_are_ended_though_sshd_refuses_signals_for_them(
    client_key: Path,
) -> None:
    with running_sshd(authorized_keys=[client_key]) as server:
        async with connected(client_with(client_key), server.endpoint, "root") as connection:
            tick = Tick(connection)
            outcomes = await tick({"bad": "sleep 331.7", "good": "echo 1"}, timeout=3.0)
            assert failure(outcomes["bad"]).kind is FailureKind.TIMED_OUT
            assert result(outcomes["good"]).stdout == b"1"
            await eventually(lambda: not _runs("sleep\0331.7"), "nothing is left")
            await eventually(lambda: connection.pool.stats().busy <= 1, "no slot is held")


@pytest.mark.parametrize("sessions", [1, 2, 10])
async def test_shells_and_execs_share_what_the_server_gives(ssh_user: User, sessions: int) -> None:
    with running_sshd(max_sessions=sessions) as server:
        async with connected(
            client_with(ssh_user.key), server.endpoint, ssh_user.name
        ) as connection:
            tick = Tick(connection)
            for _ in range(6):
                commands = {str(n): f"echo {n}; :" for n in range(60)} | {
                    "bad": "echo x >&2; false"
                }
                tick.submit(commands)
                run = connection.run
                execs = await asyncio.gather(*(run(f"echo {n}", timeout=30) for n in range(10)))
                await eventually(lambda: len(tick.outcomes) == 61, "all are answered", 60)
                assert [result(out).stdout for out in execs] == [b"%d\n" % n for n in range(10)]
                good = [result(tick.outcomes[str(n)]).stdout for n in range(60)]
                assert good == [b"%d" % n for n in range(60)]
                assert result(tick.outcomes["bad"]).stderr == b"x\n"
            assert connection.pool.limit <= sessions
            assert connection.lost is None


async def test_a_reaction_waits_for_one_command_of_a_running_batch_at_most(
    ssh_user: User,
) -> None:
    with running_sshd(max_sessions=1) as server:
        async with connected(
            client_with(ssh_user.key), server.endpoint, ssh_user.name, channel_limit=1
        ) as connection:
            tick = Tick(connection)
            commands = {str(n): f"sleep 0.2; echo {n}" for n in range(20)}
            tick.submit(commands)
            await eventually(lambda: len(tick.outcomes) >= 2, "the batch is under way")
            reaction = await connection.run("echo done", timeout=20, priority=Priority.REACTION)
            assert result(reaction).stdout == b"done\n"
            assert len(tick.outcomes) <= 6
            await eventually(lambda: len(tick.outcomes) == 20, "the rest is answered", 30)
            assert {result(out).stdout for out in tick.outcomes.values()} == {
                b"%d" % n for n in range(20)
            }
            assert connection.pool.stats().refused == 0


async def test_a_cancelled_command_in_a_shell_is_answered_at_once(
    sshd: Server, ssh_user: User
) -> None:
    async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
        asked = asyncio.get_running_loop().create_task(
            connection.run("sleep 0.5; echo late", timeout=20, in_shell=True)
        )
        await eventually(lambda: "sleep 0.5" in commands_run(ssh_user), "it runs")
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        again = await connection.run("echo next", timeout=20, in_shell=True)
        assert result(again).stdout == b"next"


@pytest.mark.parametrize(
    "forced", ["echo forced; exit 4", "cat", "sleep 300", "exec /usr/sbin/nologin"]
)
async def test_a_forced_command_is_no_shell_and_gets_execs(ssh_user: User, forced: str) -> None:
    with running_sshd(force_command=forced) as server:
        async with connected(
            client_with(ssh_user.key), server.endpoint, ssh_user.name
        ) as connection:
            tick = Tick(connection)
            outcomes = await tick({"a": "echo 1", "b": "echo 2"}, timeout=1.0)
            expected = await connection.run("echo 1", timeout=1.0)
            assert {summary(outcome) for outcome in outcomes.values()} == {summary(expected)}
            assert connection.pool.stats().alone == ()


def parsed(outcome: CommandOutcome) -> tuple[int, bytes]:
    """What parsing sees of it."""
    done = result(outcome)
    return done.status, done.stdout.replace(b"\0", b"").strip()


def summary(outcome: CommandOutcome) -> tuple[object, ...]:
    """What is told of it."""
    if isinstance(outcome, CommandResult):
        complaint = outcome.stderr.rpartition(b":")[2].strip()
        return (outcome.status, outcome.stdout.strip(), complaint)
    return (outcome.kind, outcome.reason)


def quoted(command: str) -> str:
    """The command as one word of a shell."""
    return "'" + command.replace("'", "'\\''") + "'"


def end_all(user: User, *commands: str) -> None:
    """Kill the user's processes of these command lines."""
    for pid in user.processes():
        try:
            text = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        except OSError:
            continue
        if text in commands:
            os.kill(pid, signal.SIGKILL)


def _runs(text: str) -> bool:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().startswith(text.encode()):
                return True
        except OSError:
            continue
    return False
