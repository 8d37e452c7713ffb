"""Reactions without servers: a fleet in memory, whose connections answer as a test says, with the
real store, judge, desk, guards and policy."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from outkept.app.addresses import Addresses
from outkept.app.blindness import Blindness
from outkept.app.context import Context
from outkept.app.desk import Desk
from outkept.app.faults import Faults
from outkept.app.fleet import Fleet, LiveServer, Series
from outkept.app.guards import Guards
from outkept.app.heap import Heap
from outkept.app.herald import Herald
from outkept.app.judge import Judge
from outkept.app.past import Past
from outkept.app.reactions import Reactions
from outkept.app.tally import Tally
from outkept.config.settings import RangeSettings, ReactionSettings, Settings
from outkept.model.action import Action
from outkept.model.channels import ChannelStats
from outkept.model.command import CommandFailure, CommandOutcome, CommandResult, FailureKind
from outkept.model.event import Event, EventType
from outkept.model.reading import Reading, Sample
from outkept.model.sensor import Sensor
from outkept.model.server import Endpoint, Facts, Identity, Server
from outkept.poll.lateness import Lateness
from outkept.poll.link import Link
from outkept.poll.poller import Poller
from outkept.serve.live import Hub
from outkept.ssh.client import Client
from outkept.ssh.connection import Connection
from outkept.store.silences import Silences
from outkept.store.store import Store
from tests.app.harness import until

Answer = Callable[["Wire", str], Awaitable[CommandOutcome]]

DEPTH = Sensor("depth", "true", alarm=10, reactive="pump", cooldown=0.0)
LOST = CommandFailure(FailureKind.LOST, "connection lost", started=False)


async def done(_: "Wire", __: str) -> CommandOutcome:
    """What most commands answer: nothing, with status 0."""
    return CommandResult(0, b"", b"")


async def lost(_: "Wire", __: str) -> CommandOutcome:
    """A command that is not sent."""
    return LOST


class Gate:
    """A command that ends when it is let."""

    def __init__(self) -> None:
        self.open = asyncio.Event()

    async def __call__(self, _: "Wire", __: str) -> CommandOutcome:
        await self.open.wait()
        return CommandResult(0, b"", b"")


@dataclass(eq=False)
class Wire:
    """A connection. `sent` are the commands that reached the server."""

    endpoint: Endpoint
    answer: Answer
    host_key: str = "ssh-ed25519 SHA256:a"
    lost: str | None = None
    sent: list[str] = field(default_factory=list)

    @property
    def pool(self) -> "Wire":
        """See Connection.pool."""
        return self

    def stats(self) -> ChannelStats:
        """See Channels.stats."""
        return ChannelStats(limit=8)

    async def run(
        self, command: str, *, bar: Callable[[], str] | None = None, **_: Any
    ) -> CommandOutcome:
        """See Connection.run."""
        why = bar() if bar is not None else ""
        if why:
            return CommandFailure(FailureKind.CANCELLED, why, started=False)
        if self.lost is not None:
            return LOST
        self.sent.append(command)
        return await self.answer(self, command)


class Trust:
    """A client, as far as it is asked. `keys` False: no key is trusted any more."""

    def __init__(self) -> None:
        self.keys = True

    def trusts(self, endpoint: Endpoint, host_key: str) -> bool:
        """See Client.trusts."""
        return self.keys


class Schedule:
    """A poller that reads nothing; `asked` counts what was to be read at once."""

    def __init__(self) -> None:
        self.asked: Counter[tuple[str, str]] = Counter()
        self.lateness = Lateness()

    def interval(self, sensor: Sensor) -> float:
        """See Poller.interval."""
        return sensor.every or 10.0

    def read_now(self, server: str, sensor: str) -> None:
        """See Poller.read_now."""
        self.asked[server, sensor] += 1


class _Nobody:
    """A hub without clients."""

    def changed(self, server_id: str) -> None:
        """Nobody wants to know."""

    def event(self, event: object) -> None:
        """Nobody wants to know."""


class Yard:
    """Servers `s0`, `s1` … that all have `sensors`, and what came of their readings."""

    def __init__(self, context: Context, guards: Guards, answer: Answer) -> None:
        self.context = context
        self.guards = guards
        self.reactions = Reactions(context, guards)
        self.answer = answer
        self.trust = cast(Trust, context.client)
        self.schedule = cast(Schedule, context.poller)
        self.wires: dict[str, Wire] = {}
        self.told: list[Event] = []
        self.blind = ""
        self.flapping = False
        context.herald.listeners.append(self.told.append)

    def server(self, number: int, **labels: str) -> LiveServer:
        """Add a server and connect it."""
        id_ = f"s{number}"
        endpoint = Endpoint(f"10.0.{number // 250}.{number % 250 + 1}")
        identity = Identity("ssh-ed25519 SHA256:a", f"m{number}", "b", f"web{number}")
        record = Server(id_, identity, Facts(), (endpoint,), "ops", 0.0, 0.0, labels)
        live = self.context.fleet.put(record)
        live.sensors = {sensor.name: sensor for sensor in self.context.library}
        live.link = Link(_no_dial, _no_session)
        self.connect(id_)
        return live

    def connect(self, id_: str, endpoint: Endpoint | None = None) -> Wire:
        """Give a server a new connection."""
        live = self.live(id_)
        assert live.link is not None
        wire = self.wires[id_] = Wire(endpoint or live.record.endpoints[0], self.answer)
        live.link.connection = cast(Connection, wire)
        return wire

    def live(self, id_: str) -> LiveServer:
        """A server."""
        live = self.context.fleet.get(id_)
        assert live is not None
        return live

    def read(self, id_: str, value: float, sensor: Sensor | None = None, **more: Any) -> None:
        """A sensor is read on a server, over its connection."""
        sensor = sensor or self.context.library[0]
        samples = (Sample(more.pop("instance", None), value),)
        reading = Reading(id_, sensor.name, 1e9, samples)
        self.context.take(cast(Connection, self.wires[id_]), sensor, reading)

    def sent(self, id_: str | None = None) -> list[str]:
        """Last lines of the commands that reached servers."""
        wires = [wire for key, wire in self.wires.items() if id_ in (None, key)]
        return [command.splitlines()[-1] for wire in wires for command in wire.sent]

    def messages(self, type_: EventType | None = None) -> list[str]:
        """What was told, without the server's and the sensor's name."""
        return [
            event.message.split(": ", 2)[-1] for event in self.told if type_ in (None, event.type)
        ]

    async def until(self, condition: Callable[[], Any], what: str) -> Any:
        """Wait for a condition."""
        try:
            return await until(condition, what)
        except TimeoutError:
            raise TimeoutError("\n".join([what, *self.messages()])) from None

    async def told_of(self, text: str, times: int = 1) -> None:
        """Wait until something with this text was told so often."""
        await self.until(lambda: sum(text in one.message for one in self.told) >= times, text)

    async def actions(self) -> list[Action]:
        """What is on disk, oldest first."""
        page = await self.context.store.actions(1000)
        return list(reversed(page.items))


async def held(one: Yard, why: str) -> None:
    """The alarm of s0 is held, for this reason, and nothing reaches any server."""
    one.server(0)
    one.read("s0", 11)
    await one.told_of(why)
    assert one.sent() == []
    assert await one.actions() == []


@contextlib.asynccontextmanager
async def yard(
    state: Path, *sensors: Sensor, answer: Answer = done, **reactions: Any
) -> AsyncIterator[Yard]:
    """A yard over a state directory, with its reactions at work; on leaving they end as the
    daemon's do."""
    settings = Settings(
        ranges=(RangeSettings(range="10.0.0.0/24"),),
        reactions=ReactionSettings.model_validate({"mode": "on"} | reactions),
    )
    store = Store.open(state)
    try:
        fleet = Fleet()
        herald = Herald(store.add_event)
        silences = Silences(store)
        desk = Desk(herald, silences, await store.open_incidents(), await silences.going_on())
        schedule = cast(Poller, Schedule())
        judging = settings.judging
        faults = Faults(herald.announce, judging, settings.ssh.command_timeout)
        context = Context(
            settings=settings,
            library=sensors or (DEPTH,),
            store=store,
            client=cast(Client, Trust()),
            fleet=fleet,
            addresses=Addresses(()),
            herald=herald,
            desk=desk,
            judge=Judge(fleet, herald.announce, schedule.interval, faults, judging.flapping),
            faults=faults,
            blindness=Blindness(judging, settings.ranges, herald.announce, ()),
            poller=schedule,
            tally=Tally(),
            past=Past((), ()),
            heap=Heap(0.0),
        )
        context.hub = cast(Hub, _Nobody())
        herald.listeners.append(desk.take)
        made: list[Yard] = []

        def blind(_: LiveServer) -> str:
            return made[0].blind

        def flapping(_: Series) -> bool:
            return made[0].flapping

        guards = Guards(context, blind=blind, flapping=flapping)
        await guards.load()
        herald.listeners.append(guards.take)
        made.append(Yard(context, guards, answer))
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(herald.run()),
                group.create_task(made[0].reactions.run()),
            ]
            try:
                yield made[0]
            finally:
                await herald.drain(5.0)
                for task in tasks:
                    task.cancel()
    finally:
        await store.close()


async def _no_dial() -> float:
    return 3600.0


async def _no_session(_: Connection) -> None:
    return None


async def outcomes_are(one: Yard, expected: list[str]) -> bool:
    """Whether this is what came of the actions, the oldest first."""
    return [action.outcome.value for action in await one.actions()] == expected


def once_intended(
    one: Yard, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], Awaitable[object]]
) -> None:
    """Let something happen between each intent, which is on disk by then, and its sending."""
    intend = one.context.store.intend

    async def intended(action: Action) -> Action:
        written = await intend(action)
        await happens()
        return written

    monkeypatch.setattr(one.context.store, "intend", intended)
