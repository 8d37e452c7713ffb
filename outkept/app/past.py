"""What was known before a restart, given back to each server's series once."""

from collections.abc import Iterable

from outkept.app.fleet import SeriesKey
from outkept.model.action import ActionOutcome
from outkept.model.event import Condition, split_label
from outkept.model.incident import Incident
from outkept.model.level import Level
from outkept.model.reading import Value
from outkept.store.store import Store

_MAY_HAVE_RUN = (ActionOutcome.DONE, ActionOutcome.UNKNOWN, ActionOutcome.INTENDED)
"""An intent that is left over says as much as *unknown*, which it is about to become."""


class Past:
    """Last values, and the levels that open incidents say are still held.

    A level change is on disk, as an event and in its incident, before anything follows from it:
    an open alarm isn't entered, and its reaction isn't run, a second time.
    """

    def __init__(
        self,
        values: Iterable[tuple[str, SeriesKey, Value, float]],
        levels: Iterable[tuple[str, SeriesKey, Level, bool]],
    ) -> None:
        self._values: dict[str, list[tuple[SeriesKey, Value, float]]] = {}
        for server, key, value, at in values:
            self._values.setdefault(server, []).append((key, value, at))
        self._levels: dict[str, list[tuple[SeriesKey, Level, bool]]] = {}
        for server, key, level, fired in levels:
            self._levels.setdefault(server, []).append((key, level, fired))

    def values(self, server: str) -> list[tuple[SeriesKey, Value, float]]:
        """The last value of each series, with its time."""
        return self._values.get(server, [])

    def levels(self, server: str) -> list[tuple[SeriesKey, Level, bool]]:
        """The series that were warned or alarmed, and whether their reaction has run."""
        return self._levels.get(server, [])

    def forget(self, server: str) -> None:
        """The server has been given what it had."""
        self._values.pop(server, None)
        self._levels.pop(server, None)


async def recall(store: Store) -> Past:
    """Everything the store knows of what was before. Raises StoreError."""
    values = [
        (last.server, (last.sensor, last.instance), last.value, last.at)
        for last in await store.last_readings()
        if last.value is not None
    ]
    levels = [
        (one.server, split_label(one.sensor), one.level, await _fired(store, one))
        for one in await store.open_incidents()
        if one.condition is Condition.LEVEL and one.server is not None and one.sensor is not None
    ]
    return Past(values, levels)


async def _fired(store: Store, incident: Incident) -> bool:
    """Whether the reaction to an alarm that is still open has run, or may have."""
    if incident.level is not Level.ALARMED:
        return False
    found = await store.incident(incident.id)
    return found is not None and any(one.outcome in _MAY_HAVE_RUN for one in found.actions)
