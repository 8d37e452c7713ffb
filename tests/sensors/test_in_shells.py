"""The whole library, read by exec and in a long-lived shell: the same values, under each `sh`."""

import asyncio

import pytest

from outkept.model.command import CommandOutcome, CommandResult
from outkept.model.reading import Sample
from outkept.model.sensor import Sensor
from outkept.poll.parse import ParseError, parse_output
from tests.sensors.library import NAMES, SENSORS
from tests.servers import User, running_sshd
from tests.ssh.helpers import client_with, connected
from tests.ssh.test_shells import SHELLS, Tick, path_with, quoted

QUICK_S = 0.7
"""A sensor that takes longer here may well run alone: slower than 2 s is not for shells."""


@pytest.mark.parametrize("shell", SHELLS)
async def test_the_whole_library_reads_alike_in_a_shell_and_by_exec(
    shell: str, ssh_user: User
) -> None:
    path = path_with(shell, ssh_user)
    with running_sshd(options=[f"SetEnv PATH={path}"]) as server:
        async with connected(
            client_with(ssh_user.key), server.endpoint, ssh_user.name
        ) as connection:

            async def alone(name: str) -> CommandOutcome:
                return await connection.run(f"exec sh -c {quoted(SENSORS[name].cmd)}", timeout=60)

            tick = Tick(connection)
            by_exec = dict(zip(NAMES, await asyncio.gather(*map(alone, NAMES)), strict=True))
            in_shell = dict(await tick({name: SENSORS[name].cmd for name in NAMES}, timeout=60))
            quick = [name for name in NAMES if by_exec[name].took < QUICK_S]
            for _ in range(3):  # from the fourth time on they are answered together
                in_shell |= await tick({name: SENSORS[name].cmd for name in quick}, timeout=60)
            lone = set(connection.pool.stats().alone)
    answered = 0
    for name in NAMES:
        expected, got = by_exec[name], in_shell[name]
        assert isinstance(expected, CommandResult), (name, expected)
        assert isinstance(got, CommandResult), (name, got)
        assert got.status == expected.status, name
        assert alike(read(SENSORS[name], got), read(SENSORS[name], expected)), name
        good = isinstance(read(SENSORS[name], expected), tuple)
        answered += good
        assert not (good and name in quick and name in lone), f"{name} has to run alone"
    assert answered > 25


def read(sensor: Sensor, outcome: CommandResult) -> tuple[Sample, ...] | str:
    """The samples, or why there are none."""
    try:
        return parse_output(sensor, outcome)
    except ParseError as error:
        return error.reason


def alike(one: tuple[Sample, ...] | str, other: tuple[Sample, ...] | str) -> bool:
    """Whether two readings are the same, but for what time does to numbers."""
    if isinstance(one, str) or isinstance(other, str):
        return isinstance(one, str) and isinstance(other, str)
    if [sample.instance for sample in one] != [sample.instance for sample in other]:
        return False
    return all(
        isinstance(a.value, str) == isinstance(b.value, str)
        for a, b in zip(one, other, strict=True)
    )
