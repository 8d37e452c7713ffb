"""A fleet that exists only in memory: a Source whose servers tests change at will."""

import itertools
import math
import random
import time
from collections.abc import Iterable, Sequence
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from outkept.app.desk_source import silenced_view
from outkept.model.event import sensor_label
from outkept.serve.live import Hub
from outkept.serve.paging import page
from outkept.serve.source import Json, Page, Points
from tests.serve.control import Control
from tests.serve.fleetwide import Fleetwide
from tests.serve.notices import MadeUpNotices
from tests.serve.reacting import Reacting

DETAILS = ("identity", "endpoints", "unsupported")
DEFINITIONS = ("description", "warning", "alarm", "inverted", "group", "every", "reactive")
QUEUED_UP = (
    "load, mysql and 2 more need 3.4 channel-seconds a second and the server allows 2:"
    " read them every 17 s, or set MaxSessions to 4"
)
_DISTROS = ("Debian GNU/Linux 12 (bookworm)", "Alpine Linux v3.20", "Rocky Linux 9.4 (Blue Onyx)")
_ROLES = ("web", "db", "mail", "cache", "build", "edge")
_SITES = ("lisbon", "porto", "madrid")


def sensor(name: str, value: float | str | None, unit: str = "", **more: Any) -> Json:
    """One series as the API has it: normal and read just now, unless `more` says otherwise."""
    defaults: Json = {"instance": None, "status": "normal", "at": time.time(), "reason": None}
    return {"name": name, "value": value, "unit": unit} | defaults | more


def server(server_id: str, hostname: str, **more: Any) -> Json:
    """One server as `Source.server` has it."""
    now = time.time()
    defaults: Json = {
        "addresses": ["10.0.0.1"],
        "port": 22,
        "status": "normal",
        "connected": True,
        "queued_up": False,
        "channels": {
            "limit": 8,
            "busy": 1,
            "queued": 0,
            "oldest_wait_s": 0.0,
            "missed": 0,
            "refused": 0,
            "queued_up": "",
        },
        "sensors": [],
        "facts": {
            "os": _DISTROS[0],
            "kernel": "6.1.0-21-amd64",
            "architecture": "x86_64",
            "cpus": 4,
            "memory_bytes": 8 * 2**30,
            "ssh_version": "OpenSSH_9.2p1 Debian-2+deb12u3",
        },
        "labels": {},
        "first_seen": now - 12 * 86400,
        "last_seen": now,
        "muted": [],
        "quiet": False,
        "identity": {
            "host_key": "ssh-ed25519 SHA256:J7g1e6E1cUuLQzK4tTt0r5aW9m3yDk8zq0Zb1nXf5hM",
            "machine_id": "6f3c1b2a9d8e4f70a1b2c3d4e5f60718",
            "boot_id": "0d8f5f0e-63a4-4d0e-9a53-2f1f3f6a7c11",
            "hostname": hostname,
            "macs": ["52:54:00:12:34:56"],
        },
        "endpoints": [{"address": "10.0.0.1", "port": 22}],
        "user": "outkept",
        "unsupported": {"mdraid": "the verifier did not say yes", "zfs": "no zpool command"},
    }
    return {"id": server_id, "hostname": hostname} | defaults | more


class Fleet(Fleetwide):
    """A Source in memory. `put` and `remove` tell the hub, once there is one."""

    def __init__(self, servers: Iterable[Json] = ()) -> None:
        super().__init__()
        self.by_id = {one["id"]: one for one in servers}
        self.hub: Hub | None = None
        self.log: list[Json] = []
        self.acted: list[Json] = []
        self.swept: list[Json] = []
        self.configured = ["10.0.0.0/24"]
        self.not_ready = ""
        self.reactions = Reacting()
        self.notices = MadeUpNotices()
        self._ids = itertools.count(1)
        self.control = Control(self)

    def put(self, changed: Json) -> None:
        """This server is new or different."""
        self.by_id[changed["id"]] = changed
        if self.hub:
            self.hub.changed(changed["id"])

    def change(self, server_id: str, **changes: Any) -> None:
        """Some keys of a server are different."""
        self.put(self.by_id[server_id] | changes)

    def read(self, server_id: str, name: str, **changes: Any) -> None:
        """A series has a new reading."""
        old = self.by_id[server_id]["sensors"]
        new = [one | {"at": time.time()} | changes if one["name"] == name else one for one in old]
        self.change(server_id, sensors=new, last_seen=time.time())

    def remove(self, server_id: str) -> None:
        """This server left the inventory."""
        del self.by_id[server_id]
        if self.hub:
            self.hub.removed(server_id)

    def tell(self, type_: str, message: str, **more: Any) -> Json:
        """Something happened."""
        event: Json = {"server": None, "sensor": None, "value": None, "at": time.time()}
        event |= {"condition": None, "incident": None, "by": None}
        event |= {"id": next(self._ids), "type": type_, "message": message} | more
        event["incident"] = event["incident"] or self.joined(event)
        self.log.append(event)
        if self.hub:
            self.hub.event(event)
            for server_id in self.by_id if type_ == "silenced" else ():
                self.hub.changed(server_id)
        return event

    def find(self, status: str | None, q: str | None) -> Sequence[tuple[str, str]]:
        found = []
        for one in self.by_id.values():
            texts = [one["hostname"], one["id"], *one["addresses"], *one["labels"].values()]
            has = not q or any(q.casefold() in text.casefold() for text in texts)
            if has and status in (None, one["status"]):
                found.append((one["hostname"], one["id"]))
        return found

    def ids(self) -> Sequence[str]:
        return list(self.by_id)

    def summary(self, server_id: str) -> Json | None:
        found = self.by_id.get(server_id)
        return self._brief(found) if found else None

    def server(self, server_id: str) -> Json | None:
        found = self.by_id.get(server_id)
        if found is None:
            return None
        sensors = [one | {"silenced": self._of_series(server_id, one)} for one in found["sensors"]]
        silence = self.own_desk.silencing(server_id, "")
        return found | {"silenced": silenced_view(silence), "sensors": sensors}

    def _brief(self, one: Json) -> Json:
        return _brief(one) | self.own_desk.muted(one)

    def _of_series(self, server_id: str, series: Json) -> Json | None:
        label = sensor_label(series["name"], series["instance"])
        return silenced_view(self.own_desk.silencing(server_id, label))

    def stats(self) -> Json:
        counts = dict.fromkeys(("warned", "alarmed", "fired", "feeds"), 0)
        for event in self.log:
            if event["type"] in counts:
                counts[event["type"]] += 1
        series = sum(len(one["sensors"]) for one in self.by_id.values())
        counters = {"servers": len(self.by_id), "sensors": series, "events_per_s": 1.5}
        stopped = {"reactions_stopped": self.reactions.stopped}
        return counters | counts | stopped | self.notices.standing()

    def sweeps(self) -> list[Json]:
        return sorted(self.swept, key=lambda sweep: -sweep["started"])

    async def start_sweep(self, range_text: str | None) -> list[Json]:
        if range_text is not None and range_text not in self.configured:
            raise KeyError(range_text)
        started = [
            sweep(f"s{next(self._ids)}", one)
            for one in ([range_text] if range_text else self.configured)
        ]
        self.swept += started
        return started

    async def actions(self, limit: int, cursor: str | None, *, server: str | None = None) -> Page:
        wanted = [action for action in self.acted if server in (None, action["server"])]
        return page(wanted, lambda action: [action["id"]], limit, cursor, newest_first=True)

    async def history(
        self,
        server_id: str,
        sensor: str,
        instance: str | None,
        from_: float,
        to: float,
        points: int,
    ) -> Points | None:
        for one in self.by_id.get(server_id, {"sensors": []})["sensors"]:
            if (one["name"], one["instance"]) == (sensor, instance):
                return _curve(one["value"], f"{server_id}{sensor}{instance}", from_, to, points)
        return None

    async def metrics(self) -> Sequence[Metric]:
        return [GaugeMetricFamily("outkept_servers", "Servers known.", value=len(self.by_id))]

    def ready(self) -> str:
        return self.not_ready


def _brief(one: Json) -> Json:
    brief = {key: value for key, value in one.items() if key not in DETAILS}
    brief["sensors"] = [
        {key: value for key, value in series.items() if key not in DEFINITIONS}
        for series in one["sensors"]
    ]
    return brief


def _curve(value: Any, seed: str, from_: float, to: float, points: int) -> Points:
    if not isinstance(value, int | float):
        return []
    chance = random.Random(seed)
    phase, wave = chance.random() * 6, chance.uniform(900, 5000)
    step = (to - from_) / points
    result: Points = []
    for index in range(points):
        at = from_ + (index + 0.5) * step
        mean = value * (1 + 0.3 * math.sin(at / wave + phase) + 0.06 * math.sin(at / 97 + phase))
        spread = abs(value) * 0.05 * (1 + math.sin(at / 311))
        result.append((at, mean - spread, mean, mean + spread))
    return result


def sweep(sweep_id: str, range_text: str, **more: Any) -> Json:
    """A sweep that has just begun, unless `more` says otherwise."""
    defaults: Json = {
        "started": time.time(),
        "total": 254,
        "done": 0,
        "found": 0,
        "rate": 0.0,
        "left_s": None,
        "finished": None,
        "outcomes": {},
    }
    return {"id": sweep_id, "range": range_text} | defaults | more


def varied(count: int = 32, seed: int = 7) -> Fleet:
    """A fleet as people have it: mostly well, some busy, some ill, some away."""
    chance = random.Random(seed)
    fleet = Fleet(_one(index, chance) for index in range(count))
    now = time.time()
    fleet.swept = [
        sweep("s1", "10.0.0.0/16", total=65534, done=27100, found=count, rate=1000.0, left_s=38.4),
        sweep("s0", "192.168.1.0/24", started=now - 900, done=254, found=9, finished=now - 600),
    ]
    _make_ill(fleet, list(fleet.by_id))
    return fleet


def _one(index: int, chance: random.Random) -> Json:
    role, site = _ROLES[index % len(_ROLES)], _SITES[index % len(_SITES)]
    now = time.time()
    sensors = [
        sensor("load", round(chance.uniform(0.02, 2.5), 2), warning=8, alarm=16),
        sensor("cpu", round(chance.uniform(1, 60), 1), "%", warning=85, alarm=95),
        sensor("memory", round(chance.uniform(20, 75), 1), "%", warning=85, alarm=95),
        sensor("disk", round(chance.uniform(5, 70), 1), "%", instance="/", warning=85, alarm=95),
        sensor("disk", round(chance.uniform(5, 70), 1), "%", instance="/var", warning=85, alarm=95),
        sensor("network_in", chance.uniform(1e3, 4e7), "B/s", instance="eth0"),
        sensor("uptime", chance.uniform(1e4, 9e6), "s"),
        sensor("users", chance.randrange(3)),
        sensor("kernel", "6.1.0-21-amd64"),
    ]
    return server(
        f"{index:04x}b1c2d3e4",
        f"{role}{index // len(_ROLES) + 1:02d}.{site}.example.net",
        addresses=[f"10.0.{index // 200}.{index % 200 + 10}"]
        + ([f"2001:db8::{index:x}"] if index % 7 == 0 else []),
        facts=server("", "")["facts"] | {"os": _DISTROS[index % len(_DISTROS)]},
        labels={"site": site, "role": role},
        sensors=sensors,
        last_seen=now,
    )


def _make_ill(fleet: Fleet, ids: list[str]) -> None:
    def ill(position: int, status: str, **changes: Any) -> None:
        if position < len(ids):
            fleet.change(ids[position], status=status, **changes)

    if len(ids) > 3:
        fleet.read(ids[2], "load", value=23.4, status="alarmed")
        fleet.read(ids[3], "memory", value=91.2, status="warned")
    ill(2, "alarmed")
    ill(3, "warned")
    for position in (8, 15):
        ill(position, "disconnected", connected=False, last_seen=time.time() - 5400)
    ill(21, "quarantined", connected=False)
    if len(ids) > 10:
        fleet.read(ids[10], "disk", value=97.5, status="fired")
        ill(10, "alarmed")
        channels = fleet.by_id[ids[5]]["channels"] | {
            "limit": 2,
            "busy": 2,
            "queued": 7,
            "oldest_wait_s": 14.2,
            "missed": 31,
            "queued_up": QUEUED_UP,
        }
        fleet.change(ids[5], queued_up=True, channels=channels)
        fleet.read(ids[6], "users", status="failed", reason="exit status 127: who: not found")
        fleet.read(ids[7], "load", status="stale", at=time.time() - 300)
    _tell_what_happened(fleet, ids)


def _tell_what_happened(fleet: Fleet, ids: list[str]) -> None:
    for server_id in ids[:6]:
        fleet.tell("connected", "connected as outkept", server=server_id)
    if len(ids) > 10:
        fleet.tell("warned", "memory is 91.2 %", server=ids[3], sensor="memory", value=91.2)
        fleet.tell("alarmed", "load is 23.4", server=ids[2], sensor="load", value=23.4)
        fleet.tell("queued_up", QUEUED_UP, server=ids[5])
        fleet.tell("fired", "disk[/] ran: journalctl --vacuum-size=200M", server=ids[10])
        fleet.tell("disconnected", "no answer for 15 s", server=ids[8])
        fleet.acted.append(
            {
                "id": 1,
                "at": time.time() - 60,
                "server": ids[10],
                "sensor": "disk",
                "instance": "/",
                "command": "journalctl --vacuum-size=200M",
                "outcome": "done",
                "reason": "disk[/] entered alarm at 97.5 %",
                "status": 0,
                "output": "Vacuuming done, freed 1.2G of archived journals",
                "finished_at": time.time() - 58,
                "incident": None,
                "step": 1,
                "by": "",
            }
        )


def breathe(fleet: Fleet, chance: random.Random, count: int = 6) -> None:
    """A few servers have new readings."""
    up = [key for key, one in fleet.by_id.items() if one["connected"]]
    for server_id in chance.sample(up, min(count, len(up))):
        one = fleet.by_id[server_id]
        fleet.change(
            server_id,
            sensors=[_moved(series, chance) for series in one["sensors"]],
            last_seen=time.time(),
        )


def _moved(series: Json, chance: random.Random) -> Json:
    if series["status"] in ("failed", "stale") or not isinstance(series["value"], float):
        return series
    value = series["value"]
    moved = value if series["unit"] == "s" else value * chance.uniform(0.96, 1.04)
    if series["unit"] == "%":
        moved = min(moved, 99.0)
    return series | {"value": round(moved, 2), "at": time.time()}
