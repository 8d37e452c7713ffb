"""The made-up fleet's desk: silences and what people say of incidents, in memory."""

import time
from dataclasses import replace
from typing import Any, Protocol

from outkept.app.desk_source import silence_view
from outkept.model.event import sensor_label
from outkept.model.silence import Silence, Subject
from outkept.model.silencing import ALL, Silencing
from outkept.serve.desk import FullError, NotThereError, OverError
from outkept.serve.paging import page
from outkept.serve.source import Json, Page
from outkept.store.incidents import Found


class Made(Protocol):
    """What the desk needs of its fleet."""

    @property
    def by_id(self) -> dict[str, Json]: ...

    def tell(self, type_: str, message: str, **more: Any) -> Json: ...

    def part_of(self, event: int) -> Found | None: ...

    def incident_view(self, found: Found) -> Json: ...


class MadeDesk:
    """Implements `outkept.serve.desk.Desk`. `most` silences may go on."""

    def __init__(self, made: Made) -> None:
        self._made = made
        self._silences: dict[int, Silence] = {}
        self.most = 1000

    def silencing(self, server: str, sensor: str) -> Silence | None:
        """The silence that holds over a series, or with an empty `sensor` over a server."""
        one = self._made.by_id.get(server)
        if one is None:
            return None
        return Silencing(self._silences.values()).find(_subject(one, sensor), time.time())

    def muted(self, one: Json) -> Json:
        """What a server's summary says of silences."""
        if not self._silences:
            return {}
        labels = {sensor_label(each["name"], each["instance"]): each for each in one["sensors"]}
        silencing = Silencing(self._silences.values())
        muted = silencing.muted(_subject(one, ""), labels, time.time())
        ill = {
            label for label, each in labels.items() if each["status"] not in ("normal", "unknown")
        }
        quiet = one["status"] in ("warned", "alarmed") and bool(muted) and ill <= muted
        return {"muted": sorted(muted), "quiet": muted == ALL or quiet}

    async def silences(self, limit: int, cursor: str | None, state: str | None) -> Page:
        views = [silence_view(one, time.time()) for one in self._silences.values()]
        found = [one for one in views if state in (None, one["state"])]
        return page(found, lambda one: [one["id"]], limit, cursor, newest_first=True)

    async def silence(self, id: int) -> Json:
        if id not in self._silences:
            raise NotThereError(f"there is no silence {id}")
        return await self.preview(self._silences[id])

    async def preview(self, silence: Silence) -> Json:
        found = []
        for one in self._made.by_id.values():
            labels = [sensor_label(each["name"], each["instance"]) for each in one["sensors"]]
            count = sum(silence.matches(_subject(one, label)) for label in labels)
            if count or silence.matches(_subject(one, "")):
                found.append({"id": one["id"], "hostname": one["hostname"], "series": count})
        found.sort(key=lambda one: str(one["hostname"]))
        series = sum(int(one["series"]) for one in found)
        counts = {"servers": len(found), "series": series, "first": found[:100]}
        return silence_view(silence, time.time()) | counts

    async def add_silence(self, silence: Silence) -> Json:
        now = time.time()
        if sum(one.ends > now for one in self._silences.values()) >= self.most:
            raise FullError(f"there are {self.most} silences already; end some")
        added = replace(silence, id=len(self._silences) + 1)
        self._silences[added.id] = added
        self._made.tell("silenced", f"silence {added.id} begins: {added.what}", by=added.author)
        return await self.preview(added)

    async def end_silence(self, id: int, by: str) -> Json:
        now = time.time()
        known = self._silences.get(id)
        if known is None:
            raise NotThereError(f"there is no silence {id}")
        if known.ends <= now:
            raise OverError(f"silence {id} is over already")
        ended = replace(known, starts=min(known.starts, now), ends=now, ended_by=by)
        self._silences[id] = ended
        self._made.tell("silenced", f"silence {id} is ended by {by}", by=by)
        return silence_view(ended, now)

    async def acknowledge(self, event: int, by: str, comment: str) -> Json:
        return self._said(self._open(event), "acknowledged", comment or "taken on", by)

    async def withdraw(self, event: int, by: str) -> Json:
        found = self._open(event)
        if not found.incident.acknowledged:
            raise OverError("nobody has acknowledged it")
        return self._said(found, "unacknowledged", "nobody has it", by)

    async def note(self, event: int, by: str, text: str) -> Json:
        return self._said(self._found(event), "note", text, by)

    def _found(self, event: int) -> Found:
        found = self._made.part_of(event)
        if found is None:
            raise NotThereError(f"event {event} is part of no incident")
        return found

    def _open(self, event: int) -> Found:
        found = self._found(event)
        if found.incident.ended is not None:
            raise OverError(f"incident {found.incident.id} is over")
        return found

    def _said(self, found: Found, type_: str, message: str, by: str) -> Json:
        one = found.incident
        about = {"server": one.server, "sensor": one.sensor, "condition": one.condition}
        self._made.tell(type_, message, by=by, incident=one.id, **about)
        return self._made.incident_view(self._found(one.id))


def _subject(one: Json, sensor: str) -> Subject:
    return Subject(one["id"], one["hostname"], one["labels"], sensor, tuple(one["addresses"]))
