"""Which servers each override touches, and what comes of its sensors there. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from outkept.config.durations import format_duration
from outkept.config.overrides import MatchSubject, matches
from outkept.config.settings import Override, SensorChange
from outkept.model.sensor import Sensor

Json = dict[str, Any]

MOST_SHOWN = 100
"""Servers of an override that are named."""
_WRITTEN = {name: info.alias or name for name, info in SensorChange.model_fields.items()}


@dataclass(slots=True)
class _Touched:
    """One override. `holds` counts the servers on which a key of a sensor is what it says."""

    servers: list[tuple[str, str]] = field(default_factory=list)
    holds: Counter[tuple[str, str]] = field(default_factory=Counter)


class Preview:
    """Made of overrides and the sensors they are about; `add` it the servers, one by one."""

    def __init__(self, overrides: Sequence[Override], library: Iterable[Sensor]) -> None:
        self._overrides = overrides
        self._library = {sensor.name: sensor for sensor in library}
        self._touched = [_Touched() for _ in overrides]
        self._given = [
            {name: change.given() for name, change in override.set.items()}
            for override in overrides
        ]

    def add(self, id: str, server: MatchSubject, having: Collection[str] | None) -> None:
        """Take a server into account; `having` are the sensors it has, None while unknown: then
        it may have any."""
        taken: set[tuple[str, str]] = set()
        for override, touched, given in zip(
            self._overrides, self._touched, self._given, strict=True
        ):
            if not matches(override.match, server):
                continue
            touched.servers.append((server.hostname, id))
            for name, changes in given.items():
                if having is not None and name not in having:
                    continue
                won = {(name, key) for key in changes} - taken
                touched.holds.update(won)
                taken |= won

    def views(self) -> list[Json]:
        """Each override in the shape of `serve.shapes_overrides.Override`, in their order."""
        return [
            {
                "number": number,
                "match": override.match.written,
                "servers": len(touched.servers),
                "first": [
                    {"id": id_, "hostname": hostname}
                    for hostname, id_ in sorted(touched.servers)[:MOST_SHOWN]
                ],
                "sensors": [
                    {"sensor": name, "changes": self._changes(name, changes, touched)}
                    for name, changes in given.items()
                ],
            }
            for number, (override, touched, given) in enumerate(
                zip(self._overrides, self._touched, self._given, strict=True), 1
            )
        ]

    def _changes(self, name: str, changes: dict[str, object], touched: _Touched) -> list[Json]:
        sensor = self._library.get(name)
        return [
            {
                "key": written,
                "from": None if sensor is None else _shown(key, sensor.for_s, getattr(sensor, key)),
                "to": _shown(key, changes.get("for_s"), value),
                "servers": touched.holds[name, key],
            }
            for key, value in changes.items()
            if (written := _WRITTEN.get(key))
        ]


def _shown(key: str, for_s: object, value: object) -> object:
    """A key's value; of `for` the time, as it is written, or the number of readings."""
    if key == "for_" and isinstance(for_s, float | int) and for_s:
        return format_duration(for_s)
    return value
