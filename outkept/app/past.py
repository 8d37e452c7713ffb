"""What was known before a restart, given back to each server's series once."""

from collections.abc import Iterable

from outkept.app.fleet import SeriesKey
from outkept.app.judge import Held
from outkept.model.event import Condition, split_label
from outkept.model.incident import Incident
from outkept.model.level import Level
from outkept.model.reading import Value
from outkept.store.store import Store


class Past:
    """Last values, and what open incidents say is still held: levels of series, and conditions of
    sensors and servers.

    A level change is on disk, as an event and in its incident, before anything follows from it:
    an open alarm isn't entered, and its reaction isn't run, a second time.
    """

    def __init__(
        self,
        values: Iterable[tuple[str, SeriesKey, Value, float]],
        levels: Iterable[tuple[str, Held]],
        faults: Iterable[tuple[str, str, Condition]] = (),
        gone: Iterable[str] = (),
    ) -> None:
        self._values: dict[str, list[tuple[SeriesKey, Value, float]]] = {}
        for server, key, value, at in values:
            self._values.setdefault(server, []).append((key, value, at))
        self._levels: dict[str, list[Held]] = {}
        for server, held in levels:
            self._levels.setdefault(server, []).append(held)
        self._faults: dict[str, list[tuple[str, Condition]]] = {}
        for server, sensor, condition in faults:
            self._faults.setdefault(server, []).append((sensor, condition))
        self._gone = set(gone)

    def values(self, server: str) -> list[tuple[SeriesKey, Value, float]]:
        """The last value of each series, with its time."""
        return self._values.get(server, [])

    def levels(self, server: str) -> list[Held]:
        """The series that were warned, alarmed or flapping."""
        return self._levels.get(server, [])

    def faults(self, server: str) -> list[tuple[str, Condition]]:
        """The sensors that failed or were silent."""
        return self._faults.get(server, [])

    def was_gone(self, server: str) -> bool:
        """Whether it was gone."""
        return server in self._gone

    def forget(self, server: str) -> None:
        """The server has been given what it had."""
        self._values.pop(server, None)
        self._levels.pop(server, None)
        self._faults.pop(server, None)
        self._gone.discard(server)


async def recall(store: Store) -> Past:
    """Everything the store knows of what was before. Raises StoreError."""
    values = [
        (last.server, (last.sensor, last.instance), last.value, last.at)
        for last in await store.last_readings()
        if last.value is not None
    ]
    levels, faults, gone = [], [], []
    for one in await store.open_incidents():
        if one.server is None:
            continue
        if one.sensor is None:
            gone.append(one.server)
        elif one.condition is Condition.LEVEL:
            key, fired = split_label(one.sensor), await _fired(store, one)
            levels.append((one.server, Held(key, one.level, fired, one.flapping)))
        else:
            faults.append((one.server, one.sensor, one.condition))
    return Past(values, levels, faults, gone)


async def _fired(store: Store, incident: Incident) -> bool:
    """Whether the reaction to an alarm that is still open has run, or may have."""
    if incident.level is not Level.ALARMED:
        return False
    found = await store.incident(incident.id)
    return found is not None and any(one.outcome.may_have_run for one in found.actions)
