"""The simulated fleet as a process: `python -m outkept.demo.fleet --help`.

Prints `ready PORT` once every server listens, or `error: …`, and runs until it is told to
stop (SIGINT, SIGTERM) or, with `--with-parent`, until its standard input ends.
"""

import argparse
import asyncio
import heapq
import logging
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path

import asyncssh
import uvloop

from outkept.config.durations import parse_duration
from outkept.config.library import load_library
from outkept.config.problems import Mistake
from outkept.config.resources import data_dir
from outkept.demo.answers import Clock, Commands, Household
from outkept.demo.characters import RESTLESS
from outkept.demo.door import listen_everywhere
from outkept.demo.files import FileLimitError, make_room
from outkept.demo.hostkeys import Locks
from outkept.demo.machines import PRINTER, Company, company
from outkept.demo.sshd import SimulatedServer
from outkept.demo.weather import CALM, Weather
from outkept.model.sensor import Sensor

TICK = 0.25
"""Seconds between two looks at the servers that drop off or change their key."""
_PORTS = range(20000, 30000)
"""Below the kernel's range for outgoing connections, so that none of those is in the way."""
_PORT_TRIES = 20


class FleetError(Exception):
    """The fleet can't start; the message says in one line why, and what to do."""


class Fleet:
    """All servers of a company, and its printer, in a given weather.

    `pace` makes the characters' time run faster than the clock.
    """

    def __init__(
        self,
        firm: Company,
        sensors: Mapping[str, Sensor],
        client_key: asyncssh.SSHKey,
        *,
        weather: Weather = CALM,
        pace: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        started = clock()
        locks, commands = Locks(client_key), Commands.of(sensors)
        self._clock = Clock(lambda: (clock() - started) * pace, time.time)
        self._tick = TICK / pace
        self._firm = firm
        self._listeners: list[asyncio.Server] = []
        self.households = [Household(machine, commands, self._clock) for machine in firm.machines]
        self.servers = [SimulatedServer(household, locks, weather) for household in self.households]
        self._losses: list[_Loss] = []
        for number, server in enumerate(self.servers):
            self._await_loss(number, server, weather.losses(server.machine.seed))

    async def open(self, port: int) -> None:
        """Listen on `port` of every address; on none when one of them is taken.

        Servers that are there all the time share one listener: ten thousand listeners would
        leave no file descriptors for connections. Others have their own, since nothing but a
        closed listener refuses a connection as an absent machine does.

        Raises OSError. Cancelled, it leaves listeners that `close` closes.
        """
        try:
            if self._firm.steady:
                known = {a: server for server in self.servers for a in server.machine.addresses}
                self._listeners.append(await listen_everywhere(known.get, port))
                return
            for server in self.servers:
                await server.settle(port)
            if self._firm.printer is not None:
                printing = await asyncio.start_server(_print, self._firm.printer, port)
                self._listeners.append(printing)
        except OSError:
            await self.close()
            raise

    async def live(self, port: int) -> None:
        """Let the restless come and go, and the weather cut connections, until cancelled."""
        restless = [s for s in self.servers if s.machine.character in RESTLESS]
        barred: set[SimulatedServer] = set()
        while True:
            await asyncio.sleep(self._tick)
            self.cut()
            for server in restless:
                try:
                    await server.settle(port)
                except OSError as error:  # somebody took the port while it was away
                    if server not in barred:
                        logging.warning("%s stays away: %s", server.machine.hostname, error)
                    barred.add(server)
                else:
                    barred.discard(server)

    def cut(self) -> None:
        """Drop the connections that the weather was to cut by now."""
        age = self._clock.age()
        while self._losses and self._losses[0][0] <= age:
            _, number, server, later = heapq.heappop(self._losses)
            server.drop()
            self._await_loss(number, server, later)

    def _await_loss(self, number: int, server: SimulatedServer, losses: Iterator[float]) -> None:
        if (at := next(losses, None)) is not None:
            heapq.heappush(self._losses, (at, number, server, losses))

    async def close(self) -> None:
        """Close every listener and drop every connection."""
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        for server in self.servers:
            await server.close()


_Loss = tuple[float, int, SimulatedServer, Iterator[float]]
"""When the weather next cuts a server's connections, the server's number, itself, and when
it does so after that."""


async def _print(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The printer says what it is, whatever it is told, and hangs up."""
    try:
        writer.write(PRINTER.encode())
        await asyncio.wait_for(writer.drain(), timeout=5)
        await asyncio.wait_for(reader.read(4096), timeout=5)
    except (OSError, TimeoutError):
        return
    finally:
        writer.close()


async def open_somewhere(fleet: Fleet, port: int) -> int:
    """Open `fleet` on `port`, or for port 0 on one that is free on all its addresses.

    Returns the port. Raises FleetError.
    """
    tries = [port] if port else random.sample(_PORTS, _PORT_TRIES)
    reason = ""
    for candidate in tries:
        try:
            await fleet.open(candidate)
        except OSError as error:
            reason = error.strerror or str(error)
        else:
            return candidate
    raise FleetError(
        f"port {port} can't be used on all addresses: {reason}; give another one, or 0"
        if port
        else f"no port is free on all addresses: {reason}; give another network"
    )


async def run(options: argparse.Namespace) -> None:
    """Run the fleet until it is told to stop. Raises FleetError."""
    fleet = _prepare(options)
    port = await open_somewhere(fleet, options.port)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if options.with_parent:
        await loop.connect_read_pipe(lambda: _UntilEnd(stop), sys.stdin)
    print(f"ready {port}", flush=True)  # noqa: T201
    async with asyncio.TaskGroup() as group:
        life = group.create_task(fleet.live(port))
        await stop.wait()
        life.cancel()
    await fleet.close()


class _UntilEnd(asyncio.Protocol):
    """Sets the event when the parent's end of the pipe closes, however the parent died."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop.set()


def _prepare(options: argparse.Namespace) -> Fleet:
    try:
        network = ip_network(options.network)
        if not network.is_loopback:
            raise FleetError(f"{network} is not on loopback; use one in 127.0.0.0/8")
        make_room(options.servers, others=1 if options.plain else options.servers)
        firm = company(options.servers, network, options.seed, plain=options.plain)
        weather = Weather(
            parse_duration(options.latency),
            options.drops / 100,
            options.refusals / 100,
            options.slow / 100,
        )
    except (ValueError, Mistake, FileLimitError) as error:
        raise FleetError(str(error)) from None
    try:
        key = asyncssh.read_public_key(options.key)
    except (OSError, asyncssh.KeyImportError) as error:
        raise FleetError(f"{options.key} is no public key: {error}") from None
    sensors, problems = load_library([data_dir("sensors")])
    if problems:
        raise FleetError(f"the sensor library can't be read: {problems[0]}")
    return Fleet(firm, sensors, key, weather=weather, pace=options.pace)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m outkept.demo.fleet",
        description="Simulated SSH servers on loopback, each with a character.",
    )
    parser.add_argument("--servers", type=int, default=36, help="how many (36)")
    parser.add_argument("--network", default="127.77.0.0/24", help="on loopback")
    parser.add_argument("--port", type=int, default=0, help="on every address; 0: a free one")
    parser.add_argument("--key", type=Path, required=True, help="public key that may log in")
    parser.add_argument("--seed", type=int, default=1, help="other values, other keys")
    parser.add_argument("--pace", type=float, default=1.0, help="characters' time runs faster")
    parser.add_argument(
        "--plain", action="store_true", help="well-behaved servers alone: up to ten thousand"
    )
    parser.add_argument("--latency", default="0", help="of a round trip, as 80ms (0)")
    parser.add_argument("--drops", type=float, default=0, help="%% of connections lost a minute")
    parser.add_argument("--refusals", type=float, default=0, help="%% of time spent refusing")
    parser.add_argument("--slow", type=float, default=0, help="%% of commands that take seconds")
    parser.add_argument("--with-parent", action="store_true", help="stop when stdin ends")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the fleet; the exit status."""
    options = _options(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    logging.getLogger("asyncssh").setLevel(logging.ERROR)
    try:
        uvloop.run(run(options))
    except FleetError as error:
        print(f"error: {error}", flush=True)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
