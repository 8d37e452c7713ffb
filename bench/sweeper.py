"""One sweep by Outkept, for `bench.sweep`: prints its seconds and how many servers it found.

`python -m bench.sweeper NETWORK PORT TIMEOUT`. At full speed: no rate limit, and as many in
flight as half of the file descriptors allow. A visit looks at the banner and goes.
"""

import socket
import sys
import time

import uvloop

from outkept.discover.sweep import Pace, Sweep
from outkept.model.address import AddressOutcome, AddressState
from outkept.model.ranges import Range, parse_span
from outkept.model.server import Endpoint
from outkept.model.sweep import SweepProgress


async def _visit(endpoint: Endpoint, sock: socket.socket | None) -> AddressState:
    if sock is not None:
        sock.close()
    return AddressState(endpoint, AddressOutcome.SERVER, "", time.time())


async def _sweep(network: str, port: int, timeout: float) -> SweepProgress:
    swept = Range(network, (parse_span(network, whole=True),), (port,))
    pace = Pace(rate=0, in_flight=65535, timeout=timeout)
    return await Sweep(swept, _visit, lambda state: None, pace=pace).run()


def main() -> None:
    """Sweep what the command line says."""
    network, port, timeout = sys.argv[1:4]
    started = time.perf_counter()
    progress = uvloop.run(_sweep(network, int(port), float(timeout)))
    print(time.perf_counter() - started, progress.found)


if __name__ == "__main__":
    main()
