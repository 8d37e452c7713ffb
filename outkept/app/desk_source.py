"""What the API shows of the desk, and what it has done there."""

import asyncio
import time
from collections.abc import Callable
from math import inf
from typing import Any

from outkept.app.desk import Desk, subject
from outkept.app.fleet import Fleet, LiveServer
from outkept.app.views import series_name
from outkept.model.event import Event, EventType, sensor_label
from outkept.model.incident import Incident
from outkept.model.silence import DAYS, Silence, SilenceState, Weekly, clock
from outkept.model.silencing import longest
from outkept.serve.desk import FullError, NotThereError, NotWrittenError, OverError
from outkept.serve.source import Page
from outkept.store.errors import StoreError
from outkept.store.incidents import Found
from outkept.store.silences import Silences, TooManySilences
from outkept.store.store import Store

Json = dict[str, Any]

MOST_SHOWN = 100
"""Servers that a silence is shown to match."""
_AT_ONCE = 100
"""Servers, or silences, looked at before the loop may do something else: a few milliseconds."""


class DeskSource:
    """Implements `outkept.serve.desk.Desk`, which documents each method. `view` shows an
    incident."""

    def __init__(
        self, desk: Desk, fleet: Fleet, store: Store, view: Callable[[Found], Json]
    ) -> None:
        self._desk = desk
        self._fleet = fleet
        self._store = store
        self._stored = Silences(store)
        self._view = view

    async def silences(self, limit: int, cursor: str | None, state: str | None) -> Page:
        now = time.time()
        wanted = None if state is None else SilenceState(state)
        page = await self._stored.page(limit, cursor, now, wanted)
        views: list[Json] = []
        for number, one in enumerate(page.items):
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
            views.append(silence_view(one, now))
        return views, page.next

    async def silence(self, id: int) -> Json:
        found = await self._stored.get(id)
        if found is None:
            raise NotThereError(_no_silence(id))
        return await self.preview(found)

    async def preview(self, silence: Silence) -> Json:
        return silence_view(silence, time.time()) | await self._matched(silence)

    async def add_silence(self, silence: Silence) -> Json:
        try:
            added = await self._desk.add_silence(silence)
        except TooManySilences as error:
            raise FullError(str(error)) from None
        except StoreError as error:
            raise NotWrittenError(str(error)) from None
        return await self.preview(added)

    async def end_silence(self, id: int, by: str) -> Json:
        try:
            ended = await self._desk.end_silence(id, by)
            if ended is None and await self._stored.get(id) is None:
                raise NotThereError(_no_silence(id))
        except StoreError as error:
            raise NotWrittenError(str(error)) from None
        if ended is None:
            raise OverError(f"silence {id} is over already")
        return silence_view(ended, time.time())

    async def acknowledge(self, event: int, by: str, comment: str) -> Json:
        incident = await self._open(event)
        text = f"{self._about(incident)} is acknowledged by {by}"
        text = f"{text}: {comment}" if comment else text
        view = await self._said(incident, EventType.ACKNOWLEDGED, text, by)
        if view["acknowledged"] is None:
            raise OverError(f"incident {incident.id} ended in the same moment")
        return view

    async def withdraw(self, event: int, by: str) -> Json:
        incident = await self._open(event)
        if not incident.acknowledged:
            raise OverError(f"nobody has acknowledged incident {incident.id}")
        text = f"{self._about(incident)} is no longer acknowledged, says {by}"
        return await self._said(incident, EventType.UNACKNOWLEDGED, text, by)

    async def note(self, event: int, by: str, text: str) -> Json:
        incident = (await self._found(event)).incident
        text = f"{self._about(incident)}: {by} notes: {text}"
        return await self._said(incident, EventType.NOTE, text, by)

    async def _found(self, event: int) -> Found:
        try:
            found = await self._store.incident(event)
        except StoreError as error:
            raise NotWrittenError(str(error)) from None
        if found is None:
            raise NotThereError(f"event {event} is part of no incident; GET /api/v1/incidents")
        return found

    async def _open(self, event: int) -> Incident:
        incident = (await self._found(event)).incident
        still = self._desk.by_id(incident.id)
        if still is None:
            raise OverError(f"incident {incident.id} is over; a note can still be written to it")
        return still

    async def _said(self, incident: Incident, type_: EventType, text: str, by: str) -> Json:
        try:
            written: Event | None = await self._desk.said(incident, type_, text, by)
        except TimeoutError:
            raise NotWrittenError(
                "the disk is slow: it is written once the disk takes it; look again later"
            ) from None
        if written is None:
            raise NotWrittenError("too many events wait for the disk; try again later")
        return self._view(await self._found(incident.id))

    def _about(self, incident: Incident) -> str:
        """What an incident is about, as the texts of events begin."""
        if incident.server is None:
            return incident.sensor or "everything"
        live = self._fleet.get(incident.server)
        name = live.name if live is not None else incident.server
        return f"{name}: {incident.sensor}" if incident.sensor else name

    async def _matched(self, silence: Silence) -> Json:
        """How many servers and series it matches, and which servers first."""
        found: list[tuple[str, str, int]] = []
        known: dict[str, bool] = {}
        for number, live in enumerate(self._fleet):
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
            if not silence.matches_server(subject(live)):
                continue
            count = 0
            for label in map(series_name, live.series.values()):
                if label not in known:
                    known[label] = silence.matches_sensor(label)
                count += known[label]
            if count or silence.matches_sensor(""):
                found.append((live.record.identity.hostname, live.record.id, count))
        found.sort(key=lambda one: (one[0].casefold(), one[1]))
        return {
            "servers": len(found),
            "series": sum(count for _, _, count in found),
            "first": [
                {"id": id_, "hostname": hostname, "series": count}
                for hostname, id_, count in found[:MOST_SHOWN]
            ],
        }


def silence_view(silence: Silence, now: float) -> Json:
    """A silence in the API's shape."""
    window = silence.window(now)
    return {
        "id": silence.id,
        "server": silence.server,
        "sensor": silence.sensor,
        "labels": dict(silence.labels),
        "starts": silence.starts,
        "ends": _ending(silence.ends),
        "weekly": None if silence.weekly is None else _weekly_view(silence.weekly),
        "reason": silence.reason,
        "author": silence.author,
        "ended_by": silence.ended_by or None,
        "state": silence.state(now).value,
        "holds": window is not None and window[0] <= now,
        "window": window and {"from": window[0], "to": _ending(window[1])},
    }


def silenced_view(silence: Silence | None) -> Json | None:
    """What is said of something that is silenced."""
    if silence is None:
        return None
    return {"id": silence.id, "ends": _ending(silence.ends), "reason": silence.reason}


def with_silences(view: Json, desk: Desk, live: LiveServer, now: float) -> Json:
    """A server's detail with what silences all of it, and each of its series."""
    over = desk.over(subject(live), now)

    def of(label: str) -> Json | None:
        return silenced_view(longest(one for one in over if one.matches_sensor(label)))

    sensors = [
        one | {"silenced": of(sensor_label(one["name"], one["instance"]))}
        for one in view["sensors"]
    ]
    return view | {"silenced": of(""), "sensors": sensors}


def _weekly_view(weekly: Weekly) -> Json:
    return {
        "days": [DAYS[day] for day in sorted(weekly.days)],
        "from": clock(weekly.start),
        "to": clock(weekly.start + weekly.length),
        "length": weekly.length * 60.0,
        "zone": weekly.zone,
    }


def _ending(at: float) -> float | None:
    """JSON has no infinity."""
    return None if at == inf else at


def _no_silence(id: int) -> str:
    return f"there is no silence {id}; GET /api/v1/silences"
