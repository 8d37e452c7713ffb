"""Silences, acknowledgements and notes over real HTTP, from a real database."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from outkept.app import desk as desk_module
from outkept.app.desk import Desk
from outkept.app.desk_source import DeskSource
from outkept.app.fleet import Fleet, Series
from outkept.app.fleetwide import Fleetwide
from outkept.app.herald import Herald
from outkept.model.event import Condition, Event, EventType
from outkept.model.sensor import Sensor
from outkept.serve import shapes, shapes_desk, shapes_incidents
from outkept.serve.auth import Role, Scope
from outkept.serve.tokens import create
from outkept.store import Store, silences
from outkept.store.silences import Silences
from tests.serve.daemon import Daemon, bearer, daemon, until
from tests.serve.fleet import Fleet as MadeUp
from tests.store.values import server

OPERATOR = bearer(Role.OPERATOR)
BODY = {"server": "db*", "for": "2h", "reason": "disk swap"}


class NoSchedule:
    """Nothing is swept."""

    def progress(self) -> list[Any]:
        return []

    def next_at(self, range_text: str) -> float | None:
        return None


class Real(Fleetwide, MadeUp):
    """A fleet of three, its desk and its store; the rest of the API is made up."""

    def __init__(self, store: Store) -> None:
        MadeUp.__init__(self)
        self.store = store
        self.herald = Herald(store.add_event)
        self.known = Fleet(
            replace(server(id_, name), labels={"site": site})
            for id_, name, site in (
                ("a", "db1", "lisbon"),
                ("b", "db2", "porto"),
                ("c", "web1", "lisbon"),
            )
        )
        for live in self.known:
            for name, instance in (("load", None), ("disk", "/"), ("disk", "/var")):
                live.series[name, instance] = Series(Sensor(name, name), instance, 10.0)
        self.real_desk = Desk(self.herald, Silences(store), (), ())
        self.herald.listeners.append(self.real_desk.take)
        Fleetwide.__init__(
            self,
            self.known,
            [],
            store,
            ranges=[],
            crawl=NoSchedule(),
            desk=self.real_desk,
            every=10.0,
        )
        self.desk = DeskSource(self.real_desk, self.known, store, self.incident_view)

    async def said(self, type_: EventType, sensor: str | None = "load", **more: Any) -> None:
        """Announce an event of server `a`, and wait until it is on disk."""
        self.herald.announce(Event(time.time(), type_, f"db1: {type_}", "a", sensor, **more))
        await self.herald.drain(30)


class Client:
    """Asks as an operator."""

    def __init__(self, http: httpx.AsyncClient, source: Real, running: Daemon) -> None:
        self._http = http
        self.source = source
        self.running = running

    async def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        /,
        *,
        expect: int = 200,
        headers: dict[str, str] | None = None,
        **params: Any,
    ) -> Any:
        answer = await self._http.request(
            method, f"api/v1{path}", json=body, params=params, headers=headers or OPERATOR
        )
        assert answer.status_code == expect, answer.text
        return answer.json()

    async def refused(self, status: int, method: str, path: str, body: Any = None) -> str:
        """The detail of the problem that it is answered with."""
        problem = await self(method, path, body, expect=status)
        shapes.ProblemDetail.model_validate(problem)
        return str(problem["detail"])

    async def events(self, type_: str) -> list[tuple[str, str]]:
        """Message and author of the events of a type, the oldest first."""
        await self.source.herald.drain(30)
        items = (await self("GET", "/events", type=type_))["items"]
        return [(one["message"], one["by"]) for one in reversed(items)]

    async def open(self) -> int:
        """The id of the one incident that is open."""
        (one,) = (await self("GET", "/incidents", state="open"))["items"]
        return int(one["id"])


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    store = Store.open(tmp_path / "state")
    source = Real(store)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(source.herald.run()),
            group.create_task(source.real_desk.run()),
        ]
        async with (
            daemon(source, state=tmp_path) as running,
            httpx.AsyncClient(base_url=running.url, timeout=30) as http,
        ):
            yield Client(http, source, running)
        for task in tasks:
            task.cancel()
    await store.close()


async def test_a_silence_says_what_it_matches(client: Client) -> None:
    added = await client("POST", "/silences", BODY, expect=201)
    shapes_desk.SilenceDetail.model_validate(added)
    assert (added["id"], added["author"], added["state"]) == (1, "a token", "active")
    assert added["holds"]
    assert added["ends"] - added["starts"] == 7200
    assert (added["servers"], added["series"]) == (2, 6)
    assert added["first"] == [
        {"id": "a", "hostname": "db1", "series": 3},
        {"id": "b", "hostname": "db2", "series": 3},
    ]
    shapes_desk.Silences.model_validate(await client("GET", "/silences"))
    assert await client("GET", "/silences/1") == added
    narrow = BODY | {"sensor": "disk[/var]", "labels": {"site": "porto"}}
    added = await client("POST", "/silences", narrow, expect=201)
    assert (added["servers"], added["series"]) == (1, 1)


async def test_a_preview_makes_nothing(client: Client) -> None:
    seen = await client("POST", "/silences/preview", BODY | {"sensor": "load"})
    assert (seen["id"], seen["servers"], seen["series"]) == (0, 2, 2)
    assert (await client("GET", "/silences"))["items"] == []
    assert await client.events("silenced") == []


async def test_who_made_it_stands_in_it(client: Client, tmp_path: Path) -> None:
    named = create(tmp_path, "ci", frozenset({Scope.READ, Scope.ACT}), None)
    cookie = "=".join(client.running.session(Role.OPERATOR))
    for headers, author in (
        (OPERATOR, "a token"),
        ({"authorization": f"Bearer {named}"}, "a token ci"),
        ({"cookie": cookie, "origin": client.running.url.rstrip("/")}, "a link"),
    ):
        added = await client("POST", "/silences", BODY, expect=201, headers=headers)
        assert added["author"] == author


async def test_its_beginning_and_its_end_are_events(client: Client) -> None:
    await client("POST", "/silences", BODY | {"sensor": "load"}, expect=201)
    (begun,) = await client.events("silenced")
    assert begun[0].startswith("silence 1 begins: load on db*, until ")
    assert begun[0].endswith(" UTC (a token: disk swap)")
    assert begun[1] == "a token"
    ended = await client("DELETE", "/silences/1")
    assert (ended["state"], ended["ended_by"], ended["holds"]) == ("expired", "a token", False)
    told = await client.events("silenced")
    assert told[1:] == [
        ("silence 1 is ended by a token: load on db* (a token: disk swap)", "a token")
    ]
    later = BODY | {"starts": time.time() + 3600}
    added = await client("POST", "/silences", later, expect=201)
    assert (added["state"], added["holds"]) == ("pending", False)
    assert (await client.events("silenced"))[-1][0].startswith("silence 2 is planned: ")
    short = BODY | {"for": "50ms"}
    await client("POST", "/silences", short, expect=201)
    messages: list[str] = []
    async with asyncio.timeout(30):
        while not messages or "ends" not in messages[-1]:
            messages = [message for message, _ in await client.events("silenced")]
    assert [message[:16] for message in messages[-2:]] == ["silence 3 begins", "silence 3 ends: "]


async def test_one_that_is_over_can_not_be_ended_again(client: Client) -> None:
    await client("POST", "/silences", BODY, expect=201)
    await client("DELETE", "/silences/1")
    assert await client.refused(409, "DELETE", "/silences/1") == "silence 1 is over already"
    assert "no silence 7" in await client.refused(404, "DELETE", "/silences/7")
    assert "no silence 7" in await client.refused(404, "GET", "/silences/7")
    await client.refused(422, "DELETE", f"/silences/{1 << 64}")


async def test_they_are_listed_by_state_and_page(client: Client) -> None:
    for more in ({}, {"starts": time.time() + 3600}, {"sensor": "load"}):
        await client("POST", "/silences", BODY | more, expect=201)
    await client("DELETE", "/silences/3")

    async def ids(**params: Any) -> list[int]:
        return [one["id"] for one in (await client("GET", "/silences", **params))["items"]]

    assert await ids() == [3, 2, 1]
    assert [await ids(state=one) for one in ("active", "pending", "expired")] == [[1], [2], [3]]
    first = await client("GET", "/silences", limit=2)
    assert await ids(limit=2, cursor=first["next"]) == [1]
    await client("GET", "/silences", expect=422, cursor="x")
    await client("GET", "/silences", expect=422, state="over")


async def test_a_weekly_one_goes_on_until_it_is_ended(client: Client) -> None:
    weekly = {"days": ["sun", "sat"], "from": "22:00", "to": "02:00", "zone": "Europe/Lisbon"}
    body = {"server": "db*", "reason": "backup", "weekly": weekly}
    added = await client("POST", "/silences", body, expect=201)
    shapes_desk.SilenceDetail.model_validate(added)
    assert (added["ends"], added["state"]) == (None, "active")
    assert added["weekly"] == {
        "days": ["sat", "sun"],
        "from": "22:00",
        "to": "02:00",
        "length": 14400.0,
        "zone": "Europe/Lisbon",
    }
    assert added["window"]["to"] - added["window"]["from"] == 14400
    whole = weekly | {"from": "00:00", "to": "24:00"}
    added = await client("POST", "/silences/preview", body | {"weekly": whole})
    assert added["weekly"]["length"] == 86400
    del weekly["to"]
    added = await client("POST", "/silences/preview", body | {"weekly": weekly | {"length": "90m"}})
    assert added["weekly"]["to"] == "23:30"


NIGHT = {"days": ["sat"], "from": "22:00", "to": "02:00"}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"reason": "  "}, "body.reason: must not be blank"),
    ({"reason": "a\nb"}, "body.reason: must be one line"),
    ({"reason": "a\x1b[2J"}, "control characters"),
    ({"reason": "x" * 2001}, "body.reason"),
    ({"server": ""}, "body.server"),
    ({"labels": {f"l{n}": "x" for n in range(21)}}, "body.labels"),
    ({"for": None}, "say until when"),
    ({"for": "2 hours"}, "not a duration"),
    ({"for": 0}, "over already"),
    ({"for": "20y"}, "longer than ten years"),
    ({"ends": 5.0}, "either `ends` or `for`"),
    ({"for": None, "ends": 5.0}, "body.ends: it would be over already"),
    ({"for": None, "ends": 1e300}, "body.ends"),
    ({"starts": 9e10, "for": None, "ends": 8e10}, "before it starts"),
    ({"server": "*"}, "would silence everything; say true"),
    ({"weekly": NIGHT | {"zone": "Europe/Lisboa"}}, "not a known time zone"),
    ({"weekly": NIGHT | {"zone": "../../etc/passwd"}}, "body.weekly.zone"),
    ({"weekly": NIGHT | {"days": []}}, "body.weekly.days"),
    ({"weekly": NIGHT | {"days": ["saturday"]}}, "body.weekly.days"),
    ({"weekly": NIGHT | {"from": "24:00"}}, "body.weekly.from"),
    ({"weekly": NIGHT | {"to": None}}, "either `to` or `length`"),
    ({"weekly": NIGHT | {"length": "2h"}}, "either `to` or `length`"),
    ({"weekly": {"days": ["sat"], "from": "22:00", "length": "25h"}}, "body.weekly.length"),
    ({"author": "somebody else"}, "body.author"),
]


async def test_what_makes_no_sense_is_refused_in_words(client: Client) -> None:
    for change, word in WRONG:
        assert word in await client.refused(422, "POST", "/silences", BODY | change)
    assert (await client("GET", "/silences"))["items"] == []


async def test_a_window_that_never_comes_is_refused(client: Client) -> None:
    day = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[(time.gmtime().tm_wday + 3) % 7]
    weekly = {"days": [day], "from": "22:00", "to": "02:00"}
    said = await client.refused(422, "POST", "/silences", BODY | {"weekly": weekly})
    assert "none of its windows" in said


async def test_everything_can_be_silenced_by_who_means_it(client: Client) -> None:
    body = {"for": "2h", "reason": "moving house", "everything": True}
    assert (await client("POST", "/silences", body, expect=201))["series"] == 9


async def test_a_thousandth_and_first_is_refused_and_nothing_lost(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silences, "MOST_SILENCES", 1)
    await client("POST", "/silences", BODY, expect=201)
    said = await client.refused(409, "POST", "/silences", BODY)
    assert said == "there are 1 silences already; end some, or use wider ones"
    assert len((await client("GET", "/silences"))["items"]) == 1


async def test_a_viewer_may_look_and_nothing_else(client: Client) -> None:
    viewer = bearer(Role.VIEWER)
    await client("GET", "/silences", headers=viewer)
    for method, path, body in (
        ("POST", "/silences", BODY),
        ("POST", "/silences/preview", BODY),
        ("DELETE", "/silences/1", None),
        ("POST", "/incidents/1/acknowledge", {}),
        ("DELETE", "/incidents/1/acknowledge", None),
        ("POST", "/incidents/1/notes", {"text": "x"}),
    ):
        await client(method, path, body, expect=403, headers=viewer)


async def test_an_incident_says_by_what_it_is_silenced(client: Client) -> None:
    await client.source.said(EventType.ALARMED)
    number = await client.open()
    assert (await client("GET", f"/incidents/{number}"))["silenced"] is None
    added = await client("POST", "/silences", BODY | {"sensor": "load"}, expect=201)
    silenced = {"id": 1, "ends": added["ends"], "reason": "disk swap"}
    (one,) = (await client("GET", "/incidents"))["items"]
    shapes_incidents.Incident.model_validate(one)
    assert one["silenced"] == silenced
    assert (await client("GET", f"/incidents/{number}"))["silenced"] == silenced
    await client("DELETE", "/silences/1")
    assert (await client("GET", f"/incidents/{number}"))["silenced"] is None
    # A whole server's silence holds over what is about the server, a sensor's doesn't.
    await client.source.said(EventType.GONE, None, condition=Condition.GONE)
    await client("POST", "/silences", BODY | {"sensor": "load"}, expect=201)
    items = (await client("GET", "/incidents", state="open"))["items"]
    assert [bool(one["silenced"]) for one in items] == [False, True]
    await client("POST", "/silences", BODY, expect=201)
    await client.source.said(EventType.RECOVERED)
    items = (await client("GET", "/incidents"))["items"]
    assert [bool(one["silenced"]) for one in items] == [True, False]


async def test_somebody_takes_an_incident_on_and_gives_it_back(client: Client) -> None:
    await client.source.said(EventType.WARNED)
    number = await client.open()
    taken = await client("POST", f"/incidents/{number}/acknowledge", {"comment": "on it"})
    shapes_incidents.Incident.model_validate(taken)
    assert taken["acknowledged"]["by"] == "a token"
    assert await client.events("acknowledged") == [
        ("db1: load is acknowledged by a token: on it", "a token")
    ]
    # It holds while it gets worse.
    await client.source.said(EventType.ALARMED)
    (one,) = (await client("GET", "/incidents", acknowledged=True))["items"]
    assert (one["level"], one["acknowledged"]) == ("alarmed", taken["acknowledged"])
    assert (await client("GET", "/incidents", acknowledged=False))["items"] == []
    given = await client("DELETE", f"/incidents/{number}/acknowledge")
    assert given["acknowledged"] is None
    said = await client.refused(409, "DELETE", f"/incidents/{number}/acknowledge")
    assert said == f"nobody has acknowledged incident {number}"
    # Any event of it names it; a body is not needed.
    events = (await client("GET", f"/incidents/{number}"))["events"]
    await client("POST", f"/incidents/{events[-1]['id']}/acknowledge")


async def test_what_is_over_can_be_noted_but_not_taken_on(client: Client) -> None:
    await client.source.said(EventType.WARNED)
    number = await client.open()
    await client("POST", f"/incidents/{number}/notes", {"text": "a fan\nbroke"}, expect=201)
    await client.source.said(EventType.RECOVERED)
    said = await client.refused(409, "POST", f"/incidents/{number}/acknowledge")
    assert said == f"incident {number} is over; a note can still be written to it"
    await client("POST", f"/incidents/{number}/notes", {"text": "replaced"}, expect=201)
    steps = (await client("GET", f"/incidents/{number}"))["steps"]
    notes = [(one["text"], one["by"]) for one in steps if one["kind"] == "note"]
    assert notes == [
        ("db1: load: a token notes: a fan\nbroke", "a token"),
        ("db1: load: a token notes: replaced", "a token"),
    ]
    for path in ("acknowledge", "notes"):
        body = {"text": "x"} if path == "notes" else None
        assert "no incident" in await client.refused(404, "POST", f"/incidents/99/{path}", body)
    for text in ("", " ", "x" * 2001, "\x00", None, 3):
        await client.refused(422, "POST", f"/incidents/{number}/notes", {"text": text})


async def test_what_is_said_too_late_is_not_said_of_the_next_incident(client: Client) -> None:
    """Somebody takes on an incident that has ended, and begun anew, in the same moment."""
    source = client.source
    await source.said(EventType.WARNED)
    number = await client.open()
    held = asyncio.Event()
    write = source.herald._write

    async def slow(event: Event) -> Event:
        await held.wait()
        return await write(event)

    source.herald._write = slow
    for type_ in (EventType.RECOVERED, EventType.WARNED):
        source.herald.announce(Event(time.time(), type_, "db1", "a", "load"))
    async with asyncio.TaskGroup() as group:
        taking = group.create_task(client.refused(409, "POST", f"/incidents/{number}/acknowledge"))
        await until(lambda: bool(source.real_desk._awaited))
        held.set()
    assert taking.result() == f"incident {number} ended in the same moment"
    (one,) = (await client("GET", "/incidents", state="open"))["items"]
    assert one["id"] != number
    assert one["acknowledged"] is None
    assert [one.acknowledged for one in source.real_desk.incidents()] == [False]


async def test_a_disk_that_takes_nothing_is_said(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = client.source
    await source.said(EventType.WARNED)
    number = await client.open()
    monkeypatch.setattr(desk_module, "TO_DISK_S", 0.05)
    held = asyncio.Event()
    write = source.herald._write

    async def slow(event: Event) -> Event:
        await held.wait()
        return await write(event)

    source.herald._write = slow
    said = await client.refused(503, "POST", f"/incidents/{number}/acknowledge")
    assert "written once the disk takes it" in said
    assert source.real_desk._awaited == {}
    held.set()
    await source.herald.drain(30)
    assert source.real_desk.by_id(number) is not None
    assert [one.acknowledged for one in source.real_desk.incidents()] == [True]
    monkeypatch.setattr(source.herald, "announce", lambda *_: False)
    said = await client.refused(503, "POST", f"/incidents/{number}/notes", {"text": "x"})
    assert "try again later" in said
