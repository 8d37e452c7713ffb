"""Large fleets go to browsers in slices: the loop is not blocked, and nothing is lost between."""

import asyncio
import json
from typing import Any

import pytest

from outkept.serve.live import MOST_SERVERS, Client, Hub
from tests.app.looped import COLLECTION, MOST_S, LoopWatch
from tests.serve.fleet import Fleet, sensor, server
from tests.views import summaries

SERVERS = 1500
MANY = 4000
SENSORS = 12
TRIES = 3
"""A processor that another machine took away does not hit the same callback three times."""
Json = dict[str, Any]


def _fleet(servers: int) -> Fleet:
    names = [f"sensor_{number}" for number in range(SENSORS)]
    return Fleet(
        server(f"{i:012x}", f"web{i}.example.net", sensors=[sensor(name, 1.0) for name in names])
        for i in range(servers)
    )


def _change(fleet: Fleet, server_id: str, value: float) -> None:
    one = fleet.by_id[server_id]
    fleet.put(one | {"sensors": [entry | {"value": value} for entry in one["sensors"]]})


class Browser:
    """Keeps what it is told, as the page does."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.seq = -1
        self.servers: dict[str, Json] = {}

    async def hear(self) -> str:
        """Take one frame; its type."""
        frame = json.loads((await self._client.next()).text)
        if frame["type"] == "snapshot":
            self.seq = frame["seq"]
            self.servers = {one["id"]: _keyed(one) for one in frame["servers"]}
        if frame["type"] == "delta":
            assert frame["seq"] == self.seq + 1
            self.seq += 1
            self._take(frame)
        kind: str = frame["type"]
        return kind

    def _take(self, frame: Json) -> None:
        for one in frame["servers"]:
            known = self.servers.setdefault(one["id"], {"sensors": {}})
            sensors = known["sensors"] | _keyed(one).get("sensors", {})
            known |= one | {"sensors": sensors}
        for server_id, series in frame["gone"].items():
            for name, instance in series:
                del self.servers[server_id]["sensors"][name, instance]
        for server_id in frame["removed"]:
            self.servers.pop(server_id, None)

    async def hear_all(self) -> None:
        """Take all that waits."""
        while self._client.queued[0]:
            await self.hear()


def _keyed(one: Json) -> Json:
    if "sensors" not in one:
        return one
    sensors = {(entry["name"], entry["instance"]): entry for entry in one["sensors"]}
    return one | {"sensors": sensors}


def _truth(fleet: Fleet) -> dict[str, Json]:
    return {one["id"]: _keyed(json.loads(json.dumps(one))) for one in summaries(fleet)}


@pytest.mark.parametrize("late", range(0, SERVERS // MOST_SERVERS + 4, 3))
async def test_what_changes_while_a_snapshot_is_made_is_not_lost(late: int) -> None:
    """A server changes, one comes and one goes, after so many turns of the loop."""
    fleet = _fleet(SERVERS)
    hub = Hub(fleet)
    fleet.hub = hub
    first, last = f"{0:012x}", f"{SERVERS - 1:012x}"
    with hub.client() as client:
        browser = Browser(client)
        async with asyncio.TaskGroup() as group:
            hearing = group.create_task(browser.hear())
            for turn in range(late):
                await asyncio.sleep(0)
                _change(fleet, first, float(turn))
                _change(fleet, last, float(turn))
                hub.flush()
            fleet.put(server("newcomer", "new.example.net", sensors=[sensor("load", 2.0)]))
            fleet.remove(f"{SERVERS // 2:012x}")
            await hearing
        hub.flush()
        await browser.hear_all()
        assert browser.servers == _truth(fleet)


async def test_two_browsers_that_come_at_different_times_see_the_same() -> None:
    fleet = _fleet(SERVERS)
    hub = Hub(fleet)
    fleet.hub = hub
    with hub.client() as one, hub.client() as other:
        browsers = [Browser(one), Browser(other)]
        async with asyncio.TaskGroup() as group:
            group.create_task(browsers[0].hear())
            await asyncio.sleep(0)
            _change(fleet, f"{0:012x}", 7.0)
            fleet.put(server("newcomer", "new.example.net", sensors=[]))
            group.create_task(browsers[1].hear())
            await asyncio.sleep(0)
            hub.flush()
        hub.flush()
        for browser in browsers:
            await browser.hear_all()
            assert browser.servers == _truth(fleet)


async def test_a_snapshot_that_was_given_up_is_made_again() -> None:
    hub = Hub(_fleet(SERVERS))
    with hub.client() as client:
        async with asyncio.TaskGroup() as group:
            hearing = group.create_task(client.next())
            for _ in range(3):
                await asyncio.sleep(0)
            hearing.cancel()
        assert hearing.cancelled()
        assert len(json.loads((await client.next()).text)["servers"]) == SERVERS


async def test_changes_of_many_servers_go_out_a_few_at_a_time() -> None:
    fleet = _fleet(SERVERS)
    hub = Hub(fleet, interval=0.01)
    fleet.hub = hub
    with hub.client() as client:
        browser = Browser(client)
        await browser.hear()
        for server_id in list(fleet.by_id):
            _change(fleet, server_id, 3.0)
        async with asyncio.TaskGroup() as group, asyncio.timeout(60):
            running = group.create_task(hub.run())
            while browser.seq < SERVERS // MOST_SERVERS:
                await browser.hear()
            running.cancel()
        assert browser.servers == _truth(fleet)


async def test_a_large_fleet_does_not_block_the_loop() -> None:
    """Garbage collections apart, which take the longer the more there is in memory."""
    fleet = _fleet(MANY)
    found: set[str] = set()
    for number in range(TRIES):
        watch = LoopWatch()
        with watch.watching():
            # A step that began before the watch is not seen.
            await asyncio.sleep(0)
            await _shown(fleet, float(number))
        blocking = watch.blocking.keys() - {COLLECTION}
        found = blocking & found if number else set(blocking)
        if not found:
            return
    raise AssertionError(f"over {MOST_S * 1000:g} ms of CPU in one callback, each time: {found}")


async def _shown(fleet: Fleet, value: float) -> None:
    """A browser comes, everything changes, and another comes."""
    hub = fleet.hub = Hub(fleet, interval=0.01)
    async with asyncio.TaskGroup() as group, asyncio.timeout(120):
        running = group.create_task(hub.run())
        with hub.client() as one, hub.client() as other:
            await one.next()
            for server_id in fleet.by_id:
                _change(fleet, server_id, value)
                await asyncio.sleep(0)
            for _ in range(MANY // MOST_SERVERS):
                await one.next()
            await other.next()
        running.cancel()
