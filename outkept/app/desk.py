"""The desk: which incidents are open, who has taken them on, and what is silenced, in memory.

Everything that asks whether to tell people, or whether to react, asks here.
"""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from outkept.app.fleet import LiveServer
from outkept.app.herald import Herald
from outkept.model.event import Condition, Event, EventType, sensor_label
from outkept.model.incident import Incident, IncidentKey, following, key_of
from outkept.model.level import Level
from outkept.model.silence import Silence, SilenceState, Subject, to_tell
from outkept.model.silencing import Silencing
from outkept.store.errors import StoreError
from outkept.store.silences import Silences

LOOK_EVERY = 1.0
"""Seconds within which a silence's beginning and end are told."""
TO_DISK_S = 5.0
"""How long what a person says may take to be on disk before they are told that it isn't yet."""

Kind = tuple[Condition, Level, bool]
"""What an incident is about, how bad it is now, and whether somebody has taken it on."""

_log = logging.getLogger(__name__)


class Desk:
    """Used in the event loop only. `take` keeps it in step with the store: it is called with
    every event once that is on disk."""

    def __init__(
        self,
        herald: Herald,
        silences: Silences,
        opened: Iterable[Incident],
        going_on: Iterable[Silence],
    ) -> None:
        self._herald = herald
        self._stored = silences
        self._open: dict[str | None, dict[IncidentKey, Incident]] = {}
        self._keys: dict[int, IncidentKey] = {}
        self._counts: Counter[Kind] = Counter()
        for one in opened:
            self._put(one)
        self._silences = Silencing(going_on)
        self._awaited: dict[Event, asyncio.Future[Event]] = {}

    def take(self, event: Event) -> Incident | None:
        """An event is on disk; the incident that it is about, as it is after it."""
        if self._awaited:
            self._arrived(event)
        if event.type is EventType.REMOVED:
            for ended in self._open.pop(event.server, {}).values():
                del self._keys[ended.id]
                self._counts[_kind(ended)] -= 1
            return None
        key = key_of(event)
        if key is None:
            return None
        after = following(self.incident(key), event)
        if after is None:
            return None
        if after.ended is None:
            self._put(after)
        else:
            self._drop(after)
        return after

    def _put(self, incident: Incident) -> None:
        of_server = self._open.setdefault(incident.server, {})
        if (before := of_server.get(incident.key)) is not None:
            self._counts[_kind(before)] -= 1
        self._counts[_kind(incident)] += 1
        of_server[incident.key] = incident
        self._keys[incident.id] = incident.key

    def _drop(self, incident: Incident) -> None:
        of_server = self._open.get(incident.server, {})
        if (before := of_server.pop(incident.key, None)) is not None:
            self._counts[_kind(before)] -= 1
        if not of_server:
            self._open.pop(incident.server, None)
        self._keys.pop(incident.id, None)

    def incident(self, key: IncidentKey) -> Incident | None:
        """The open incident of this key."""
        return self._open.get(key[1], {}).get(key)

    def incidents(self, server: str | None = None) -> list[Incident]:
        """Those that are open, the oldest first; of one server where it is given."""
        if server is not None:
            found = list(self._open.get(server, {}).values())
        else:
            found = [one for of_server in self._open.values() for one in of_server.values()]
        return sorted(found, key=lambda one: one.id)

    @property
    def counts(self) -> Mapping[Kind, int]:
        """How many are open, by condition, level, and whether somebody has taken them on."""
        return self._counts

    def suppressed(self, server: str) -> bool:
        """Whether nobody needs to hear of what else is open about this server: it is gone."""
        return self.incident((Condition.GONE, server, None)) is not None

    def by_id(self, id: int) -> Incident | None:
        """The open incident of this id."""
        key = self._keys.get(id)
        return None if key is None else self.incident(key)

    def silence(self, subject: Subject, now: float) -> Silence | None:
        """The silence that holds over something at `now` and ends last; None: nothing does."""
        return self._silences.find(subject, now)

    @property
    def silences(self) -> list[Silence]:
        """Those that have not ended, as far as that was noticed."""
        return list(self._silences.by_id.values())

    def over(self, server: Subject, now: float) -> list[Silence]:
        """The silences that hold at `now` over anything of a server's."""
        return self._silences.over(server, now)

    def muted(self, live: LiveServer, now: float) -> frozenset[str]:
        """Which of a server's series are silenced at `now`, by label; ALL where the server is."""
        labels = [sensor_label(*key) for key in live.series]
        return self._silences.muted(subject(live), labels, now)

    async def run(self) -> None:
        """Tell of silences that begin and end, until cancelled."""
        while True:
            try:
                await self._look(time.time())
            except StoreError as error:
                # Told once too often after a restart, rather than never.
                _log.error("what was told of silences can't be written: %s", error)
            await asyncio.sleep(LOOK_EVERY)

    async def _look(self, now: float) -> None:
        for silence in list(self._silences.by_id.values()):
            # Ended meanwhile, it is another.
            while (known := self._silences.by_id.get(silence.id)) and (told := to_tell(known, now)):
                if not self._tell_of(told):
                    return
                if told.told_end:
                    self._silences.drop(told.id)
                else:
                    self._silences.put(told)
                await self._stored.save_told(told)

    def _tell_of(self, silence: Silence) -> bool:
        """Whether there was room for the event."""
        if not silence.told_end:
            what = f"begins: {silence.what}, {silence.when}"
        elif silence.ended_by:
            what = f"is ended by {silence.ended_by}: {silence.what}"
        else:
            what = f"ends: {silence.what}"
        by = (silence.ended_by if silence.told_end else "") or silence.author
        text = f"silence {silence.id} {what} ({silence.author}: {silence.reason})"
        return self._tell(text, by)

    async def add_silence(self, silence: Silence) -> Silence:
        """Have a silence hold. Raises StoreError; nothing is silenced then."""
        now = time.time()
        added = await self._stored.add(silence, now)
        self._silences.put(added)
        if added.state(now) is SilenceState.PENDING:
            text = f"silence {added.id} is planned: {added.what}, {added.when}"
            self._tell(f"{text} ({added.author}: {added.reason})", added.author)
        await self._look_now(now)
        return added

    async def end_silence(self, id: int, by: str) -> Silence | None:
        """Have a silence end now; None where none of this id goes on. Raises StoreError."""
        now = time.time()
        ended = await self._stored.end(id, now, by)
        if ended is not None:
            known = self._silences.by_id.get(id, ended)
            ended = replace(ended, told_begin=known.told_begin)
            self._silences.put(ended)
            await self._look_now(now)
        return ended

    async def _look_now(self, now: float) -> None:
        with contextlib.suppress(StoreError):  # the next round says so
            await self._look(now)

    async def said(
        self, incident: Incident, type_: EventType, message: str, by: str | None
    ) -> Event | None:
        """Announce something about an incident (that it is acknowledged, or a note), and wait
        until it is on disk; the event as it is there. None: there is no room for it now. Raises
        TimeoutError where the disk takes longer than TO_DISK_S; it is written once it can be.
        Cancel-safe in the same way."""
        event = _about(incident, type_, message, by)
        while event in self._awaited:  # two people in the same instant
            event = replace(event, at=event.at + 1e-6)
        arrived = self._awaited[event] = asyncio.get_running_loop().create_future()
        try:
            if not self._herald.announce(event):
                return None
            async with asyncio.timeout(TO_DISK_S):
                written: Event = await arrived
                return written
        finally:
            del self._awaited[event]

    def _arrived(self, written: Event) -> None:
        waiting = self._awaited.get(replace(written, id=0))
        if waiting is not None and not waiting.done():
            waiting.set_result(written)

    def _tell(self, message: str, by: str) -> bool:
        return self._herald.announce(Event(time.time(), EventType.SILENCED, message, by=by))


def subject(live: LiveServer, sensor: str = "") -> Subject:
    """What silences look at: a server, or a series of it by its label."""
    record = live.record
    addresses = tuple(endpoint.address for endpoint in record.endpoints)
    return Subject(record.id, record.identity.hostname, record.labels, sensor, addresses)


def _kind(incident: Incident) -> Kind:
    return incident.condition, incident.level, incident.acknowledged


def _about(incident: Incident, type_: EventType, message: str, by: str | None) -> Event:
    return Event(
        time.time(),
        type_,
        message,
        incident.server,
        incident.sensor,
        condition=incident.condition,
        incident=incident.id,
        by=by,
    )
