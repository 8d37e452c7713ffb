"""The fleet as a client of the websocket sees it: frames in, state out. No I/O, no clock."""

import heapq
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

MOST_EVENTS = 200
MOST_SERVERS = 100_000
"""A daemon that names more has lost its mind, or is none."""

_STATUS_BADNESS = {"quarantined": 400, "alarmed": 300, "disconnected": 250, "warned": 200}
_SENSOR_BADNESS = {"fired": 3, "alarmed": 3, "failed": 2, "warned": 1}
_QUEUED_UP = 40
_MOST_FAILING = 5


class FrameError(ValueError):
    """A frame that can't follow what came before: a new snapshot is needed."""


@dataclass(slots=True)
class Mirror:
    """What the daemon has told so far. `now` is its clock at the last frame that told it;
    `events` are newest first; `counts` are servers by status, and `queued_up`."""

    servers: dict[str, Json] = field(default_factory=dict)
    stats: Json = field(default_factory=dict)
    sweeps: list[Json] = field(default_factory=list)
    events: deque[Json] = field(default_factory=lambda: deque(maxlen=MOST_EVENTS))
    now: float | None = None
    seq: int | None = None
    _badness: dict[str, int] = field(default_factory=dict)

    def apply(self, frame: object) -> None:
        """Take one frame. Frames of a type that isn't known are for newer clients.

        Raises FrameError for a gap in the numbers or a shape that makes no sense.
        """
        if not isinstance(frame, dict):
            raise FrameError("a frame that is no object")
        take = _TAKERS.get(str(frame.get("type")))
        if take is None:
            return
        try:
            take(self, frame)
        except FrameError:
            raise
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise FrameError(
                f"a {frame.get('type')} frame that makes no sense: {error!r}"
            ) from None
        now = frame.get("now")
        if isinstance(now, int | float):
            self.now = float(now)

    def remember(self, events: Iterable[Json]) -> None:
        """Put in events that were asked for otherwise, newest first, where they belong."""
        have = {event.get("id"): event for event in (*events, *self.events)}
        numbered = [event for event in have.values() if isinstance(event.get("id"), int)]
        self.events.clear()
        self.events.extend(heapq.nlargest(MOST_EVENTS, numbered, key=lambda event: event["id"]))

    def worst(self, most: int) -> list[Json]:
        """The servers that need attention first, the others by name."""
        return heapq.nsmallest(most, self.servers.values(), key=self._order)

    @property
    def counts(self) -> dict[str, int]:
        """Servers by status, and under `queued_up` those that are."""
        counts: dict[str, int] = {}
        for server in self.servers.values():
            status = str(server.get("status"))
            counts[status] = counts.get(status, 0) + 1
            if server.get("queued_up"):
                counts["queued_up"] = counts.get("queued_up", 0) + 1
        return counts

    def _order(self, server: Json) -> tuple[int, str, str]:
        name = str(server.get("hostname") or "").casefold()
        return (-self._badness[server["id"]], name, server["id"])

    def _snapshot(self, frame: Json) -> None:
        servers = {_id(server): server for server in frame["servers"]}
        if len(servers) > MOST_SERVERS:
            raise FrameError(f"a snapshot of {len(servers):,} servers")
        ranks = {server_id: badness(server) for server_id, server in servers.items()}
        self.servers, self._badness, self.seq = servers, ranks, int(frame["seq"])

    def _delta(self, frame: Json) -> None:
        seq = int(frame["seq"])
        if self.seq is None or seq != self.seq + 1:
            raise FrameError(f"frame {seq} came after {self.seq}")
        self.seq = seq
        for change in frame.get("servers", []):
            self._change(change)
        for server_id, keys in frame.get("gone", {}).items():
            self._lose(server_id, {(name, instance) for name, instance in keys})
        for server_id in frame.get("removed", []):
            self.servers.pop(server_id, None)
            self._badness.pop(server_id, None)

    def _change(self, change: Json) -> None:
        server_id = _id(change)
        known = self.servers.get(server_id)
        if known is None:
            if len(self.servers) >= MOST_SERVERS:
                raise FrameError(f"more than {MOST_SERVERS:,} servers")
            self._put(server_id, change)
        else:
            sensors = _merged(known.get("sensors", []), change.get("sensors", []))
            self._put(server_id, {**known, **change, "sensors": sensors})

    def _lose(self, server_id: str, gone: set[tuple[str, str | None]]) -> None:
        known = self.servers.get(server_id)
        if known is None:
            return
        kept = [sensor for sensor in known.get("sensors", []) if _key(sensor) not in gone]
        self._put(server_id, {**known, "sensors": kept})

    def _put(self, server_id: str, server: Json) -> None:
        # Ranked first: a server that makes no sense must not come in half.
        self._badness[server_id] = badness(server)
        self.servers[server_id] = server

    def _event(self, frame: Json) -> None:
        # Within a frame the oldest comes first.
        for event in frame["events"]:
            self.events.appendleft(dict(event))

    def _stats(self, frame: Json) -> None:
        self.stats = {key: value for key, value in frame.items() if key != "sweeps"}
        self.sweeps = [dict(sweep) for sweep in frame.get("sweeps", [])]


_TAKERS = {
    "snapshot": Mirror._snapshot,
    "delta": Mirror._delta,
    "event": Mirror._event,
    "stats": Mirror._stats,
}


def badness(server: Json) -> int:
    """How much a server needs attention; 0 when all is well."""
    status = _STATUS_BADNESS.get(str(server.get("status")), 0)
    queued = _QUEUED_UP if server.get("queued_up") else 0
    bad = (_SENSOR_BADNESS.get(str(s.get("status")), 0) for s in server.get("sensors", []))
    # A status outweighs whatever else there is, so the list is in the order of the words.
    return status + queued + min(sum(bad), _MOST_FAILING)


def _merged(known: list[Json], changed: list[Json]) -> list[Json]:
    if not changed:
        return known
    by_key = {_key(sensor): sensor for sensor in known}
    by_key.update((_key(sensor), sensor) for sensor in changed)
    return list(by_key.values())


def _key(sensor: Json) -> tuple[str, str | None]:
    return sensor["name"], sensor["instance"]


def _id(server: Json) -> str:
    server_id = server["id"]
    if not isinstance(server_id, str):
        raise FrameError("a server whose id is no text")
    return server_id
