"""Sensors, discovery, events and incidents over real HTTP, from a real database."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from outkept.app.desk import Desk
from outkept.app.fleet import Fleet, Series
from outkept.app.fleetwide import MOST_SERVERS_BY_READINGS, Fleetwide
from outkept.app.herald import Herald
from outkept.model.action import Action, ActionOutcome
from outkept.model.address import AddressOutcome, AddressState
from outkept.model.event import Event, EventType
from outkept.model.ranges import Range, parse_span
from outkept.model.reading import Reading, Sample
from outkept.model.sensor import Parse, Sensor
from outkept.model.server import Endpoint
from outkept.model.sweep import SweepProgress
from outkept.serve import shapes_discovery, shapes_incidents, shapes_sensors
from outkept.store import Store
from outkept.store.silences import Silences
from tests.serve.daemon import bearer, daemon
from tests.serve.fleet import Fleet as MadeUp
from tests.store.values import server

LOAD = Sensor(
    "load",
    "cut -d' ' -f1 /proc/loadavg",
    "test -r /proc/loadavg && echo yes",
    warning=5,
    alarm=10,
    unit="tasks",
    reactive="uptime",
)
DISK = Sensor("disk", "df", parse=Parse.TABLE, warning=80, alarm=90, every=60)
SECRET = Sensor("secret", "true", exported=False)
RANGE = Range("10.0.0.0/24", (parse_span("10.0.0.0/24"),), labels=(("site", "lisbon"),))
NOW = time.time()


class Sweeps:
    """A schedule with one sweep that ended and one that runs."""

    def progress(self) -> list[SweepProgress]:
        running = SweepProgress("s2", RANGE.text, NOW - 5, 254, 100, 3, 20.0, 7.7)
        return [
            running,
            SweepProgress("s1", RANGE.text, NOW - 900, 254, 254, 3, finished=NOW - 800),
        ]

    def next_at(self, range_text: str) -> float | None:
        return None


def desk_of(store: Store) -> Desk:
    """A desk on which nothing lies."""
    return Desk(Herald(store.add_event), Silences(store), (), ())


class Real(Fleetwide, MadeUp):
    """What is under test, and a made-up fleet for the rest of the API."""

    def __init__(self, store: Store) -> None:
        MadeUp.__init__(self)
        self.known = Fleet(
            [
                replace(server("a", "web1"), supported=("load", "disk")),
                replace(server("b", "web2"), supported=("load",)),
                replace(server("c", "db1"), supported=()),
                replace(server("d", "new"), supported=None),
            ]
        )
        Fleetwide.__init__(
            self,
            self.known,
            [LOAD, DISK, SECRET],
            store,
            ranges=[RANGE],
            crawl=Sweeps(),
            desk=desk_of(store),
            every=10.0,
        )
        self.store = store
        self.known_server("b").unsupported = {"disk": "its verifier said nothing"}
        for live in self.known:
            if "load" in (live.record.supported or ()):
                live.sensors = {"load": LOAD}
                live.series["load", None] = Series(LOAD, None, 10.0, value=1.0, at=NOW)
        self.known_server("b").sensors = {"load": replace(LOAD, alarm=40)}

    def known_server(self, server_id: str) -> Any:
        return self.known.get(server_id)


class Client:
    """GETs as a viewer."""

    def __init__(self, client: httpx.AsyncClient, source: Real) -> None:
        self._client = client
        self.source = source

    async def get(self, path: str, status: int = 200, /, **params: Any) -> Any:
        answer = await self._client.get(f"api/v1{path}", params=params, headers=bearer())
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    store = Store.open(tmp_path / "state")
    source = Real(store)
    async with (
        daemon(source) as running,
        httpx.AsyncClient(base_url=running.url, timeout=30) as http,
    ):
        yield Client(http, source)
    await store.close()


async def test_sensors_are_listed_with_how_many_have_them(client: Client) -> None:
    answer = await client.get("/sensors")
    shapes_sensors.Sensors.model_validate(answer)
    found = {one["name"]: (one["servers"], one["series"]) for one in answer["items"]}
    assert found == {"load": (2, 2), "disk": (1, 0)}
    assert answer["items"][1]["statuses"] == {"normal": 2}


async def test_a_sensor_says_what_it_is_and_who_has_it(client: Client) -> None:
    load = await client.get("/sensors/load")
    shapes_sensors.SensorDefinition.model_validate(load)
    assert (load["cmd"], load["verifier"]) == (LOAD.cmd, LOAD.verifier)
    assert (load["warning"], load["alarm"], load["every"]) == (5, 10, 10.0)
    assert (load["reactive"], load["cooldown"]) == ("uptime", 300.0)
    assert load["coverage"]["changed"] == 1
    coverage = (await client.get("/sensors/disk"))["coverage"]
    numbers = [coverage[key] for key in ("servers", "supported", "unsupported", "unknown")]
    assert numbers == [4, 1, 2, 1]
    assert {one["reason"]: one["servers"] for one in coverage["reasons"]} == {
        "its verifier said nothing": 1,
        "its verifier has not been asked since the daemon started": 1,
    }


async def test_the_servers_without_a_sensor_are_told_by_reason(client: Client) -> None:
    answer = await client.get("/sensors/disk/servers")
    shapes_sensors.SensorServers.model_validate(answer)
    assert [(one["hostname"], one["supported"]) for one in answer["items"]] == [
        ("db1", False),
        ("new", None),
        ("web1", True),
        ("web2", False),
    ]
    reason = "its verifier said nothing"
    without = await client.get("/sensors/disk/servers", supported=False, reason=reason)
    assert [one["hostname"] for one in without["items"]] == ["web2"]
    first = await client.get("/sensors/disk/servers", limit=3)
    second = await client.get("/sensors/disk/servers", limit=3, cursor=first["next"])
    assert [one["hostname"] for one in second["items"]] == ["web2"]


@pytest.mark.parametrize("path", ["", "/servers"])
@pytest.mark.parametrize("name", ["none", "secret", "%3Cb%3E", "a/b"])
async def test_a_sensor_that_is_not_there_is_a_404(client: Client, name: str, path: str) -> None:
    answer = await client.get(f"/sensors/{name}{path}", 404)
    assert "no sensor is called" in answer["detail"]


async def test_a_heat_map_has_the_highest_rows_and_the_spread_of_all(client: Client) -> None:
    store = client.source.store
    start = NOW // 900 * 900 - 3600
    for at in (start + 10, start + 1000):
        for number, server_id in enumerate("ab"):
            reading = Reading(server_id, "load", at, (Sample(None, 1.0 + number),))
            store.add_readings([reading])
    await store.flush()
    answer = await client.get(
        "/sensors/load/heatmap", **{"from": start, "to": start + 3600}, columns=4, rows=1
    )
    shapes_sensors.HeatMap.model_validate(answer)
    assert answer["total"] == 2
    assert [(row["hostname"], row["cells"]) for row in answer["rows"]] == [
        ("web2", [2.0, 2.0, None, None])
    ]
    assert answer["spread"][0] == [1.0, 1.0, 1.0, 2.0, 2.0]
    assert answer["spread"][3] is None


@pytest.mark.parametrize(
    "params", [{"from": 5, "to": 4}, {"columns": 0}, {"rows": 2000}, {"order": "merry"}]
)
async def test_a_heat_map_that_makes_no_sense_is_a_422(client: Client, params: Any) -> None:
    await client.get("/sensors/load/heatmap", 422, **params)


async def test_a_heat_map_that_would_take_too_long_says_what_to_ask_for(client: Client) -> None:
    for number in range(MOST_SERVERS_BY_READINGS):
        client.source.known.put(replace(server(f"x{number}", f"x{number}"), endpoints=()))
    answer = await client.get("/sensors/load/heatmap", 422, columns=500)
    assert "fewer columns" in answer["detail"]
    await client.get("/sensors/load/heatmap", columns=96)


async def test_ranges_have_their_sweeps(client: Client) -> None:
    answer = await client.get("/ranges")
    shapes_discovery.Ranges.model_validate(answer)
    (found,) = answer["items"]
    assert (found["range"], found["addresses"], found["labels"]) == (
        "10.0.0.0/24",
        254,
        {"site": "lisbon"},
    )
    assert (found["running"]["id"], found["last"]["id"], found["next"]) == ("s2", "s1", None)


async def test_addresses_are_grouped_and_each_group_can_be_opened(client: Client) -> None:
    store = client.source.store
    for number, outcome in enumerate([AddressOutcome.REFUSED_KEY] * 3 + [AddressOutcome.NOT_SSH]):
        endpoint = Endpoint(f"10.0.0.{number}")
        store.save_address(AddressState(endpoint, outcome, f"it was {outcome}", NOW + number))
    await store.flush()
    answer = await client.get("/addresses/outcomes")
    shapes_discovery.Outcomes.model_validate(answer)
    assert [(one["outcome"], one["addresses"]) for one in answer["items"]] == [
        ("refused key", 3),
        ("not SSH", 1),
    ]
    group = answer["items"][0]
    opened = await client.get(
        "/addresses", outcome=group["outcome"], reason=group["reason"], limit=2
    )
    assert [one["address"] for one in opened["items"]] == ["10.0.0.2", "10.0.0.1"]
    assert opened["next"]


async def told(store: Store, *types: EventType) -> list[int]:
    events = [
        Event(NOW - 600 + number, type_, f"web1: load is {type_}", "a", "load", 12.0)
        for number, type_ in enumerate(types)
    ]
    return [(await store.add_event(event)).id for event in events]


async def test_events_are_searched_by_the_database(client: Client) -> None:
    ids = await told(client.source.store, EventType.WARNED, EventType.ALARMED, EventType.RECOVERED)
    await client.source.store.add_event(Event(NOW, EventType.FOUND, "found web1"))
    found = await client.get("/events", type=["warned", "alarmed"])
    assert [one["id"] for one in found["items"]] == [ids[1], ids[0]]
    found = await client.get("/events", sensor="load", q="RECOVERED")
    assert [one["id"] for one in found["items"]] == [ids[2]]
    found = await client.get("/events", **{"from": NOW - 599.5, "to": NOW - 598.5})
    assert [one["id"] for one in found["items"]] == [ids[1]]
    await client.get("/events", 422, type=["warned", "merry"])
    await client.get("/events", 422, q="x" * 201)


async def test_incidents_tell_their_story(client: Client) -> None:
    store = client.source.store
    ids = await told(store, EventType.WARNED, EventType.ALARMED)
    action = Action(
        "a", "load", "uptime", NOW - 598.9, ActionOutcome.DONE, "it alarmed", None, NOW, 0, "ok"
    )
    await store.intend(replace(action, incident=ids[0]))
    store.add_readings([Reading("a", "load", NOW - 601, (Sample(None, 12.0),))])
    await store.flush()
    answer = await client.get("/incidents")
    shapes_incidents.Incidents.model_validate(answer)
    (one,) = answer["items"]
    assert (one["id"], one["hostname"], one["state"], one["worst"]) == (
        ids[0],
        "web1",
        "open",
        "alarmed",
    )
    first, detail = [await client.get(f"/incidents/{event}") for event in ids]
    shapes_incidents.IncidentDetail.model_validate(detail)
    assert first["id"] == detail["id"] == ids[0]
    assert [step["kind"] for step in detail["steps"]] == [
        "reading",
        "level",
        "level",
        "reaction",
        "outcome",
    ]
    assert (detail["unit"], detail["alarm"]) == ("tasks", 10)
    assert detail["readings"]["points"][0][2] == 12.0
    assert (await client.get("/incidents", state="ended"))["items"] == []
    assert (await client.get("/incidents", server="b"))["items"] == []


async def test_what_is_no_incident_is_a_404(client: Client) -> None:
    await client.source.store.add_event(Event(NOW, EventType.FOUND, "found web1"))
    assert "no incident" in (await client.get("/incidents/1", 404))["detail"]
    await client.get("/incidents/99999999999999999999999", 404)
    await client.get("/incidents/merry", 422)
    await client.get("/incidents", 422, cursor="x")
    await client.get("/incidents", 422, state="merry")
