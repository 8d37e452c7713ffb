"""The desk: which incidents are open, who has taken them on, and what is silenced, in memory.

Everything that asks whether to tell people, or whether to react, asks here.
"""

import time
from collections.abc import Iterable, Mapping

from outkept.app.herald import Herald
from outkept.model.event import Condition, Event, EventType
from outkept.model.incident import Incident, IncidentKey, following, key_of
from outkept.model.silence import Silence, Subject, silencing
from outkept.store.silences import Silences


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
        self._open: dict[IncidentKey, Incident] = {one.key: one for one in opened}
        self._silences = {one.id: one for one in going_on}

    def take(self, event: Event) -> Incident | None:
        """An event is on disk; the incident that it is about, as it is after it."""
        if event.type is EventType.REMOVED:
            for ended in [one for one in self._open if one[1] == event.server]:
                del self._open[ended]
            return None
        key = key_of(event)
        if key is None:
            return None
        after = following(self._open.get(key), event)
        if after is None or after.ended is not None:
            self._open.pop(key, None)
        else:
            self._open[key] = after
        return after

    def incident(self, key: IncidentKey) -> Incident | None:
        """The open incident of this key."""
        return self._open.get(key)

    def incidents(self, server: str | None = None) -> list[Incident]:
        """Those that are open, the oldest first; of one server where it is given."""
        found = (one for one in self._open.values() if server in (None, one.server))
        return sorted(found, key=lambda one: one.id)

    def suppressed(self, server: str) -> bool:
        """Whether nobody needs to hear of what else is open about this server: it is gone."""
        return (Condition.GONE, server, None) in self._open

    def by_id(self, id: int) -> Incident | None:
        """The open incident of this id."""
        return next((one for one in self._open.values() if one.id == id), None)

    def silence(self, subject: Subject, now: float) -> Silence | None:
        """The silence that holds over something at `now` and ends last; None: nothing does."""
        return silencing(self._silences.values(), subject, now) if self._silences else None

    def silences(self) -> Mapping[int, Silence]:
        """Those that had not ended when they were looked at last, by id."""
        return self._silences

    async def add_silence(self, silence: Silence) -> Silence:
        """Have a silence hold. Raises StoreError; nothing is silenced then."""
        now = time.time()
        added = await self._stored.add(silence, now)
        for id_ in [id_ for id_, one in self._silences.items() if one.ends <= now]:
            del self._silences[id_]
        self._silences[added.id] = added
        self._tell(EventType.SILENCED, f"silence {added.id}: {added.reason}", added.author)
        return added

    async def end_silence(self, id: int, by: str) -> Silence | None:
        """Have a silence end now; None where none of this id goes on. Raises StoreError."""
        ended = await self._stored.end(id, time.time())
        self._silences.pop(id, None)
        if ended is not None:
            self._tell(EventType.SILENCED, f"silence {id} was ended by {by}", by)
        return ended

    def say(self, incident: Incident, type_: EventType, message: str, by: str | None) -> bool:
        """Announce something about an incident: that it is acknowledged, or a note. False: there
        is no room for it now."""
        return self._herald.announce(
            Event(
                time.time(),
                type_,
                message,
                incident.server,
                incident.sensor,
                condition=incident.condition,
                incident=incident.id,
                by=by,
            )
        )

    def _tell(self, type_: EventType, message: str, by: str) -> None:
        self._herald.announce(Event(time.time(), type_, message, by=by))
