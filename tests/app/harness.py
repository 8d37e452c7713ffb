"""A daemon under test: in this process over a state directory of its own, or as a subprocess.

site = Site(folder, user, "127.61.1.0/28")
site.sensor("load", "cut -d' ' -f1 /proc/loadavg")
async with site.daemon() as daemon:
    await daemon.until(lambda: daemon.value("web1", "load"), "load is read")
"""

import asyncio
import contextlib
import inspect
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import yaml

from outkept.app.daemon import running
from outkept.app.source import DaemonSource
from outkept.config.library import load_library
from outkept.config.load import Loaded, load
from outkept.config.resources import data_dir
from outkept.model.event import EventQuery
from outkept.model.silence import Silence
from outkept.serve.live import Hub
from outkept.ssh.client import Client
from outkept.ssh.hostkeys import HostKeys
from outkept.ssh.keys import load_credentials
from outkept.store.store import Store
from tests.servers import User, free_port
from tests.views import summaries

Json = dict[str, Any]
LONG = 40.0
"""Seconds that something may take on a machine with two busy cores."""
_DRAINED_S = 5.0
"""Seconds to wait for what is being written; a test may have broken the disk."""


@dataclass
class Site:
    """A subnet on loopback, its configuration, and the state directory of its daemon."""

    folder: Path
    user: User
    subnet: str
    sensors: list[Json] = field(default_factory=list)
    config: Json = field(default_factory=dict)
    port: int = 0
    keepalive: float = 5.0

    def __post_init__(self) -> None:
        self.port = self.port or free_port(self.address(1))

    @property
    def state(self) -> Path:
        """The state directory."""
        return self.folder / "state"

    def address(self, number: int) -> str:
        """The `number`th address of the subnet."""
        return str(ip_network(self.subnet)[number])

    def sensor(self, name: str, cmd: str, **keys: object) -> None:
        """Add a sensor to the library, with the keys as they are written there."""
        self.sensors.append({"name": name, "cmd": cmd, **keys})

    def written(self, **changes: Any) -> Path:
        """The configuration file, and the library beside it. `changes` replace whole keys."""
        self.folder.mkdir(exist_ok=True)
        library = self.folder / "sensors.yaml"
        library.write_text(yaml.safe_dump(self.sensors or [{"name": "one", "cmd": "echo 1"}]))
        ssh = {
            "user": self.user.name,
            "keys": [str(self.user.key)],
            "agent": False,
            "ports": [self.port],
            "connect_timeout": "10s",
            "command_timeout": "5s",
        }
        config: Json = {
            "ranges": [self.subnet],
            "sweep": {"rate": 0, "every": "2s", "timeout": "2s"},
            "state": str(self.state),
            "dashboard": {"listen": f"127.0.0.1:{free_port()}"},
        }
        config |= {key: value for key, value in (self.config | changes).items() if key != "ssh"}
        config["ssh"] = ssh | self.config.get("ssh", {}) | changes.get("ssh", {})
        config["sensors"] = {"libraries": [str(library)], "every": "500ms"} | config.get(
            "sensors", {}
        )
        path = self.folder / "config.yaml"
        path.write_text(yaml.safe_dump(config))
        return path

    def loaded(self, **changes: Any) -> Loaded:
        """The configuration as the daemon reads it, with this site's own sensors only."""
        empty = self.folder / "no-sensors"
        empty.mkdir(parents=True, exist_ok=True)
        loaded = load(self.written(**changes), builtin=empty)
        # An empty library is told; here it is meant.
        problems = [problem for problem in loaded.problems if str(empty) not in problem.file]
        assert not problems, "\n".join(map(str, problems))
        return loaded

    @contextlib.asynccontextmanager
    async def daemon(self, **changes: Any) -> AsyncIterator["Daemon"]:
        """The daemon at work, in this process. On leaving, nothing may be left behind."""
        loaded = self.loaded(**changes)
        settings = loaded.settings
        assert settings is not None
        keys, problems = load_credentials(loaded.key_paths(), agent=False, passphrase=_nothing)
        assert not problems, problems
        ssh = settings.ssh
        store = Store.open(Path(settings.state))
        known_hosts = Path(ssh.known_hosts) if ssh.known_hosts else self.state / "known_hosts"
        client = Client(
            keys,
            HostKeys(known_hosts, strict=ssh.host_keys == "strict"),
            connect_timeout=ssh.connect_timeout,
            channels=ssh.channels,
            keepalive=self.keepalive,
        )
        with _no_complaints():
            try:
                async with running(settings, loaded.sensors, store, client) as (source, hub):
                    daemon = Daemon(source, hub, store)
                    yield daemon
            except BaseExceptionGroup as group:
                # What failed in the test, not the task group that it went through.
                raise group.exceptions[0] from None
            else:
                assert not await daemon.events(q="internal error")
                assert _left_behind() == []
            finally:
                await store.close()

    @contextlib.contextmanager
    def process(self, *, wrap: Sequence[str] = (), **changes: Any) -> Iterator["Process"]:
        """`outkept run` as a process of its own; it is killed at the end if it still runs.
        `wrap` is put before the command."""
        builtin, _ = load_library([data_dir("sensors")])
        sensors = {"disable": sorted(builtin)} | self.config.get("sensors", {})
        path = self.written(sensors=sensors, **changes)
        command = [*wrap, sys.executable, "-m", "outkept", "run", "-c", str(path)]
        log_path = self.folder / f"log{len(list(self.folder.glob('log*')))}"
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_environment()
            )
        try:
            yield Process(process, log_path)
        finally:
            process.kill()
            process.wait(5)


@dataclass
class Process:
    """A daemon in a process of its own."""

    process: subprocess.Popen[bytes]
    log_path: Path

    @property
    def log(self) -> str:
        """What it said."""
        return self.log_path.read_text("utf-8", "replace")

    def kill(self) -> None:
        """`kill -9`, and wait until it is gone."""
        self.process.kill()
        self.process.wait(5)

    async def until(self, condition: Callable[[], Any], what: str) -> Any:
        """Wait for a condition while the daemon runs."""

        def still() -> Any:
            assert self.process.poll() is None, self.log
            return condition()

        return await until(still, what)


@dataclass
class Daemon:
    """What a test asks of a running daemon."""

    source: DaemonSource
    hub: Hub
    store: Store

    def servers(self) -> list[str]:
        """The hostnames of the servers, in order."""
        return sorted(view["hostname"] for view in summaries(self.source))

    def server(self, hostname: str) -> Json:
        """The server of this name, with all that is known of it; empty if there is none."""
        for view in summaries(self.source):
            if view["hostname"] == hostname:
                return self.source.server(view["id"]) or {}
        return {}

    def status(self, hostname: str) -> str | None:
        """The server's status."""
        return self.server(hostname).get("status")

    def series(self, hostname: str, name: str, instance: str | None = None) -> Json:
        """One series as the API shows it; empty if there is none."""
        for view in self.server(hostname).get("sensors", ()):
            if (view["name"], view["instance"]) == (name, instance):
                return dict(view)
        return {}

    def value(self, hostname: str, name: str, instance: str | None = None) -> Any:
        """The last value."""
        return self.series(hostname, name, instance).get("value")

    async def events(
        self, type_: str | None = None, *, server: str | None = None, q: str | None = None
    ) -> list[Json]:
        """Events on disk, oldest first. What they make the daemon believe, it believes by then:
        a reader of the store may see an event before the daemon knows that it is written."""
        wanted = EventQuery(server, types=(type_,) if type_ else (), text=q)
        page, _ = await self.source.events(1000, None, wanted)
        await self.source._context.herald.drain(_DRAINED_S)
        return list(reversed(page))

    async def actions(self) -> list[Json]:
        """Actions on disk, oldest first."""
        page, _ = await self.source.actions(1000, None)
        return list(reversed(page))

    async def silence(self, sensor: str) -> int:
        """Silence a sensor everywhere, and say which silence that is."""
        now = time.time()
        desk = self.source._context.desk
        return (await desk.add_silence(Silence(now, now + 3600, "a test", "us", "*", sensor))).id

    async def end_silence(self, id: int) -> None:
        """It holds no more."""
        await self.source._context.desk.end_silence(id, "us")

    async def addresses(self) -> dict[str, Json]:
        """How each address that is remembered ended, by address."""
        page, _ = await self.source.addresses(1000, None)
        return {state["address"]: state for state in page}

    async def fresh(self, hostname: str, *names: str) -> None:
        """Wait for a reading of each sensor that is taken from now on."""
        now = time.time()

        def late() -> list[str]:
            return [n for n in names if (self.series(hostname, n).get("at") or 0) <= now]

        await self.until(lambda: not late(), f"{', '.join(names)} are read again on {hostname}")

    async def until(self, condition: Callable[[], Any], what: str, deadline: float = LONG) -> Any:
        """Wait for a condition, and give what it gave. What is known of the servers is told
        when it doesn't come."""
        try:
            return await until(condition, what, deadline)
        except TimeoutError as error:
            told = [event["message"] for event in await self.events()][-20:]
            servers = yaml.safe_dump(summaries(self.source), width=150)
            raise TimeoutError("\n".join([str(error), *told, servers])) from None


async def until(condition: Callable[[], Any], what: str, deadline: float = LONG) -> Any:
    """Wait for a condition, sync or async, and give what it gave. Raises TimeoutError that
    says what was waited for."""
    end = time.monotonic() + deadline
    while True:
        found = condition()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {deadline:g} s")
        await asyncio.sleep(0.02)


def _nothing(_: Path) -> None:
    return None


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("OUTKEPT")}


@contextlib.contextmanager
def _no_complaints() -> Iterator[None]:
    """Fail for what the loop would only have logged: destroyed tasks, unseen exceptions."""
    loop = asyncio.get_running_loop()
    before, heard = loop.get_exception_handler(), list[str]()
    loop.set_exception_handler(lambda _, context: heard.append(str(context)))
    try:
        yield
    finally:
        loop.set_exception_handler(before)
    assert heard == []


def _left_behind() -> list[str]:
    """Names of tasks that are still there, but the test's own."""
    ours = {"store"}
    return [
        task.get_name()
        for task in asyncio.all_tasks()
        if task is not asyncio.current_task() and task.get_name() not in ours
    ]
