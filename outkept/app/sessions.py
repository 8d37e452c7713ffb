"""Each server's life: dialled, identified, verified, read, lost, dialled again."""

import asyncio
import random
import secrets
import socket
import time
from collections.abc import Collection
from dataclasses import replace

from outkept.app.context import Context
from outkept.app.fleet import LiveServer
from outkept.config.overrides import changed, holding, subject_of
from outkept.discover.inventory import Decision, Joined, Moved, New
from outkept.discover.meet import Met, meet
from outkept.discover.settle import Sighting, settle
from outkept.discover.verify import Verification, verify
from outkept.model.address import AddressOutcome, AddressState
from outkept.model.event import EventType
from outkept.model.sensor import Sensor
from outkept.model.server import Endpoint, Server
from outkept.poll.backoff import Backoff
from outkept.poll.link import Link
from outkept.ssh.connection import Connection

VERIFY_AGAIN_AFTER_FAILURE = 60.0
REDIAL = Backoff()
"""When a lost server is dialled again."""
DIALS_AT_ONCE = 300
"""Servers that are dialled at once, a descriptor each. Most of them only wait: for a machine
that is off, or for their turn at the handshake, of which the client allows fewer. So ten
thousand that are off take less than the longest pause between two dials, and one that is back
doesn't wait for them."""
NOWHERE_TO_DIAL = 60.0


class Sessions:
    """Starts, keeps and ends one link for each server. `run` parents all their tasks."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._group = asyncio.TaskGroup()
        self._over = False
        self._dials = asyncio.Semaphore(DIALS_AT_ONCE)

    async def run(self) -> None:
        """Keep a link to every known server, until cancelled; all connections are closed then."""
        try:
            async with self._group:
                try:
                    for live in self._context.fleet:
                        self._show(live, live.record.supported or ())
                        self._start(live)
                    await asyncio.get_running_loop().create_future()
                finally:
                    # Logins that end now are not ours any more.
                    self._over = True
        finally:
            for live in self._context.fleet:
                if live.link is not None:
                    await live.link.end()

    async def visit(
        self, endpoint: Endpoint, user: str, sock: socket.socket | None
    ) -> AddressState:
        """Log in at an endpoint and give the connection to the link of the machine that is
        there; a link that has one already leaves it to be closed here."""
        before = self._context.addresses.get(endpoint)
        known = self._context.fleet.at(endpoint)
        limit = known.record.channel_limit if known is not None else None
        met = await meet(
            self._context.client, endpoint, user, sock, before=before, channel_limit=limit
        )
        if isinstance(met, AddressState):
            self._context.heap.ended()
            return met
        live = self._settled(met)
        await _give(live, met.connection)
        return AddressState(
            endpoint, AddressOutcome.SERVER, live.name, time.time(), server=live.record.id
        )

    def forget(self, live: LiveServer) -> None:
        """End a server's link and forget it."""
        task = self._tasks.pop(live.record.id, None)
        if task is not None:
            task.cancel()
        self._context.poller.stop(live.record.id)
        self._context.fleet.remove(live.record.id)

    def _start(self, live: LiveServer) -> None:
        async def dial() -> Connection | float:
            return await self._dial(live)

        async def session(connection: Connection) -> None:
            await self._session(live, connection)

        if self._over:
            return
        live.link = Link(dial, session, REDIAL)
        self._tasks[live.record.id] = self._group.create_task(
            self._supervised(live, live.link), name=f"link to {live.record.id}"
        )

    async def _supervised(self, live: LiveServer, link: Link) -> None:
        """A defect met at one server is told, and ends nothing but that server's link for a
        minute."""
        while True:
            try:
                await link.run()
            except Exception as error:  # noqa: BLE001 - the one door where defects end
                self._context.defect(f"the link to {live.name}", error)
                await asyncio.sleep(NOWHERE_TO_DIAL)

    async def _dial(self, live: LiveServer) -> Connection | float:
        waits = [NOWHERE_TO_DIAL]
        for endpoint in live.record.endpoints:
            wait = self._context.addresses.wait(endpoint, time.time())
            if wait > 0:
                waits.append(wait)
                continue
            met = await self._meet(live, endpoint)
            if isinstance(met, AddressState):
                self._context.note(met)
                self._context.heap.ended()
                waits.append(self._context.addresses.wait(endpoint, time.time()))
                continue
            there = self._settled(met)
            if there is live:
                return met.connection
            await _give(there, met.connection)
        live.vain = True
        return min(waits)

    async def _meet(self, live: LiveServer, endpoint: Endpoint) -> Met | AddressState:
        async with self._dials:
            return await meet(
                self._context.client,
                endpoint,
                live.record.user,
                before=self._context.addresses.get(endpoint),
                channel_limit=live.record.channel_limit,
            )

    def _settled(self, met: Met) -> LiveServer:
        """The server that the machine we met is; found, joined or moved if need be."""
        context = self._context
        endpoint = met.connection.endpoint
        sighting = Sighting(
            endpoint,
            met.connection.user,
            time.time(),
            met.identity,
            met.facts,
            context.labels_of(endpoint.address),
        )
        fleet = context.fleet
        decision = fleet.inventory.decide(sighting.identity, endpoint, fleet.is_connected)
        before = fleet.inventory.at(endpoint)
        settled = settle(fleet.inventory, decision, sighting, secrets.token_hex(6))
        if settled.loser is not None:
            context.save(fleet.put(settled.loser))
        record = _preferring(replace(settled.server, quarantine=""), endpoint)
        live = context.save(fleet.put(record))
        context.note(
            AddressState(
                endpoint, AddressOutcome.SERVER, decision.why, sighting.at, server=record.id
            )
        )
        self._tell_decision(live, decision, endpoint, before is not None)
        self._apply_overrides(live)
        if live.link is None:
            self._start(live)
        return live

    def _apply_overrides(self, live: LiveServer) -> None:
        """A name, an address or a fact that is new may be what an override matches: a server
        that is being read is read by its sensors as they are now."""
        supported, connection = live.record.supported, live.connection
        if supported is None or connection is None or connection.lost is not None:
            return
        if self._overridden(live, supported) != live.sensors:
            self._read(live, connection, supported)

    def _tell_decision(
        self, live: LiveServer, decision: Decision, endpoint: Endpoint, taken_over: bool
    ) -> None:
        tell = self._context.tell
        if isinstance(decision, New):
            why = f" ({decision.why})" if taken_over else ""
            tell(EventType.FOUND, live, f"{live.name} found at {endpoint}{why}")
        elif isinstance(decision, Moved):
            tell(EventType.MESSAGE, live, f"{live.name} moved to {endpoint}: {decision.why}")
        elif isinstance(decision, Joined):
            tell(EventType.MESSAGE, live, f"{live.name} has {endpoint} too: {decision.why}")

    async def _session(self, live: LiveServer, connection: Connection) -> None:
        context = self._context
        context.connected(live)
        context.tell(EventType.CONNECTED, live, f"{live.name} connected at {connection.endpoint}")
        try:
            await self._read_until_lost(live, connection)
        finally:
            reason = connection.lost or "closed"
            context.heap.ended()
            context.poller.stop(live.record.id)
            context.lost(live)
            if context.fleet.get(live.record.id) is live:
                limit = connection.pool.limit
                context.save(context.fleet.put(replace(live.record, channel_limit=limit)))
                context.tell(EventType.DISCONNECTED, live, f"{live.name} disconnected: {reason}")

    async def _read_until_lost(self, live: LiveServer, connection: Connection) -> None:
        if live.record.supported is not None:
            self._read(live, connection, live.record.supported)
        due = self._verification_due(live)
        while connection.lost is None:
            try:
                async with asyncio.timeout(due):
                    await connection.wait_lost()
            except TimeoutError:
                due = await self._verify(live, connection)

    def _verification_due(self, live: LiveServer) -> float:
        if live.record.supported is None or live.verified_at is None:
            return 0.0
        age = asyncio.get_running_loop().time() - live.verified_at
        return max(0.0, self._context.settings.sensors.verify_every - age)

    async def _verify(self, live: LiveServer, connection: Connection) -> float:
        """Run the verifiers; seconds until they are due again."""
        context = self._context
        found = await verify(
            connection, context.library, timeout=context.settings.ssh.command_timeout
        )
        if not isinstance(found, Verification):
            return VERIFY_AGAIN_AFTER_FAILURE
        live.verified_at = asyncio.get_running_loop().time()
        before = live.record.supported
        live.unsupported = dict(found.unsupported)
        if before is None or set(before) != set(found.supported):
            context.save(context.fleet.put(replace(live.record, supported=found.supported)))
            self._read(live, connection, found.supported)
            self._tell_coverage(live, before, found.supported)
        context.changed(live)
        every = context.settings.sensors.verify_every
        return every * random.uniform(0.9, 1.1)  # noqa: S311

    def _tell_coverage(
        self, live: LiveServer, before: tuple[str, ...] | None, now: tuple[str, ...]
    ) -> None:
        tell = self._context.tell
        if before is None:
            tell(EventType.SENSOR, live, f"{live.name} supports {len(now)} sensors")
            return
        for name in sorted(set(now) - set(before)):
            tell(EventType.SENSOR, live, f"{live.name} now supports {name}", name)
        for name in sorted(set(before) - set(now)):
            tell(EventType.SENSOR, live, f"{live.name} no longer supports {name}", name)

    def _read(self, live: LiveServer, connection: Connection, supported: tuple[str, ...]) -> None:
        self._show(live, supported)
        self._context.poller.start(live.record.id, connection, list(live.sensors.values()))

    def _show(self, live: LiveServer, supported: tuple[str, ...]) -> None:
        """Give the server a series for each sensor it supports, with what was known of it."""
        context = self._context
        live.sensors = self._overridden(live, supported)
        context.restore(live)
        context.judge.drop_unsupported(live)
        for sensor in live.sensors.values():
            context.judge.expect(live, sensor)
        context.changed(live)

    def _overridden(self, live: LiveServer, supported: Collection[str]) -> dict[str, Sensor]:
        """The sensors as they are on this server, by name."""
        overrides = holding(self._context.settings.sensors.overrides, subject_of(live.record))
        return {
            sensor.name: changed(sensor, overrides)
            for sensor in self._context.library
            if sensor.name in supported
        }


async def _give(live: LiveServer, connection: Connection) -> None:
    if live.link is None or not live.link.offer(connection):
        await connection.close()


def _preferring(record: Server, endpoint: Endpoint) -> Server:
    """The endpoint that worked last is dialled first."""
    others = tuple(other for other in record.endpoints if other != endpoint)
    return replace(record, endpoints=(endpoint, *others))
