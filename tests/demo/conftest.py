"""A fleet in this process, and a client that sees it as the daemon would."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network

import asyncssh
import pytest

from outkept.config.library import load_library
from outkept.config.resources import data_dir
from outkept.demo.characters import Character
from outkept.demo.fleet import Fleet, open_somewhere
from outkept.demo.machines import Company, Machine, company
from outkept.demo.weather import CALM, Weather
from outkept.model.sensor import Sensor

NETWORK = "127.78.0.0/24"


class Watch:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Town:
    """A running fleet, its clock, and a key that opens it."""

    def __init__(self, firm: Company, library: dict[str, Sensor], weather: Weather = CALM) -> None:
        self.firm, self.port = firm, 0
        self.key, self.watch = asyncssh.generate_private_key("ssh-ed25519"), Watch()
        self.fleet = Fleet(firm, library, self.key, weather=weather, clock=self.watch)

    def machines(self, character: Character) -> list[Machine]:
        """Who is of this character."""
        every = (household.machine for household in self.fleet.households)
        return [machine for machine in every if machine.character is character]

    @asynccontextmanager
    async def login(self, where: Character | str) -> AsyncIterator[asyncssh.SSHClientConnection]:
        """A connection to an address, or to the first machine of a character."""
        address = (
            where if where.startswith("127.") else self.machines(Character(where))[0].addresses[0]
        )
        async with asyncssh.connect(
            address,
            self.port,
            username="outkept",
            client_keys=[self.key],
            known_hosts=None,
            config=None,
            agent_path=None,
            login_timeout=10,
        ) as connection:
            yield connection

    async def settle(self, seconds: float) -> None:
        """Let `seconds` pass and every server notice it."""
        self.watch.seconds += seconds
        for server in self.fleet.servers:
            await server.settle(self.port)


@pytest.fixture(scope="session")
def library() -> dict[str, Sensor]:
    """The built-in sensors."""
    sensors, problems = load_library([data_dir("sensors")])
    assert not problems
    return sensors


@pytest.fixture
async def town(library: dict[str, Sensor]) -> AsyncIterator[Town]:
    """The usual 36 servers, in this process, at a time the test decides."""
    town = Town(company(36, ip_network(NETWORK), 1), library)
    town.port = await open_somewhere(town.fleet, 0)
    try:
        yield town
    finally:
        await town.fleet.close()
