"""The simulated servers, met over SSH."""

import asyncio

import asyncssh
import pytest

from outkept.demo.characters import Character
from outkept.demo.machines import PRINTER
from outkept.discover.identity import parse_identity
from outkept.discover.identity_script import IDENTIFY_SCRIPT
from outkept.model.sensor import Sensor
from outkept.model.server import Facts, Identity
from tests.demo.conftest import Town

DEADLINE = 20


async def identify(connection: asyncssh.SSHClientConnection) -> tuple[Identity, Facts]:
    answer = await connection.run(IDENTIFY_SCRIPT, encoding=None, timeout=DEADLINE)
    key = connection.get_server_host_key()
    assert key is not None
    assert isinstance(answer.stdout, bytes)
    version = connection.get_extra_info("server_version").removeprefix("SSH-2.0-")
    identity = parse_identity(answer.stdout, key.get_fingerprint(), version)
    assert not isinstance(identity, str), identity
    return identity


async def run(connection: asyncssh.SSHClientConnection, command: str) -> tuple[int | None, bytes]:
    answer = await connection.run(command, encoding=None, timeout=DEADLINE)
    assert isinstance(answer.stdout, bytes)
    return answer.exit_status, answer.stdout


async def test_every_machine_says_who_it_is(town: Town) -> None:
    for household in town.fleet.households:
        machine = household.machine
        if machine.character is Character.REFUSING_KEY:
            continue
        async with town.login(machine.addresses[0]) as connection:
            identity, facts = await identify(connection)
        assert identity.hostname == machine.hostname
        assert identity.machine_id == machine.machine_id
        assert identity.boot_id == machine.boot_id.replace("-", "")
        assert identity.macs == (machine.mac,)
        assert facts.os == machine.system.name
        assert facts.cpus == machine.cpus
        assert facts.memory_bytes == machine.memory
        assert facts.ssh_version == machine.system.banner
        assert len(facts.addresses) == len(machine.addresses)


async def test_two_addresses_are_one_machine(town: Town) -> None:
    (machine,) = town.machines(Character.TWO_ADDRESSES)
    said = []
    for address in machine.addresses:
        async with town.login(address) as connection:
            said.append(await identify(connection))
    assert said[0] == said[1]


async def test_clones_share_their_host_key_but_not_their_boot(town: Town) -> None:
    said = []
    for machine in town.machines(Character.CLONE):
        async with town.login(machine.addresses[0]) as connection:
            said.append((await identify(connection))[0])
    one, other = said
    assert (one.host_key, one.machine_id) == (other.host_key, other.machine_id)
    assert one.boot_id != other.boot_id


async def test_a_server_refuses_every_key_we_have(town: Town) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        async with town.login(Character.REFUSING_KEY):
            pass


async def test_a_third_channel_is_refused_and_a_freed_one_given_again(town: Town) -> None:
    async with town.login(Character.FEW_CHANNELS) as connection:
        town.watch.seconds += 30  # it struggles: commands take more than a second
        slow = [await connection.create_process("uname -r") for _ in range(2)]
        with pytest.raises(asyncssh.ChannelOpenError) as refusal:
            await connection.create_process("uname -r")
        assert refusal.value.code == asyncssh.OPEN_CONNECT_FAILED
        for process in slow:
            await asyncio.wait_for(process.wait_closed(), DEADLINE)
        assert (await run(connection, "uname -r"))[0] == 0


async def test_a_healthy_server_gives_ten_channels(town: Town) -> None:
    async with town.login(Character.HANGING_VERIFIER) as connection:
        processes = [await connection.create_process("nothing") for _ in range(10)]
        for process in processes:
            await asyncio.wait_for(process.wait_closed(), DEADLINE)


async def test_a_host_key_changes_and_stays_changed(town: Town) -> None:
    keys = []
    for seconds in (0, 95, 600):
        await town.settle(seconds)
        async with town.login(Character.CHANGING_KEY) as connection:
            key = connection.get_server_host_key()
            assert key is not None
            keys.append(key.get_fingerprint())
    assert keys[0] != keys[1] == keys[2]


async def test_a_server_drops_off_with_its_connections_and_comes_back(town: Town) -> None:
    async with town.login(Character.DROPPING_OFF) as connection:
        await town.settle(30)
        await asyncio.wait_for(connection.wait_closed(), DEADLINE)
    with pytest.raises(ConnectionRefusedError):
        async with town.login(Character.DROPPING_OFF):
            pass
    await town.settle(15)
    async with town.login(Character.DROPPING_OFF) as connection:
        assert (await run(connection, "uname -r"))[0] == 0


async def test_an_unknown_command_is_not_found(town: Town) -> None:
    async with town.login(Character.HEALTHY) as connection:
        answer = await connection.run("rm -rf /", timeout=DEADLINE)
    assert answer.exit_status == 127
    assert answer.stderr == "sh: rm: not found\n"


async def test_a_verifier_hangs_until_its_channel_is_closed(
    town: Town, library: dict[str, Sensor]
) -> None:
    household = next(
        house
        for house in town.fleet.households
        if house.machine.character is Character.HANGING_VERIFIER
    )
    verifiers = [s.verifier for s in library.values() if s.verifier]
    hanging = [text for text in verifiers if household.answer(text).never]
    assert 0 < len(hanging) < len(verifiers) / 2
    async with town.login(Character.HANGING_VERIFIER) as connection:
        process = await connection.create_process(hanging[0])
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(process.wait(), 0.2)
        process.close()
        await asyncio.wait_for(process.wait_closed(), DEADLINE)


async def test_a_flood_stops_when_its_reader_leaves(town: Town, library: dict[str, Sensor]) -> None:
    async with town.login(Character.HUGE_OUTPUT) as connection:
        process = await connection.create_process(library["users"].cmd, encoding=None)
        assert len(await asyncio.wait_for(process.stdout.readexactly(1 << 20), DEADLINE)) == 1 << 20
        process.close()
        await asyncio.wait_for(process.wait_closed(), DEADLINE)
        assert (await run(connection, library["kernel"].cmd))[0] == 0


async def test_the_printer_speaks_no_ssh(town: Town) -> None:
    assert town.firm.printer is not None
    reader, writer = await asyncio.open_connection(town.firm.printer, town.port)
    assert await asyncio.wait_for(reader.readline(), DEADLINE) == PRINTER.encode()
    writer.close()
    await writer.wait_closed()


async def test_a_server_whose_address_was_taken_meanwhile_comes_back_later(town: Town) -> None:
    (machine,) = town.machines(Character.DROPPING_OFF)
    await town.settle(30)
    squatter = await asyncio.start_server(lambda r, w: w.close(), machine.addresses[0], town.port)
    with pytest.raises(OSError, match="in use"):
        await town.settle(15)
    squatter.close()
    await town.settle(0)
    async with town.login(Character.DROPPING_OFF) as connection:
        assert (await run(connection, "uname -r"))[0] == 0
