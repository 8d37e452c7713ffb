"""The simulated fleet as a process: `python -m outkept.demo.fleet --help`.

Prints `ready PORT` once every server listens, or `error: …`, and runs until it is told to
stop (SIGINT, SIGTERM) or, with `--with-parent`, until its standard input ends.
"""

import argparse
import asyncio
import logging
import random
import resource
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path

import asyncssh
import uvloop

from outkept.config.library import load_library
from outkept.config.resources import data_dir
from outkept.demo.answers import Clock, Commands, Household
from outkept.demo.characters import RESTLESS
from outkept.demo.machines import PRINTER, Company, company
from outkept.demo.sshd import SimulatedServer, authorized_for, authorized_keys
from outkept.model.sensor import Sensor

TICK = 0.25
"""Seconds between two looks at the servers that drop off or change their key."""
_PORTS = range(20000, 30000)
"""Below the kernel's range for outgoing connections, so that none of those is in the way."""
_PORT_TRIES = 20


class FleetError(Exception):
    """The fleet can't start; the message says in one line why, and what to do."""


class Fleet:
    """All servers of a company, and its printer.

    `pace` makes the characters' time run faster than the clock.
    """

    def __init__(
        self,
        firm: Company,
        sensors: Mapping[str, Sensor],
        client_key: asyncssh.SSHKey,
        *,
        pace: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        started = clock()
        ours, commands = authorized_keys(client_key), Commands.of(sensors)
        self._clock = Clock(lambda: (clock() - started) * pace, time.time)
        self._tick = TICK / pace
        self._printer = firm.printer
        self._printing: asyncio.Server | None = None
        self.households = [Household(machine, commands, self._clock) for machine in firm.machines]
        self.servers = [
            SimulatedServer(
                household.machine,
                authorized_for(household.machine.character, ours),
                household.answer,
                self._clock.age,
            )
            for household in self.households
        ]

    async def open(self, port: int) -> None:
        """Listen on `port` of every address; on none when one of them is taken.

        Raises OSError. Cancelled, it leaves listeners that `close` closes.
        """
        try:
            for server in self.servers:
                await server.settle(port)
            self._printing = await asyncio.start_server(_print, self._printer, port)
        except OSError:
            await self.close()
            raise

    async def live(self, port: int) -> None:
        """Let the restless come and go until cancelled."""
        restless = [s for s in self.servers if s.machine.character in RESTLESS]
        barred: set[SimulatedServer] = set()
        while True:
            await asyncio.sleep(self._tick)
            for server in restless:
                try:
                    await server.settle(port)
                except OSError as error:  # somebody took the port while it was away
                    if server not in barred:
                        logging.warning("%s stays away: %s", server.machine.hostname, error)
                    barred.add(server)
                else:
                    barred.discard(server)

    async def close(self) -> None:
        """Close every listener and drop every connection."""
        if self._printing is not None:
            self._printing.close()
        for server in self.servers:
            await server.close()


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
        firm = company(options.servers, network, options.seed)
    except ValueError as error:
        raise FleetError(str(error)) from None
    try:
        key = asyncssh.read_public_key(options.key)
    except (OSError, asyncssh.KeyImportError) as error:
        raise FleetError(f"{options.key} is no public key: {error}") from None
    sensors, problems = load_library([data_dir("sensors")])
    if problems:
        raise FleetError(f"the sensor library can't be read: {problems[0]}")
    _more_files(len(list(firm.addresses())))
    return Fleet(firm, sensors, key, pace=options.pace)


def _more_files(addresses: int) -> None:
    """Room for a listener and a connection for each address."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = addresses * 3 + 100
    if soft != resource.RLIM_INFINITY and soft < wanted:
        top = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, top), hard))


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
