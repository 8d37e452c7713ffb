"""A made-up fleet behind the real hub and listener, for `bench.live`.

`python -m bench.made_up SERVERS SENSORS INTERVAL` prints the websocket's address, and serves
until its standard input ends. Each server's sensors change together, once an interval, the
servers spread over it, as the poller has it. Garbage is collected when the daemon would.
"""

import asyncio
import sys
import time

import uvloop

from outkept.app.heap import set_aside
from outkept.serve.live import INTERVAL
from tests.serve.daemon import daemon
from tests.serve.fleet import Fleet, sensor, server

SLICE = 0.02
"""Seconds between two batches of changes: readings come in as they come."""


def _fleet(servers: int, sensors: int) -> Fleet:
    names = [f"sensor_{number}" for number in range(sensors)]
    return Fleet(
        server(f"{i:012x}", f"web{i}.example.net", sensors=[sensor(name, 1.0) for name in names])
        for i in range(servers)
    )


async def _change(fleet: Fleet, interval: float) -> None:
    ids = list(fleet.by_id)
    started, done = time.monotonic(), 0
    while True:
        due = int((time.monotonic() - started) / interval * len(ids))
        for number in range(done, due):
            one = fleet.by_id[ids[number % len(ids)]]
            now = time.time()
            value = float(number // len(ids)) + 0.5
            series = [entry | {"value": value, "at": now} for entry in one["sensors"]]
            fleet.put(one | {"sensors": series, "last_seen": now})
        done = due
        await asyncio.sleep(SLICE)


async def _serve(servers: int, sensors: int, interval: float) -> None:
    fleet = _fleet(servers, sensors)
    async with daemon(fleet, interval=INTERVAL) as running, asyncio.TaskGroup() as tasks:
        changing = tasks.create_task(_change(fleet, interval))
        print(running.live, flush=True)
        await asyncio.to_thread(sys.stdin.read)
        changing.cancel()


if __name__ == "__main__":
    set_aside()
    uvloop.run(_serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
