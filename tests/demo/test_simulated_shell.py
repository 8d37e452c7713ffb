"""The simulated fleet's shells answer the pool as real ones do."""

import asyncssh
import pytest

from outkept.demo.characters import Character
from outkept.model.sensor import Sensor
from outkept.ssh.frames import Door, Frame, Frames
from outkept.ssh.script import COMMAND, LONGEST, PROLOGUE, ask, hello, register
from tests.demo.conftest import Town

NONCE = "0a1b"


async def greeted(connection: asyncssh.SSHClientConnection) -> "asyncssh.SSHClientProcess[bytes]":
    shell = await connection.create_process(COMMAND, encoding=None)
    shell.stdin.write((PROLOGUE + hello(NONCE)).encode())
    door = Door(NONCE)
    while (greeting := door.feed(await shell.stdout.read(1))) is None:
        pass
    assert greeting.login_shell in ("sh", "ash", "bash")
    return shell


async def test_a_batch_is_answered_in_one_frame_each(
    town: Town, library: dict[str, Sensor]
) -> None:
    async with town.login(Character.HEALTHY) as connection:
        shell = await greeted(connection)
        commands = [library["load"].cmd, "no-such-thing", library["load"].cmd]
        script = "".join(register(n, text) for n, text in enumerate(commands, 1))
        shell.stdin.write((script + ask("77", [[1, 2], [3]])).encode())
        frames, found = Frames("77", 3), list[Frame]()
        while len(found) < 3:
            found += frames.feed(await shell.stdout.read(1000))
        assert [frame.status for frame in found] == [0, 127, 0]
        assert float(found[0].stdout or b"") >= 0
        shell.stdin.write_eof()
        assert (await shell.wait()).exit_status == 0


async def test_a_flood_is_told_by_its_length(town: Town, library: dict[str, Sensor]) -> None:
    async with town.login(Character.HUGE_OUTPUT) as connection:
        shell = await greeted(connection)
        shell.stdin.write((register(1, library["users"].cmd) + ask("77", [[1]])).encode())
        text = await shell.stdout.readuntil(b";")
        assert text == b"77 1 0 %d:;" % (LONGEST + 1)
        assert Frames("77", 1).feed(text)[0].stdout is None


async def test_what_is_no_script_ends_the_shell(town: Town) -> None:
    async with town.login(Character.HEALTHY) as connection:
        shell = await connection.create_process(COMMAND, encoding=None)
        shell.stdin.write(b"rm -rf /\n")
        assert (await shell.wait()).exit_status == 2


@pytest.mark.parametrize("character", [Character.SLOW])
async def test_a_slow_machine_takes_its_time_for_each_command(
    town: Town, library: dict[str, Sensor], character: Character
) -> None:
    async with town.login(character) as connection:
        shell = await greeted(connection)
        shell.stdin.write((register(1, library["load"].cmd) + ask("77", [[1], [1]])).encode())
        frames, found = Frames("77", 2), list[Frame]()
        while len(found) < 2:
            arrived = frames.feed(await shell.stdout.read(1000))
            assert len(arrived) <= 1
            found += arrived
