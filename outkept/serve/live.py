"""The live hub: what changed, told once to every client, however slow the slowest is."""

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from outkept.serve.diff import Sent, difference
from outkept.serve.encode import encode
from outkept.serve.source import Json, Source

INTERVAL = 0.25
"""Seconds in which changes are gathered: half of the 500 ms a reading has to reach a browser."""

HEARTBEAT = 1.0
"""Seconds between two stats frames; a page that hears nothing for several knows we are gone."""

MOST_FRAMES = 64
MOST_BYTES = 4 * 1024 * 1024
MOST_EVENTS = 500
"""Events kept for one frame. A page shows fewer; the rest are in the store."""
MOST_CLIENTS = 256
MOST_SERVERS = 250
"""Servers looked at before the event loop gets its turn: some 10 ms."""


class FullError(Exception):
    """The hub has as many clients as it takes."""


class Client:
    """One listener's queue. Beyond its bound it is emptied, and the next frame is a snapshot."""

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._frames: deque[str] = deque()
        self._bytes = 0
        self._behind = True
        self._wake = asyncio.Event()
        self._wake.set()

    def offer(self, frame: str) -> None:
        """Queue `frame`, unless a snapshot that will contain it is due anyway."""
        if self._behind:
            return
        if len(self._frames) >= MOST_FRAMES or self._bytes + len(frame) > MOST_BYTES:
            self._frames.clear()
            self._bytes = 0
            self._behind = True
            self._hub.fallen_behind += 1
            self._wake.set()
            return
        self._frames.append(frame)
        self._bytes += len(frame)
        self._wake.set()

    async def next(self) -> str:
        """The next frame, waiting for one without a deadline. Cancel-safe: no frame is lost."""
        await self._wake.wait()
        if self._behind:
            return await self._caught_up()
        frame = self._frames.popleft()
        self._bytes -= len(frame)
        if not self._frames:
            self._wake.clear()
        return frame

    async def _caught_up(self) -> str:
        """A snapshot, made only now that it can be sent: a client that is stuck costs nothing
        more. What changes while it is made is queued behind it."""
        self._behind = False
        self.offer(self._hub.stats_frame())
        try:
            return await self._hub.snapshot()
        except BaseException:
            self._behind = True
            self._frames.clear()
            self._bytes = 0
            raise

    @property
    def queued(self) -> tuple[int, int]:
        """Frames and bytes waiting."""
        return len(self._frames), self._bytes


class Hub:
    """Gathers changes and hands out frames. Everything is called from one event loop.

    Without clients it does no work. `seq` counts delta frames; a snapshot carries the number
    of the last delta it contains, so each client sees its snapshot's, then one more each.
    """

    def __init__(self, source: Source, *, interval: float = INTERVAL) -> None:
        self._source = source
        self._interval = interval
        self._clients: set[Client] = set()
        self._dirty: set[str] = set()
        self._events: deque[Json] = deque(maxlen=MOST_EVENTS)
        self._sent: dict[str, Sent] = {}
        self._seq = 0
        self._snapshot: str | None = None
        self._building = asyncio.Lock()
        self._beat = 0.0
        self.fallen_behind = 0

    def changed(self, server_id: str) -> None:
        """This server, or one of its readings, is new or different. Cheap; never blocks."""
        if self._clients:
            self._dirty.add(server_id)

    def removed(self, server_id: str) -> None:
        """This server is no longer in the inventory."""
        self.changed(server_id)

    def event(self, event: Json) -> None:
        """An event (the contract's shape) happened."""
        if self._clients:
            self._events.append(event)

    async def run(self) -> None:
        """Send what has gathered, again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._interval)
            # As many as are waiting now: what comes meanwhile waits for the next round.
            for _ in range(len(self._dirty) // MOST_SERVERS + 1):
                self.flush()
                await asyncio.sleep(0)

    @contextmanager
    def client(self) -> Iterator[Client]:
        """A new client for the time of the context. Raises FullError."""
        if len(self._clients) >= MOST_CLIENTS:
            raise FullError(f"{MOST_CLIENTS} clients are listening already")
        client = Client(self)
        self._clients.add(client)
        try:
            yield client
        finally:
            self._clients.discard(client)
            if not self._clients:
                self._forget()

    def _forget(self) -> None:
        self._dirty.clear()
        self._events.clear()
        self._sent.clear()
        self._snapshot = None

    def flush(self) -> None:
        """Send what has gathered since the last call: at most one frame of each kind, and the
        changes of at most `MOST_SERVERS` servers."""
        if not self._clients:
            return
        for frame in self._gathered():
            for client in self._clients:
                client.offer(frame)

    def _gathered(self) -> Iterator[str]:
        delta = self._delta()
        if delta:
            self._seq += 1
            self._snapshot = None
            yield encode({"type": "delta", "seq": self._seq, **delta})
        if self._events:
            events = list(self._events)
            self._events.clear()
            yield encode({"type": "event", "events": events})
        now = time.monotonic()
        if now - self._beat >= HEARTBEAT:
            self._beat = now
            yield self.stats_frame()

    def _delta(self) -> Json:
        servers: list[Json] = []
        gone: dict[str, list[list[str | None]]] = {}
        removed: list[str] = []
        for server_id in [*islice(self._dirty, MOST_SERVERS)]:
            self._dirty.discard(server_id)
            summary = self._source.summary(server_id)
            old = self._sent.get(server_id)
            if summary is None:
                # Said of one that was never sent, too: a snapshot under way may have it.
                self._sent.pop(server_id, None)
                removed.append(server_id)
                continue
            new = self._sent[server_id] = Sent(summary)
            if old is None:
                servers.append(summary)
                continue
            changed, lost = difference(old, new)
            if changed:
                servers.append(changed)
            if lost:
                gone[server_id] = [[name, instance] for name, instance in lost]
        if not (servers or gone or removed):
            return {}
        return {"servers": servers, "gone": gone, "removed": removed}

    async def snapshot(self) -> str:
        """All servers, none older than the last delta before the call, encoded once for all who
        ask before the next. The loop gets its turn after every few servers; the deltas that go
        out meanwhile come on top, and may repeat what is in here. Cancel-safe."""
        seq = self._seq
        async with self._building:
            if self._snapshot is None or seq != self._seq:
                text = await self._built(seq)
                # Of no use to others when a delta went out meanwhile.
                self._snapshot = text if seq == self._seq else None
                return text
            return self._snapshot

    async def _built(self, seq: int) -> str:
        ids = self._source.ids()
        parts: list[str] = []
        for start in range(0, len(ids), MOST_SERVERS):
            parts += [
                text for one in ids[start : start + MOST_SERVERS] if (text := self._text(one))
            ]
            await asyncio.sleep(0)
        head = encode({"type": "snapshot", "seq": seq, "now": time.time()})
        return f'{head[:-1]},"servers":[{",".join(parts)}]}}'

    def _text(self, server_id: str) -> str:
        """The server as clients have it, or will have with the next delta; empty without one."""
        sent = self._sent.get(server_id)
        if sent is None:
            summary = self._source.summary(server_id)
            if summary is None:
                return ""
            sent = Sent(summary)
            # One that waits for its delta is new to the other clients.
            if server_id not in self._dirty:
                self._sent[server_id] = sent
        return sent.encoded()

    def stats_frame(self) -> str:
        """The counters and the sweeps, with our clock: ages are counted from it."""
        stats = self._source.stats()
        return encode(
            {"type": "stats", "now": time.time(), **stats, "sweeps": self._source.sweeps()[:20]}
        )

    def metrics(self) -> Iterable[Metric]:
        """Families about the hub itself."""
        yield GaugeMetricFamily(
            "outkept_live_clients", "Websocket clients that listen.", value=len(self._clients)
        )
        yield CounterMetricFamily(
            "outkept_live_fallen_behind",
            "Times a slow client's queue was replaced by a snapshot.",
            value=self.fallen_behind,
        )
