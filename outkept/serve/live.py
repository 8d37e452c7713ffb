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
from outkept.serve.frames import Frame, framed
from outkept.serve.snapshots import SLICE_S, Snapshot, all_servers
from outkept.serve.source import Json, Source

INTERVAL = 0.25
"""Seconds in which changes are gathered: half of the 500 ms a reading has to reach a browser."""

HEARTBEAT = 1.0
"""Seconds between two stats frames; a page that hears nothing for several knows we are gone."""

MOST_FRAMES = 256
MOST_BYTES = 8 * 1024 * 1024
MOST_KEPT = 512
"""Frames kept for clients whose snapshot was begun before them; and twice MOST_BYTES of them."""
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
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self._behind = True
        self._wake = asyncio.Event()
        self._wake.set()

    def offer(self, frame: Frame) -> None:
        """Queue `frame`, unless a snapshot is due anyway."""
        if self._behind:
            return
        if len(self._frames) >= MOST_FRAMES or self._bytes + len(frame.text) > MOST_BYTES:
            self._frames.clear()
            self._bytes = 0
            self._behind = True
            self._hub.fallen_behind += 1
            self._wake.set()
            return
        self._frames.append(frame)
        self._bytes += len(frame.text)
        self._wake.set()

    async def next(self) -> Frame:
        """The next frame, waiting for one without a deadline. Cancel-safe: no frame is lost."""
        await self._wake.wait()
        if self._behind:
            # Made only now that it can be sent: a client that is stuck costs nothing more.
            snapshot = await self._hub.snapshot()
            self._behind = False
            self.offer(self._hub.stats_frame())
            for frame in self._hub.since(snapshot):
                self.offer(frame)
            return snapshot.frame
        frame = self._frames.popleft()
        self._bytes -= len(frame.text)
        if not self._frames:
            self._wake.clear()
        return frame

    @property
    def queued(self) -> tuple[int, int]:
        """Frames and bytes waiting."""
        return len(self._frames), self._bytes


class Hub:
    """Gathers changes and hands out frames. Everything is called from one event loop.

    Without clients it does no work. `seq` counts delta frames; a snapshot carries the number
    of the last delta before it was begun, so each client sees its snapshot's, then one more each.
    """

    def __init__(self, source: Source, *, interval: float = INTERVAL) -> None:
        self._source = source
        self._interval = interval
        self._clients: set[Client] = set()
        self._dirty: set[str] = set()
        self._events: deque[Json] = deque(maxlen=MOST_EVENTS)
        self._sent: dict[str, Sent] = {}
        self._seq = 0
        self._kept: deque[Frame] = deque()
        self._kept_bytes = 0
        self._frames = 0
        self._complete = False
        self._snapshot: Snapshot | None = None
        self._making = asyncio.Lock()
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
        self._kept.clear()
        self._kept_bytes = 0
        self._complete = False
        self._snapshot = None

    def flush(self) -> None:
        """Send what has gathered since the last call: at most one frame of each kind, and the
        changes of at most `MOST_SERVERS` servers."""
        if not self._clients:
            return
        for frame in self._gathered():
            self._keep(frame)
            for client in self._clients:
                client.offer(frame)

    def _keep(self, frame: Frame) -> None:
        """For those whose snapshot was begun before it. One that was begun before the oldest
        frame kept is of no more use."""
        self._frames += 1
        self._kept.append(frame)
        self._kept_bytes += len(frame.text)
        while len(self._kept) > MOST_KEPT or self._kept_bytes > 2 * MOST_BYTES:
            self._kept_bytes -= len(self._kept.popleft().text)

    def since(self, snapshot: Snapshot) -> list[Frame]:
        """The frames after the beginning of a snapshot that `snapshot` just gave."""
        behind = self._frames - snapshot.first
        return list(self._kept)[len(self._kept) - behind :]

    def _gathered(self) -> Iterator[Frame]:
        delta = self._delta()
        if delta:
            self._seq += 1
            yield framed(encode({"type": "delta", "seq": self._seq, **delta}))
        if self._events:
            events = list(self._events)
            self._events.clear()
            yield framed(encode({"type": "event", "events": events}))
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
                if self._sent.pop(server_id, None):
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

    async def snapshot(self) -> Snapshot:
        """All servers, made once for all who ask while it can still be brought up to date.
        Cancel-safe: the next who waits makes it."""
        async with self._making:
            slice_s = SLICE_S
            while self._snapshot is None or not self._fresh(self._snapshot):
                self._snapshot = await self._made(slice_s)
                # So much changed meanwhile that it is of no use: the next is made in less time.
                slice_s *= 4
            return self._snapshot

    def _fresh(self, snapshot: Snapshot) -> bool:
        """Whether the frames since are kept, and are a fraction of what a client may have."""
        behind = self._frames - snapshot.first
        if behind > min(len(self._kept), MOST_FRAMES - 8):
            return False
        return sum(len(frame.text) for frame in self.since(snapshot)) <= MOST_BYTES // 2

    async def _made(self, slice_s: float) -> Snapshot:
        """While the first one is made nobody has any server yet, so what the hub doesn't know
        is taken from the source; later on only a delta may bring a new one."""
        self.flush()
        if self._complete:
            ids, of = list(self._sent), self._sent.get
            made = await all_servers(ids, of, self._seq, self._frames, slice_s)
        else:
            ids = list(self._source.ids())
            made = await all_servers(ids, self._known, self._seq, self._frames, slice_s)
        self._complete = True
        return made

    def _known(self, server_id: str) -> Sent | None:
        if server_id not in self._sent:
            summary = self._source.summary(server_id)
            if summary is None:
                return None
            self._sent[server_id] = Sent(summary)
        return self._sent[server_id]

    def stats_frame(self) -> Frame:
        """The counters and the sweeps, with our clock: ages are counted from it."""
        stats = self._source.stats()
        sweeps = self._source.sweeps()[:20]
        return framed(encode({"type": "stats", "now": time.time(), **stats, "sweeps": sweeps}))

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
