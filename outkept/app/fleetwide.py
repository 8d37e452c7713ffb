"""What the API shows of more than one server: sensors across the fleet, discovery, incidents."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Protocol

from outkept.app.coverage import Coverage
from outkept.app.desk import Desk, subject
from outkept.app.desk_source import silenced_view
from outkept.app.fleet import Fleet
from outkept.app.heat import chosen, row_view, spread
from outkept.app.incidents import incident_detail, incident_view
from outkept.app.views import address_view, event_view, sweep_view
from outkept.model.event import EventQuery
from outkept.model.incident import Incident
from outkept.model.ranges import Range
from outkept.model.sensor import Sensor
from outkept.model.sweep import SweepProgress
from outkept.serve import paging
from outkept.serve.source import Page, Points
from outkept.store.incidents import Found
from outkept.store.store import Store

Json = dict[str, Any]

QUARTER_S = 900.0
MOST_SERVERS_BY_READINGS = 1000
"""Servers up to which a heat map may have columns shorter than a quarter of an hour: such are
made of the readings themselves, which takes some milliseconds a server."""
AROUND_S = 600.0
"""Least time before and after an incident that its readings are shown for."""
_POINTS = 240
_AT_ONCE = 20
"""Incidents looked at before the loop may do something else: some milliseconds at most."""


class Schedule(Protocol):
    """When ranges are swept."""

    def progress(self) -> list[SweepProgress]:
        """Running sweeps and the last that ended, newest first."""

    def next_at(self, range_text: str) -> float | None:
        """When the range is swept again (UNIX seconds); None while it is, or waits to be."""


class Fleetwide:
    """Implements those parts of `outkept.serve.source.Source`, which documents each method.
    `every` is the interval of a sensor that names none, in seconds."""

    def __init__(
        self,
        fleet: Fleet,
        library: Sequence[Sensor],
        store: Store,
        *,
        ranges: Sequence[Range],
        crawl: Schedule,
        desk: Desk,
        every: float,
    ) -> None:
        self._fleet = fleet
        self._store = store
        self._ranges = ranges
        self._crawl = crawl
        self._desk = desk
        self._coverage = Coverage(fleet, library, every)

    async def sensors(self) -> list[Json]:
        return await self._coverage.sensors()

    async def sensor(self, name: str) -> Json | None:
        return await self._coverage.sensor(name)

    def sensor_servers(
        self,
        name: str,
        limit: int,
        cursor: str | None,
        *,
        supported: bool | None = None,
        reason: str | None = None,
    ) -> Page | None:
        found = self._coverage.servers(name, supported=supported, reason=reason)
        return None if found is None else paging.page(found, _by_name, limit, cursor)

    async def heatmap(
        self, sensor: str, from_: float, to: float, columns: int, most: int, order: str
    ) -> Json:
        narrow = (to - from_) / columns < QUARTER_S
        if narrow and len(self._fleet) > MOST_SERVERS_BY_READINGS:
            raise ValueError(
                f"a column is less than {QUARTER_S:g} s wide, which takes too long with more"
                f" than {MOST_SERVERS_BY_READINGS:,} servers: ask for fewer columns"
            )
        rows = await self._store.heatmap(sensor, from_, to, columns)
        # Ten thousand rows take a tenth of a second: not in the loop.
        picked, parts = await asyncio.to_thread(
            lambda: (chosen(rows, most, order), spread(rows, columns))
        )
        return {
            "from": from_,
            "to": to,
            "columns": columns,
            "total": len(rows),
            "spread": parts,
            "rows": [row_view(row, self._name) for row in picked],
        }

    def ranges(self) -> list[Json]:
        sweeps = self._crawl.progress()
        return [_range_view(rng, sweeps, self._crawl.next_at(rng.text)) for rng in self._ranges]

    async def address_outcomes(self) -> list[Json]:
        return [
            {"outcome": outcome, "reason": reason, "addresses": count, "at": at}
            for outcome, reason, count, at in await self._store.address_outcomes()
        ]

    async def addresses(
        self,
        limit: int,
        cursor: str | None,
        *,
        outcome: str | None = None,
        reason: str | None = None,
    ) -> Page:
        page = await self._store.addresses(limit, cursor, outcome=outcome, reason=reason)
        return [address_view(state) for state in page.items], page.next

    async def events(self, limit: int, cursor: str | None, wanted: EventQuery) -> Page:
        page = await self._store.find_events(wanted, limit, cursor)
        return [event_view(event) for event in page.items], page.next

    async def incidents(
        self,
        limit: int,
        cursor: str | None,
        *,
        server: str | None = None,
        state: str | None = None,
        acknowledged: bool | None = None,
    ) -> Page:
        page = await self._store.incidents(
            limit, cursor, server=server, state=state, acknowledged=acknowledged
        )
        views: list[Json] = []
        for number, found in enumerate(page.items):
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)  # each is held against up to a thousand silences
            views.append(self.incident_view(found))
        return views, page.next

    async def incident(self, event: int, now: float) -> Json | None:
        found = await self._store.incident(event)
        if found is None:
            return None
        server = found.incident.server
        view = incident_detail(found, self._name(server))
        ended = now if view["ended"] is None else view["ended"]
        around = max(AROUND_S, (ended - view["started"]) / 4)
        from_, to = view["started"] - around, min(ended + around, now)
        points: Points = []
        if server is not None and view["sensor"] is not None:
            points = await self._store.history(
                server, view["sensor"], view["instance"], from_, max(from_, to), _POINTS
            )
        return (
            view
            | self._silenced(found.incident)
            | self._limits(server or "", view["sensor"] or "", view["instance"])
            | {"readings": {"from": from_, "to": to, "points": points}}
        )

    def incident_view(self, found: Found) -> Json:
        """An incident as lists have it."""
        incident = found.incident
        view = incident_view(incident, found.actions, self._name(incident.server))
        return view | self._silenced(incident)

    def _silenced(self, incident: Incident) -> Json:
        """The silence that holds over what is wrong; what is over needs none."""
        live = self._fleet.get(incident.server) if incident.server is not None else None
        if live is None or incident.ended is not None:
            return {"silenced": None}
        about = subject(live, incident.sensor or "")
        return {"silenced": silenced_view(self._desk.silence(about, time.time()))}

    def _limits(self, server: str, sensor: str, instance: str | None) -> Json:
        """What the series is measured in and against, where the server still has it."""
        live = self._fleet.get(server)
        series = live.series.get((sensor, instance)) if live is not None else None
        defined = series.sensor if series is not None else Sensor(sensor, "")
        return {
            "unit": defined.unit,
            "warning": defined.warning,
            "alarm": defined.alarm,
            "inverted": defined.inverted,
            "now": series.value if series is not None else None,
        }

    def _name(self, server: str | None) -> str:
        live = self._fleet.get(server) if server is not None else None
        return live.name if live is not None else server or ""


def _by_name(server: Json) -> paging.Position:
    return [server["hostname"].casefold(), server["id"]]


def _range_view(rng: Range, sweeps: Sequence[SweepProgress], next_at: float | None) -> Json:
    own = [sweep for sweep in sweeps if sweep.range == rng.text]
    running = next((sweep for sweep in own if sweep.finished is None), None)
    last = next((sweep for sweep in own if sweep.finished is not None), None)
    return {
        "range": rng.text,
        "addresses": len(rng),
        "ports": list(rng.ports),
        "user": rng.user,
        "every": rng.every,
        "labels": dict(rng.labels),
        "running": sweep_view(running) if running else None,
        "last": sweep_view(last) if last else None,
        "next": next_at,
    }
