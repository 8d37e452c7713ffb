"""Overrides: what the configuration changes of a sensor on some servers. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from outkept.config.problems import Mistake
from outkept.config.settings import Override, SensorChange
from outkept.config.strict import Match
from outkept.config.thresholds import check_clear, check_order
from outkept.model.sensor import Parse, Sensor


def sensor_for(
    sensor: Sensor,
    overrides: Sequence[Override],
    *,
    hostname: str,
    labels: Mapping[str, str],
) -> Sensor:
    """The sensor as it is on one server. For each key, the first matching override that sets
    it wins."""
    changes: dict[str, Any] = {}
    for override in overrides:
        change = override.set.get(sensor.name)
        if change is not None and matches(override.match, hostname, labels):
            changes = {**change.given(), **changes}
    return replace(sensor, **changes) if changes else sensor


def matches(match: Match, hostname: str, labels: Mapping[str, str]) -> bool:
    """Whether the hostname, in either case, and every label named match their globs."""
    if not fnmatchcase(hostname.lower(), match.hostname.lower()):
        return False
    return all(
        name in labels and fnmatchcase(labels[name], glob) for name, glob in match.labels.items()
    )


def threshold_fault(sensor: Sensor) -> Mistake | None:
    """What is wrong with the sensor's thresholds taken together, if anything. Its `key` names
    the one to change."""
    try:
        check_order(sensor.warning, sensor.alarm, inverted=sensor.inverted)
        check_clear(sensor.clear, sensor.warning, sensor.alarm, inverted=sensor.inverted)
    except Mistake as mistake:
        return mistake
    return None


def change_fault(sensor: Sensor, change: SensorChange) -> Mistake | None:
    """What would be wrong with the sensor once changed, if anything."""
    given: dict[str, Any] = change.given()
    for key in ("warning", "alarm", "clear", "zero"):
        if sensor.parse is Parse.TEXT and given.get(key):
            where = f"give it 'parse: number' in {sensor.source}, or remove this"
            return Mistake("the sensor is a text and has no thresholds", where, key=key)
    return threshold_fault(replace(sensor, **given))
