"""The made-up fleet's answers about sensors, discovery, events and incidents."""

import itertools
import math
import random
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, Protocol, cast

from outkept.app.desk_source import silenced_view
from outkept.app.heat import chosen, row_view, spread
from outkept.app.incidents import incident_detail, incident_view
from outkept.config.overrides import MatchSubject
from outkept.config.preview import Preview
from outkept.config.settings import Override, SensorChange
from outkept.config.strict import Match
from outkept.model.action import Action, ActionOutcome
from outkept.model.event import Condition, Event, EventQuery, EventType, sensor_label
from outkept.model.incident import Incident, IncidentKey, following, key_of
from outkept.model.sensor import Sensor
from outkept.serve.desk import Desk
from outkept.serve.paging import page
from outkept.serve.source import Json, Page
from outkept.store.history import HeatRow
from outkept.store.incidents import Found
from tests.serve.desk import MadeDesk

_DEFINITION: Json = {
    "description": "",
    "unit": "",
    "verifier": "command -v uptime >/dev/null && echo yes",
    "warning": None,
    "alarm": None,
    "inverted": False,
    "zero": False,
    "rate": False,
    "every": 10.0,
    "timeout": None,
    "for": 1,
    "for_s": 0.0,
    "clear": None,
    "reactive": None,
    "fallback": None,
    "cooldown": None,
    "source": "sensors/system.yaml:12",
}


def furnish(made: "_Made") -> None:
    """Give a made-up fleet what `python -m tests.serve` shows besides its servers: ranges,
    addresses that are no servers, and a day with incidents."""
    now = time.time()
    made.configured = ["10.0.0.0/16", "192.168.1.0/24"]
    for number, (outcome, reason) in enumerate(
        [("refused key", "publickey was refused for outkept")] * 14
        + [("not SSH", "it says HTTP/1.1 400 Bad Request")] * 6
        + [("timed out", "no banner within 3 s")] * 3
    ):
        made.tried.append(
            {
                "address": f"10.0.9.{number}",
                "port": 22,
                "outcome": outcome,
                "reason": reason,
                "at": now - number * 7,
                "refusals": int(outcome == "refused key"),
                "retry_at": None,
                "server": None,
            }
        )
    made.defined["load"] = {
        "description": "Load over a minute.",
        "cmd": "cut -d' ' -f1 /proc/loadavg",
        "verifier": "test -r /proc/loadavg && echo yes",
        "reactive": "systemctl restart runaway",
        "cooldown": 300.0,
    }
    made.defined["mdraid"] = {"description": "Failed members of software RAIDs."}
    for number, server_id in enumerate(list(made.by_id)[: 60 * 7 : 7]):
        name, start = made.by_id[server_id]["hostname"], now - 9000 + number * 150
        about = {"server": server_id, "sensor": "memory"}
        text = f"{name}: memory is 91.2 % >= 85 (warned)"
        made.tell("warned", text, value=91.2, at=start, **about)
        if number % 3 == 0:
            text = f"{name}: memory is 96 % >= 95 (alarmed)"
            made.tell("alarmed", text, value=96.0, at=start + 20, **about)
        if number % 5:
            text = f"{name}: memory is back to normal at 60 %"
            made.tell("recovered", text, value=60.0, at=start + 100, **about)
    _react(made, list(made.by_id)[-1], now)


def _react(made: "_Made", server_id: str, now: float) -> None:
    name = made.by_id[server_id]["hostname"]
    about = {"server": server_id, "sensor": "disk[/]"}
    command = "journalctl --vacuum-size=200M"
    text = f"{name}: disk[/] is 86 % >= 85 (warned)"
    made.tell("warned", text, value=86.0, at=now - 400, **about)
    text = f"{name}: disk[/] is 97.5 % >= 95 (alarmed)"
    made.tell("alarmed", text, value=97.5, at=now - 61, **about)
    made.tell("fired", f"{name}: disk[/]: ran `{command}`: exit status 0", at=now - 58, **about)
    made.acted.append(
        {
            "id": len(made.acted) + 1,
            "at": now - 60.5,
            "server": server_id,
            "sensor": "disk",
            "instance": "/",
            "command": command,
            "outcome": "done",
            "reason": "it is 97.5 % and >= 95 is an alarm",
            "status": 0,
            "output": "Vacuuming done, freed 1.2G of archived journals",
            "finished_at": now - 58,
            "incident": None,
            "step": 1,
            "by": "",
        }
    )


class _Made(Protocol):
    by_id: dict[str, Json]
    log: list[Json]
    acted: list[Json]
    swept: list[Json]
    configured: list[str]
    tried: list[Json]
    defined: dict[str, Json]

    def tell(self, type_: str, message: str, **more: Any) -> Json: ...

    def part_of(self, event: int) -> Found | None: ...

    def incident_view(self, found: Found) -> Json: ...


class Fleetwide:
    """Mixed into `Fleet`. `tried` are addresses that are no servers; `defined` is what the
    library says of a sensor, for those of which it says more than the servers' series do;
    `read_since` is when the first reading was kept (UNIX seconds)."""

    def __init__(self) -> None:
        self.tried: list[Json] = []
        self.defined: dict[str, Json] = {}
        self.read_since = 0.0
        self._open: dict[IncidentKey, Incident] = {}
        self.own_desk = MadeDesk(self._made)
        self.desk: Desk = self.own_desk

    @property
    def _made(self) -> _Made:
        return cast(_Made, self)

    async def sensors(self) -> list[Json]:
        return [self._summary(name) for name in self._names()]

    async def sensor(self, name: str) -> Json | None:
        if name not in self._names():
            return None
        having = sum(name in _sensors(one) for one in self._made.by_id.values())
        reasons = Counter(
            one["unsupported"].get(name, "its verifier said nothing")
            for one in self._made.by_id.values()
            if name not in _sensors(one)
        )
        coverage = {
            "servers": len(self._made.by_id),
            "supported": having,
            "unsupported": reasons.total(),
            "unknown": 0,
            "changed": 0,
            "reasons": [{"reason": why, "servers": n} for why, n in reasons.most_common()],
        }
        return self._definition(name) | {"coverage": coverage}

    def sensor_servers(
        self,
        name: str,
        limit: int,
        cursor: str | None,
        *,
        supported: bool | None = None,
        reason: str | None = None,
    ) -> Page | None:
        if name not in self._names():
            return None
        found = [
            {
                "id": one["id"],
                "hostname": one["hostname"],
                "status": one["status"],
                "supported": name in _sensors(one),
                "reason": ""
                if name in _sensors(one)
                else one["unsupported"].get(name, "its verifier said nothing"),
            }
            for one in self._made.by_id.values()
        ]
        wanted = [
            one
            for one in found
            if supported in (None, one["supported"]) and reason in (None, one["reason"])
        ]
        return page(wanted, lambda one: [one["hostname"], one["id"]], limit, cursor)

    async def heatmap(
        self, sensor: str, from_: float, to: float, columns: int, most: int, order: str
    ) -> Json:
        # The column in which the first reading lies has one.
        first = max(0, math.floor((self.read_since - from_) / (to - from_) * columns))
        rows = [
            HeatRow(one["id"], series["instance"], (None,) * min(first, columns) + cells[first:])
            for one in self._made.by_id.values()
            for series in one["sensors"]
            if series["name"] == sensor and isinstance(series["value"], int | float)
            for cells in (_cells(one["id"], series, from_, to, columns),)
        ]
        return {
            "from": from_,
            "to": to,
            "columns": columns,
            "total": len(rows),
            "spread": spread(rows, columns),
            "rows": [row_view(row, self._hostname) for row in chosen(rows, most, order)],
        }

    async def overrides(self, server: str | None) -> list[Json] | None:
        if server is not None and server not in self._made.by_id:
            return None
        match = Match(labels={"site": "lisbon"})
        override = Override(match=match, set={"load": SensorChange(warning=20, alarm=40)})
        preview = Preview([override], [Sensor("load", "uptime", warning=8, alarm=16)])
        for one in self._made.by_id.values():
            if server in (None, one["id"]):
                subject = MatchSubject(one["hostname"], one["labels"])
                preview.add(one["id"], subject, _sensors(one))
        return preview.views()

    def ranges(self) -> list[Json]:
        return [self._range(text) for text in self._made.configured]

    async def address_outcomes(self) -> list[Json]:
        groups: dict[tuple[str, str], list[float]] = {}
        for one in self._addresses():
            reason = "" if one["outcome"] == "server" else one["reason"]
            groups.setdefault((one["outcome"], reason), []).append(one["at"])
        ordered = sorted(groups.items(), key=lambda item: -len(item[1]))
        return [
            {"outcome": outcome, "reason": reason, "addresses": len(times), "at": max(times)}
            for (outcome, reason), times in ordered
        ]

    async def addresses(
        self,
        limit: int,
        cursor: str | None,
        *,
        outcome: str | None = None,
        reason: str | None = None,
    ) -> Page:
        found = [
            one
            for one in self._addresses()
            if outcome in (None, one["outcome"]) and reason in (None, one["reason"])
        ]
        place = ("at", "address")
        return page(
            found, lambda one: [one[key] for key in place], limit, cursor, newest_first=True
        )

    async def events(self, limit: int, cursor: str | None, wanted: EventQuery) -> Page:
        found = [event for event in self._made.log if _is_wanted(event, wanted)]
        return page(found, lambda event: [event["id"]], limit, cursor, newest_first=True)

    async def incidents(
        self,
        limit: int,
        cursor: str | None,
        *,
        server: str | None = None,
        state: str | None = None,
        acknowledged: bool | None = None,
    ) -> Page:
        views = [self.incident_view(one) for one in self._found()]
        wanted = [
            one
            for one in views
            if server in (None, one["server"])
            and state in (None, one["state"])
            and acknowledged in (None, one["acknowledged"] is not None)
        ]
        return page(
            wanted,
            lambda one: [int(one["state"] == "open"), one["ended"] or 0, one["id"]],
            limit,
            cursor,
            newest_first=True,
        )

    async def incident(self, event: int, now: float) -> Json | None:
        for found in self._found():
            if event not in [each.id for each in found.events]:
                continue
            server = found.incident.server or ""
            view = incident_detail(found, self._hostname(server)) | self.incident_view(found)
            from_, to = view["started"] - 1800, (view["ended"] or now) + 600
            series: Json = next(
                (
                    one
                    for one in self._made.by_id.get(server, {"sensors": []})["sensors"]
                    if (one["name"], one["instance"]) == (view["sensor"], view["instance"])
                ),
                {},
            )
            limits = {
                key: series.get(key, usual)
                for key, usual in (
                    ("unit", ""),
                    ("warning", None),
                    ("alarm", None),
                    ("inverted", False),
                )
            }
            points = [
                [at, value * 0.98, value, value * 1.02]
                for at, value in _climb(from_, view["started"], to, view["value"])
            ]
            return (
                view
                | limits
                | {
                    "now": series.get("value"),
                    "readings": {"from": from_, "to": to, "points": points},
                }
            )
        return None

    def incident_view(self, found: Found) -> Json:
        """An incident as lists have it."""
        one = found.incident
        silence = None if one.ended else self.own_desk.silencing(one.server or "", one.sensor or "")
        view = incident_view(one, found.actions, self._hostname(one.server or ""))
        return view | {"silenced": silenced_view(silence)}

    def joined(self, one: Json) -> int | None:
        """The incident that an event which happens now becomes part of."""
        event = _event(one)
        key = key_of(event) if event else None
        if event is None or key is None:
            return None
        before = self._open.pop(key, None)
        after = following(before, event)
        if after is not None and after.ended is None:
            self._open[key] = after
        return after.id if after is not None else None

    def part_of(self, event: int) -> Found | None:
        """The incident that this event is part of."""
        found = (one for one in self._found() if event in [each.id for each in one.events])
        return next(found, None)

    def _names(self) -> list[str]:
        names = {name for one in self._made.by_id.values() for name in _sensors(one)}
        return sorted(names | self._made.defined.keys())

    def _summary(self, name: str) -> Json:
        series = [
            one
            for server in self._made.by_id.values()
            for one in server["sensors"]
            if one["name"] == name
        ]
        definition = self._definition(name)
        return {
            "name": name,
            "unit": definition["unit"],
            "description": definition["description"],
            "parse": definition["parse"],
            "servers": sum(name in _sensors(one) for one in self._made.by_id.values()),
            "series": len(series),
            "statuses": dict(Counter(one["status"] for one in series)),
            "steps": sum(definition[key] is not None for key in ("reactive", "fallback")),
        }

    def _definition(self, name: str) -> Json:
        series: Json = next(
            (
                one
                for server in self._made.by_id.values()
                for one in server["sensors"]
                if one["name"] == name
            ),
            {},
        )
        parse = "text" if isinstance(series.get("value"), str) else "number"
        known = {key: series[key] for key in _DEFINITION if key in series}
        more = self._made.defined.get(name, {})
        return {"name": name, "cmd": f"read-{name}", "parse": parse} | _DEFINITION | known | more

    def _range(self, text: str) -> Json:
        own = [one for one in self._made.swept if one["range"] == text]
        running = next((one for one in own if one["finished"] is None), None)
        last = next((one for one in own if one["finished"] is not None), None)
        return {
            "range": text,
            "addresses": (running or last or {"total": 254})["total"],
            "ports": [22],
            "user": None,
            "every": 1800.0,
            "labels": {"site": "lisbon"},
            "running": running,
            "last": last,
            "next": None if running else (last["finished"] + 1800 if last else None),
        }

    def _addresses(self) -> Iterator[Json]:
        for one in self._made.by_id.values():
            yield {
                "address": one["addresses"][0],
                "port": one["port"],
                "outcome": "server",
                "reason": one["hostname"],
                "at": one["last_seen"],
                "refusals": 0,
                "retry_at": None,
                "server": one["id"],
            }
        yield from self._made.tried

    def _found(self) -> Iterator[Found]:
        """The incidents that the log's events make."""
        opened: dict[IncidentKey, tuple[Incident, list[Event]]] = {}
        ended: list[tuple[Incident, list[Event]]] = []
        for one in self._made.log:
            event = _event(one)
            key = key_of(event) if event else None
            if event is None or key is None:
                continue
            before, events = opened.pop(key, (None, []))
            after = following(before, event)
            if after is None:
                # A note may come when it is over.
                for over, known in ended:
                    known += [event] if over.id == event.incident else []
                continue
            if after.ended is None:
                opened[key] = after, [*events, event]
            else:
                ended.append((after, [*events, event]))
        for incident, events in (*ended, *opened.values()):
            yield Found(incident, tuple(events), tuple(self._actions(events)))

    def _actions(self, events: list[Event]) -> list[Action]:
        return [
            Action(**(action | {"outcome": ActionOutcome(action["outcome"])}))
            for action in self._made.acted
            if action["server"] == events[0].server
            and sensor_label(action["sensor"], action["instance"]) == events[0].sensor
        ]

    def _hostname(self, server_id: str) -> str:
        found = self._made.by_id.get(server_id)
        return str(found["hostname"]) if found else server_id


def _sensors(one: Json) -> set[str]:
    return {series["name"] for series in one["sensors"]}


def _event(one: Json) -> Event | None:
    """An event of the log; None for one whose type is none of ours."""
    if one["type"] not in tuple(EventType):
        return None
    condition = one["condition"] and Condition(one["condition"])
    return Event(**(one | {"type": EventType(one["type"]), "condition": condition}))


def _is_wanted(event: Json, wanted: EventQuery) -> bool:
    sensor = event["sensor"]
    return (
        wanted.server in (None, event["server"])
        and (wanted.sensor is None or sensor in (wanted.sensor, None))
        and (wanted.sensor is None or sensor is not None)
        and (not wanted.types or event["type"] in wanted.types)
        and (wanted.from_ is None or event["at"] >= wanted.from_)
        and (wanted.to is None or event["at"] < wanted.to)
        and (wanted.text or "").casefold() in event["message"].casefold()
    )


def _cells(
    server_id: str, series: Json, from_: float, to: float, columns: int
) -> tuple[float | None, ...]:
    chance = random.Random(f"{server_id}{series['name']}{series['instance']}")
    phase, hole = chance.random() * 6, chance.randrange(columns * 4)
    width = (to - from_) / columns
    waves = (
        1 + 0.35 * math.sin((from_ + column * width) / 9000 + phase) for column in range(columns)
    )
    cells: list[float | None] = [series["value"] * wave for wave in waves]
    for column in range(hole, min(hole + 6, columns)):
        cells[column] = None
    return tuple(cells)


def _climb(from_: float, top: float, to: float, value: Any) -> Iterator[tuple[float, float]]:
    """A quiet series that climbs to `value` and stays there."""
    if not isinstance(value, int | float):
        return
    for step in itertools.count():
        at = from_ + step * 30
        if at > to:
            return
        share = min(1.0, max(0.0, (at - from_) / (top - from_)))
        yield at, value * (0.3 + 0.7 * share**4)
