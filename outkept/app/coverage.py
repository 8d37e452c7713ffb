"""Sensors across the fleet: their definitions, and which servers have them or why not."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from outkept.app.fleet import Fleet, LiveServer
from outkept.app.turns import in_turns
from outkept.model.sensor import Sensor

Json = dict[str, Any]

MOST_REASONS = 100
"""Reasons of one sensor that are told apart; the rarer ones are left out."""
NOT_ASKED = "its verifier has not been asked since the daemon started"
NOT_VERIFIED = "it has not been verified yet"


class Coverage:
    """Answers about the sensors of `library`; those that aren't exported are not told of.
    `every` is the interval of a sensor that names none, in seconds."""

    def __init__(self, fleet: Fleet, library: Sequence[Sensor], every: float) -> None:
        self._fleet = fleet
        self._sensors = {sensor.name: sensor for sensor in library if sensor.exported}
        self._every = every

    async def sensors(self) -> list[Json]:
        """Every sensor with how many servers have it, by name."""
        having: Counter[str] = Counter()
        statuses = {name: Counter[str]() for name in self._sensors}
        async for live in in_turns(self._fleet):
            having.update(live.record.supported or ())
            for (name, _), series in live.series.items():
                if name in statuses:
                    statuses[name][series.status.value] += 1
        return [
            {
                "name": name,
                "unit": sensor.unit,
                "description": sensor.description,
                "parse": sensor.parse.value,
                "servers": having[name],
                "series": statuses[name].total(),
                "statuses": dict(statuses[name]),
                "steps": sum(sensor.reaction(step) is not None for step in (1, 2)),
            }
            for name, sensor in sorted(self._sensors.items())
        ]

    async def sensor(self, name: str) -> Json | None:
        """A sensor's definition and coverage; None if there is none of this name."""
        sensor = self._sensors.get(name)
        if sensor is None:
            return None
        supported = unknown = changed = 0
        reasons: Counter[str] = Counter()
        async for live in in_turns(self._fleet):
            has, reason = support(live, name)
            if has:
                supported += 1
                changed += live.sensors.get(name, sensor) != sensor
            elif has is None:
                unknown += 1
            else:
                reasons[reason] += 1
        return definition_view(sensor, self._every) | {
            "coverage": {
                "servers": supported + unknown + reasons.total(),
                "supported": supported,
                "unsupported": reasons.total(),
                "unknown": unknown,
                "changed": changed,
                "reasons": [
                    {"reason": reason, "servers": count}
                    for reason, count in reasons.most_common(MOST_REASONS)
                ],
            }
        }

    def servers(
        self, name: str, *, supported: bool | None = None, reason: str | None = None
    ) -> Iterable[Json] | None:
        """Each server with whether it has the sensor, None while that is not known, and why
        not; None if there is no such sensor."""
        if name not in self._sensors:
            return None
        return self._servers(name, supported, reason)

    def _servers(self, name: str, supported: bool | None, reason: str | None) -> Iterator[Json]:
        for live in self._fleet:
            has, why = support(live, name)
            if supported not in (None, has) or reason not in (None, why):
                continue
            yield {
                "id": live.record.id,
                "hostname": live.record.identity.hostname,
                "status": live.status.value,
                "supported": has,
                "reason": why,
            }


def support(live: LiveServer, name: str) -> tuple[bool | None, str]:
    """Whether the server has the sensor, None while that is not known; and why not."""
    known = live.record.supported
    if known is None:
        return None, NOT_VERIFIED
    if name in known:
        return True, ""
    return False, live.unsupported.get(name, NOT_ASKED)


def definition_view(sensor: Sensor, every: float) -> Json:
    """A sensor as its library defines it. Durations are in seconds; `every` stands in for an
    interval that it doesn't name."""
    return {
        "name": sensor.name,
        "description": sensor.description,
        "unit": sensor.unit,
        "parse": sensor.parse.value,
        "cmd": sensor.cmd,
        "verifier": sensor.verifier,
        "warning": sensor.warning,
        "alarm": sensor.alarm,
        "inverted": sensor.inverted,
        "zero": sensor.zero,
        "rate": sensor.rate,
        "every": sensor.every or every,
        "timeout": sensor.timeout,
        "for": sensor.for_,
        "for_s": sensor.for_s,
        "clear": sensor.clear,
        "reactive": sensor.reactive,
        "fallback": sensor.fallback,
        "mended_within": sensor.mended_within,
        "reaction_mode": sensor.reaction_mode,
        "cooldown": sensor.cooldown if sensor.reactive else None,
        "source": sensor.source,
    }
