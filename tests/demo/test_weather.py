"""Weather: what it decides, and what a client notices of it.

Times are asserted from below alone: a busy machine only adds to them.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from itertools import islice, pairwise
from pathlib import Path

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outkept.demo import DemoError, Weather, simulated_fleet
from outkept.demo.fleet import open_somewhere
from outkept.demo.machines import company
from outkept.demo.weather import CALM, Refusal
from outkept.model.sensor import Sensor
from outkept.ssh.frames import Frame, Frames
from outkept.ssh.script import ask, register
from tests.demo.conftest import Town
from tests.demo.test_simulated_shell import greeted

NETWORK = "127.76.0.0/24"
DEADLINE = 30
seeds = st.integers(0, 1 << 48)


@asynccontextmanager
async def plain_town(library: dict[str, Sensor], weather: Weather) -> AsyncIterator[Town]:
    town = Town(company(3, ip_network(NETWORK), 1, plain=True), library, weather)
    town.port = await open_somewhere(town.fleet, 0)
    try:
        yield town
    finally:
        await town.fleet.close()


def address(town: Town, number: int = 0) -> str:
    return town.firm.machines[number].addresses[0]


@given(seed=seeds, t=st.floats(0, 1e6))
def test_nothing_is_wrong_unless_it_is_set(seed: int, t: float) -> None:
    assert CALM.distance(seed) == 0
    assert CALM.refuses(seed, t) is None
    assert CALM.delay(seed, "uptime", t) == 0
    assert list(CALM.losses(seed)) == []


@given(seed=seeds)
def test_everything_repeats_and_keeps_its_measure(seed: int) -> None:
    weather = Weather(latency=0.1, drops=0.5, refusals=0.2, slow=0.1)
    assert 0.05 <= weather.distance(seed) <= 0.15
    times = list(islice(weather.losses(seed), 400))
    assert times == list(islice(weather.losses(seed), 400))
    assert all(earlier <= later for earlier, later in pairwise(times))
    assert 0.5 < len(times) / (times[-1] / 60 * weather.drops) < 2
    refused = [weather.refuses(seed, 20.0 * n) for n in range(1000)]
    assert {Refusal.CONNECTIONS, Refusal.CHANNELS} <= set(refused)
    assert 0.1 < sum(one is not None for one in refused) / len(refused) < 0.3
    delays = [weather.delay(seed, "uptime", 5.0 * n) for n in range(1000)]
    assert 0.05 < sum(delay > 0 for delay in delays) / len(delays) < 0.17
    assert all(delay == 0 or 0.5 <= delay <= 5 for delay in delays)


@pytest.mark.parametrize(
    ("measures", "said"),
    [
        ({"latency": -1.0}, "a latency of -1 s: it is 0 to 10 s"),
        ({"drops": 1.5}, "drops of 150 %: they are 0 to 100 %"),
        ({"refusals": float("nan")}, "refusals of nan %"),
    ],
)
def test_a_weather_that_cannot_be_is_refused(measures: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Weather(**measures)


async def test_a_distant_server_answers_a_round_trip_later(library: dict[str, Sensor]) -> None:
    weather = Weather(latency=0.08)
    async with plain_town(library, weather) as town:
        distance = weather.distance(town.firm.machines[0].seed)
        began = time.monotonic()
        async with town.login(address(town)) as connection:
            # Its version, the key exchange, and the login are at least four round trips.
            assert time.monotonic() - began >= 4 * distance
            began = time.monotonic()
            answer = await connection.run("uname -r", timeout=DEADLINE)
            assert time.monotonic() - began >= 1.9 * distance
        assert answer.exit_status == 0


async def test_a_distant_server_takes_much_at_once_and_hears_the_end(
    library: dict[str, Sensor],
) -> None:
    async with plain_town(library, Weather(latency=0.02)) as town:
        async with town.login(address(town)) as connection:
            process = await connection.create_process("exec sh", encoding=None)
            process.stdin.write(b"#" * 2_000_000)
            assert (await asyncio.wait_for(process.wait(), DEADLINE)).exit_status == 2
        await asyncio.wait_for(connection.wait_closed(), DEADLINE)


async def test_connections_are_lost_and_made_again(library: dict[str, Sensor]) -> None:
    weather = Weather(drops=0.5)
    async with plain_town(library, weather) as town:
        first, second = islice(weather.losses(town.firm.machines[0].seed), 2)
        for lost in (first, second):
            async with town.login(address(town)) as connection:
                town.watch.seconds = 1000 + lost - 0.001
                town.fleet.cut()
                assert (await connection.run("uname -r", timeout=DEADLINE)).exit_status == 0
                town.watch.seconds = 1000 + lost + 0.001
                town.fleet.cut()
                await asyncio.wait_for(connection.wait_closed(), DEADLINE)


async def test_connections_and_channels_are_refused_for_a_while(
    library: dict[str, Sensor],
) -> None:
    weather = Weather(refusals=0.5)
    async with plain_town(library, weather) as town:
        seed = town.firm.machines[0].seed
        when = {weather.refuses(seed, float(t)): 1000.0 + t for t in range(0, 2000, 20)}
        town.watch.seconds = when[None]
        async with town.login(address(town)) as connection:
            town.watch.seconds = when[Refusal.CHANNELS]
            with pytest.raises(asyncssh.ChannelOpenError) as refusal:
                await connection.create_process("uname -r")
            assert refusal.value.code == asyncssh.OPEN_CONNECT_FAILED
            town.watch.seconds = when[Refusal.CONNECTIONS]
            reader, writer = await asyncio.open_connection(address(town), town.port)
            assert await reader.read() == b"Exceeded MaxStartups\r\n"
            writer.close()
            assert (await connection.run("uname -r", timeout=DEADLINE)).exit_status == 0


async def test_slow_commands_take_their_time_in_a_shell_as_alone(
    library: dict[str, Sensor],
) -> None:
    async with (
        plain_town(library, Weather(slow=1.0)) as town,
        town.login(address(town)) as connection,
    ):
        began = time.monotonic()
        assert (await connection.run("uname -r", timeout=DEADLINE)).exit_status == 0
        assert time.monotonic() - began >= 0.5
        shell = await greeted(connection)
        began = time.monotonic()
        shell.stdin.write((register(1, library["load"].cmd) + ask("77", [[1, 1]])).encode())
        frames, found = Frames("77", 2), list[Frame]()
        while len(found) < 2:
            found += frames.feed(await asyncio.wait_for(shell.stdout.read(1000), DEADLINE))
        assert time.monotonic() - began >= 1.0


async def test_a_process_is_given_its_weather(tmp_path: Path) -> None:
    weather = Weather(refusals=1.0)
    async with simulated_fleet(tmp_path, 2, network=NETWORK, weather=weather) as fleet:
        (machine, _) = company(2, ip_network(NETWORK), 1).machines
        kind = weather.refuses(machine.seed, 0.0)
        reader, writer = await asyncio.open_connection(machine.addresses[0], fleet.port)
        said = await asyncio.wait_for(reader.readline(), DEADLINE)
        assert said.startswith(b"Exceeded" if kind is Refusal.CONNECTIONS else b"SSH-2.0-")
        writer.close()


async def test_too_many_servers_for_the_open_files_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match=r"need \d+ open files, and this process may have \d+"):
        async with simulated_fleet(tmp_path, 2_000_000_000, network=NETWORK, plain=True):
            pass
