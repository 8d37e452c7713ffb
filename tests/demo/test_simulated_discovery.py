"""The daemon's own client among the simulated servers."""

import asyncio

import pytest

from outkept.demo.characters import Character
from outkept.demo.machines import Machine
from outkept.demo.support import supports
from outkept.discover.identify import identify
from outkept.discover.verify import Verification, verify
from outkept.model.sensor import Sensor
from outkept.model.server import Endpoint
from outkept.ssh.client import Client
from outkept.ssh.errors import Denied
from outkept.ssh.hostkeys import HostKeys
from outkept.ssh.keys import Credentials
from tests.demo.conftest import Town

HINDERED = {Character.REFUSING_KEY, Character.HANGING_VERIFIER, Character.SLOW}


async def test_everybody_is_identified_and_verified(town: Town, library: dict[str, Sensor]) -> None:
    client = Client(
        Credentials(keys=(town.key,), agent_path=None),
        HostKeys(None, strict=False),
        connect_timeout=10,
    )

    async def meet(machine: Machine) -> None:
        endpoint = Endpoint(machine.addresses[0], town.port)
        connection = await client.connect(endpoint, "outkept")
        try:
            answer = await identify(connection)
            assert not isinstance(answer, str), answer
            assert answer[0].hostname == machine.hostname
            found = await verify(connection, list(library.values()), timeout=20)
        finally:
            await connection.close()
        assert isinstance(found, Verification)
        expected = {name for name, sensor in library.items() if supports(machine, sensor)}
        alike = {s.verifier for name, s in library.items() if name in expected}
        assert expected <= set(found.supported)
        assert {library[name].verifier for name in found.supported} <= alike

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for machine in town.firm.machines:
            if machine.character not in HINDERED:
                group.create_task(meet(machine))


async def test_a_refused_key_is_told_as_denied(town: Town) -> None:
    client = Client(
        Credentials(keys=(town.key,), agent_path=None),
        HostKeys(None, strict=False),
        connect_timeout=10,
    )
    (machine,) = town.machines(Character.REFUSING_KEY)
    with pytest.raises(Denied, match="refused"):
        await client.connect(Endpoint(machine.addresses[0], town.port), "outkept")
