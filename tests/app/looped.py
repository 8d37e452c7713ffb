"""A whole daemon's life, with a look at what each callback of its event loop costs.

`python -m tests.app.looped FOLDER` runs the daemon over a simulated fleet in a process of its
own, and prints as JSON what blocked its loop. That process is fresh, so that what is imported,
compiled or made at the first request counts as it does for a user.
"""

import asyncio
import gc
import http.client
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from websockets.sync.client import ClientConnection, connect

from outkept.app.heap import set_aside
from outkept.app.start import Plan, Progress, run
from outkept.config.load import load
from outkept.demo.run import SimulatedFleet, simulated_fleet
from outkept.model.reading import Reading, Sample
from outkept.serve.auth import Role, load_secret, mint
from outkept.ssh.keys import load_credentials
from outkept.store.store import Store

MOST_S = 0.05
"""CPU seconds that one callback may use. Its own CPU: a busy machine lengthens the wall time of
all of them."""

COLLECTION = "a garbage collection"
SERVERS = 48
PATIENCE_S = 60.0
HOUR = 3600.0
LISTENERS = 3
ENOUGH = 20
"""Readings of a server after which it is at work."""
DEEPEST = 4
"""Coroutines of a callback's name, besides the outermost: enough to tell where it waited."""


class LoopWatch:
    """What each callback used of the loop's thread; `blocking` has those over `most` seconds,
    as seconds by name, the longest of each."""

    def __init__(self, most: float = MOST_S) -> None:
        self._most = most
        self._collecting = 0.0
        self._collected = 0.0
        self.blocking: dict[str, float] = {}
        self.callbacks = 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch every callback that a loop of asyncio's own runs in this context."""
        plain = asyncio.Handle._run

        def watched(handle: asyncio.Handle) -> None:
            # Asked before: a task that ends with this step no longer says what it was.
            name = _Name(handle)
            before, collected = time.thread_time(), self._collected
            plain(handle)
            self.callbacks += 1
            # A collection hits whoever comes by, and has a name of its own.
            self._note(name, time.thread_time() - before - (self._collected - collected))

        asyncio.Handle._run = watched  # type: ignore[method-assign, assignment]
        gc.callbacks.append(self._collection)
        try:
            yield
        finally:
            gc.callbacks.remove(self._collection)
            asyncio.Handle._run = plain  # type: ignore[method-assign]

    def _note(self, name: object, used: float) -> None:
        if used > self._most:
            self.blocking[str(name)] = max(used, self.blocking.get(str(name), 0.0))

    def _collection(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self._collecting = time.thread_time()
            return
        used = time.thread_time() - self._collecting
        self._note(COLLECTION, used)
        if threading.current_thread() is threading.main_thread():
            self._collected += used


class _Name:
    """Of a callback: the coroutines that a task was waiting in, outermost first, or the
    function. Cheap to make, for it is made each time."""

    def __init__(self, handle: asyncio.Handle) -> None:
        self._callback = handle._callback  # type: ignore[attr-defined]
        task = getattr(self._callback, "__self__", None)
        self._frames: list[Any] = []
        if isinstance(task, asyncio.Task):
            inner: Any = task.get_coro()
            while inner is not None and hasattr(inner, "cr_await"):
                self._frames.append(inner)
                inner = inner.cr_await

    def __str__(self) -> str:
        if self._frames:
            names = [coroutine.__qualname__ for coroutine in self._frames]
            return " > ".join([*names[:1], *names[1:][-DEEPEST:]])
        return getattr(self._callback, "__qualname__", repr(self._callback))


async def life(folder: Path, watch: LoopWatch) -> None:
    """Start, sweep, log in, verify, read, pack the last hours, answer every kind of request,
    lose every connection, and stop."""
    async with simulated_fleet(folder / "fleet", SERVERS, network="127.79.0.0/24") as fleet:
        plan = _plan(folder, fleet)
        await _a_past(Path(plan.settings.state))
        with watch.watching():
            try:
                await run(plan, _visitors(Path(plan.settings.state)))
            except* _SeenError:
                pass


class _SeenError(Exception):
    """All was seen: ends the daemon."""


def _plan(folder: Path, fleet: SimulatedFleet) -> Plan:
    ranges = [{"range": text, "ports": [fleet.port], "every": "5s"} for text in fleet.ranges]
    path = folder / "config.yaml"
    config = {
        "ranges": ranges,
        "ssh": {"user": fleet.user, "agent": False, "keys": [str(fleet.key)]},
        "sweep": {"rate": 0},
        "sensors": {"every": "1s"},
        "state": str(folder / "state"),
        "dashboard": {"listen": "127.0.0.1:0"},
    }
    path.write_text(json.dumps(config), encoding="utf-8")
    loaded = load(path)
    assert loaded.settings is not None, loaded.problems
    credentials, problems = load_credentials([fleet.key], agent=False, passphrase=lambda _: None)
    assert not problems, problems
    return Plan(loaded.settings, loaded.sensors, credentials)


async def _a_past(state: Path) -> None:
    """Readings of ended hours: what the daemon packs at its first round of maintenance."""
    store = Store.open(state)
    now = time.time()
    for server in range(SERVERS):
        for step in range(240):
            at = now - 4 * HOUR + 30 * step
            samples = (Sample(None, float(step % 17)),)
            store.add_readings([Reading(f"old{server}", "load", at, samples)])
    await store.close()


def _visitors(state: Path) -> Callable[[str, Progress], Any]:
    async def visit(url: str, _: Progress) -> None:
        # In a thread: what a browser spends is not the daemon's.
        await asyncio.to_thread(_look_around, url, state)
        raise _SeenError

    return visit


def _look_around(url: str, state: Path) -> None:
    site = _Site(url, mint(load_secret(state), Role.VIEWER))
    for path in ("", "healthz", "readyz", "metrics", "api/v1/openapi.json", "api/v1/stats"):
        site.get(path)
    with ExitStack() as open_:
        listeners = [open_.enter_context(site.listen()) for _ in range(LISTENERS)]
        for listener in listeners:
            _until_read(listener)
        # A browser that comes when all is known gets all of it, by a snapshot and what was
        # sent since that was made.
        _until_read(open_.enter_context(site.listen()), enough=1)
        _lists(site)
    site.get("metrics")


def _lists(site: "_Site") -> None:
    for name in ("events?limit=1000", "actions", "sweeps", "addresses"):
        site.get(f"api/v1/{name}")
    servers = json.loads(site.get("api/v1/servers?limit=1000"))["items"]
    for server in servers[:3]:
        where = f"api/v1/servers/{server['id']}"
        for sensor in json.loads(site.get(where))["sensors"][:5]:
            now = time.time()
            window = f"from={now - HOUR:.0f}&to={now:.0f}&points=500"
            site.get(f"{where}/sensors/{sensor['name']}/history?{window}")


def _until_read(listener: ClientConnection, enough: int = ENOUGH) -> None:
    """Read on until most servers have shown `enough` readings, as a browser sees it."""
    read: Counter[str] = Counter()
    end = time.monotonic() + PATIENCE_S
    while sum(count >= enough for count in read.values()) < SERVERS * 3 // 4:
        assert time.monotonic() < end, f"within {PATIENCE_S:g} s, only: {read}"
        frame = json.loads(listener.recv(timeout=PATIENCE_S))
        for server in frame["servers"] if frame["type"] in ("snapshot", "delta") else ():
            shown = server.get("sensors", ())
            read[server["id"]] += sum(sensor.get("value") is not None for sensor in shown)


class _Site:
    """The daemon, as its page and scripts meet it."""

    def __init__(self, url: str, token: str) -> None:
        self._where = urlsplit(url).netloc
        self._headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str) -> bytes:
        """What it answers, which is no error of its own."""
        connection = http.client.HTTPConnection(self._where, timeout=PATIENCE_S)
        try:
            connection.request("GET", f"/{path}", headers=self._headers)
            answer = connection.getresponse()
            assert answer.status in (200, 503), (path, answer.status, answer.read())
            return answer.read()
        finally:
            connection.close()

    def listen(self) -> ClientConnection:
        """A websocket of the live stream."""
        return connect(
            f"ws://{self._where}/api/v1/live",
            additional_headers=self._headers,
            max_size=None,
            proxy=None,
            open_timeout=PATIENCE_S,
        )


def main(folder: Path) -> None:
    """Live once; print what blocked the loop."""
    set_aside()
    watch = LoopWatch()
    with asyncio.Runner() as runner:
        runner.run(life(folder, watch))
    print(json.dumps({"callbacks": watch.callbacks, "blocking": watch.blocking}))  # noqa: T201 - its answer


if __name__ == "__main__":
    main(Path(sys.argv[1]))
