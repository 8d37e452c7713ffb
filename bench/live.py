"""The live stream: from a reading in the daemon to a websocket client.

`python -m bench.live [--short]`: the real hub and listener over a made-up fleet in one process,
the clients in two others: one that measures, the rest that only take what comes.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import uvloop
from websockets.asyncio.client import ClientConnection, connect

from bench.common import Report, Row, cpu_of, median, parser, percentile, rounded, steps
from bench.listeners import OPTIONS

SENSORS = 12
INTERVAL = 10.0
"""Seconds in which every reading changes once."""
GOAL_MS = 500


@dataclass
class Heard:
    """What the measuring client heard in the time of one measurement, which began at `since`
    (UNIX seconds)."""

    snapshot: int = 0
    wire: int = 0
    waited: float = 0.0
    frames: list[int] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    cpu: float = 0.0
    seconds: float = 0.0
    since: float = 0.0


@contextmanager
def process(*arguments: str) -> Iterator[tuple[int, str]]:
    """A bench process and its first line; it ends with its standard input, or is killed."""
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"python -m {' '.join(arguments)} did not start")
        yield process.pid, line
    finally:
        process.kill()
        process.wait()


class Counting(ClientConnection):
    """Counts the bytes that come over the wire."""

    taken = 0

    def data_received(self, data: bytes) -> None:
        self.taken += len(data)
        super().data_received(data)


async def _listen(url: str, pid: int, seconds: float) -> Heard:
    heard, asked = Heard(), time.monotonic()
    async with connect(url, **OPTIONS, create_connection=Counting) as socket:
        heard.snapshot = len(await socket.recv(decode=False))
        heard.wire = socket.taken if isinstance(socket, Counting) else 0
        heard.waited = time.monotonic() - asked
        cpu, started, heard.since = cpu_of(pid), time.monotonic(), time.time()
        while time.monotonic() - started < seconds:
            await _hear(socket, heard)
        heard.seconds = time.monotonic() - started
        heard.cpu = cpu_of(pid) - cpu
    return heard


async def _hear(socket: ClientConnection, heard: Heard) -> None:
    async with asyncio.timeout(60):
        text = await socket.recv(decode=False)
    now = time.time()
    frame = json.loads(text)
    if frame["type"] != "delta":
        return
    heard.frames.append(len(text))
    for server in frame["servers"]:
        # All sensors of a server were read at the same moment.
        for series in server.get("sensors", ())[:1]:
            # What comes with a snapshot that others had before is as old as that.
            if series["at"] >= heard.since:
                heard.late.append(now - series["at"])


def _measured(servers: int, clients: int, seconds: float) -> Heard:
    with ExitStack() as stack:
        arguments = (str(servers), str(SENSORS), str(INTERVAL))
        pid, url = stack.enter_context(process("bench.made_up", *arguments))
        if clients > 1:
            stack.enter_context(process("bench.listeners", url, str(clients - 1)))
        if clients:
            return uvloop.run(_listen(url, pid, seconds))
        cpu, started = cpu_of(pid), time.monotonic()
        time.sleep(seconds)
        return Heard(cpu=cpu_of(pid) - cpu, seconds=time.monotonic() - started)


def _row(servers: int, clients: int, heard: Heard) -> Row:
    busy = heard.cpu / heard.seconds
    readings = servers * SENSORS / INTERVAL
    return {
        "servers": servers,
        "readings/s": round(readings),
        "clients": clients,
        "daemon CPU %": rounded(busy * 100),
        "CPU µs a reading": rounded(busy / readings * 1e6),
        "snapshot KB": rounded(heard.snapshot / 1024) if clients else None,
        "on the wire": rounded(heard.wire / 1024) if clients else None,
        "snapshot after s": rounded(heard.waited) if clients else None,
        "frame KB p50": rounded(median(heard.frames) / 1024) if clients else None,
        "frame KB max": rounded(max(heard.frames, default=0) / 1024) if clients else None,
        "late ms p50": rounded(percentile(heard.late, 0.5) * 1000) if clients else None,
        "late ms p95": rounded(percentile(heard.late, 0.95) * 1000) if clients else None,
    }


NOTES = (
    "With no clients the hub does no work: what is left is the made-up fleet's own cost.",
    "CPU is that of the daemon's process, of one core. “late” is from the reading's time stamp "
    f"to the frame's arrival at the client that measures; goal: p95 below {GOAL_MS} ms.",
    "“snapshot after” is from the client's connecting to its having the snapshot, which comes "
    "compressed: “on the wire” counts its bytes, and the few that follow in the same packet.",
    "A frame gathers a quarter of a second, so p50 is at least 125 ms.",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench; the exit status."""
    made = parser(__doc__)
    made.add_argument("--seconds", type=float, default=0, help="of each measurement (20; short: 3)")
    options = made.parse_args(arguments)
    sizes = (100,) if options.short else (1000, 10_000)
    numbers = (0, 1, 3) if options.short else (0, 1, 50)
    seconds = options.seconds or (3.0 if options.short else 20.0)
    rows: list[Row] = []
    with steps("live", len(sizes) * len(numbers)) as step:
        for servers in sizes:
            for clients in numbers:
                step(f"{servers} servers, {clients} clients")
                rows.append(_row(servers, clients, _measured(servers, clients, seconds)))
    parameters = {"sensors": SENSORS, "interval": f"{INTERVAL:g} s", "seconds": seconds}
    Report("live", options.short, parameters, rows, NOTES).publish(options.results)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
