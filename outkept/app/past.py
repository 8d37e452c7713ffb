"""What was known before a restart, given back to each server's series once."""

from collections.abc import Iterable

from outkept.app.fleet import SeriesKey
from outkept.model.action import ActionOutcome
from outkept.model.event import Event, EventType, split_label
from outkept.model.level import Level
from outkept.model.reading import Value
from outkept.store.store import Store

_MAY_HAVE_RUN = (ActionOutcome.DONE, ActionOutcome.UNKNOWN, ActionOutcome.INTENDED)
"""An intent that is left over says as much as *unknown*, which it is about to become."""

_LEVEL_OF = {EventType.WARNED: Level.WARNED, EventType.ALARMED: Level.ALARMED}


class Past:
    """Last values, and the levels that the last level events say are still held.

    A level change is an event on disk before anything follows from it, so the events are
    the truth about which alarms are open: an open one isn't entered, and its reaction isn't
    run, a second time.
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
        (event.server, split_label(event.sensor), _LEVEL_OF[event.type], await _fired(store, event))
        for event in await store.open_levels()
        if event.server is not None and event.sensor is not None
    ]
    return Past(values, levels)


async def _fired(store: Store, event: Event) -> bool:
    """Whether the reaction to an alarm that is still open has run, or may have."""
    if event.type is not EventType.ALARMED or event.server is None or event.sensor is None:
        return False
    name, instance = split_label(event.sensor)
    action = await store.last_action(event.server, name)
    return (
        action is not None
        and action.instance == instance
        and action.at >= event.at
        and action.outcome in _MAY_HAVE_RUN
    )
