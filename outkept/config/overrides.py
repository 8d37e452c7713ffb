"""Which servers a part of the configuration is for, and what overrides change there. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Any

from outkept.config.problems import Mistake
from outkept.config.settings import Override, SensorChange
from outkept.config.strict import Match
from outkept.config.thresholds import check_clear, check_order
from outkept.config.values import Comparison
from outkept.model.globs import fits, fits_labels
from outkept.model.ranges import Span
from outkept.model.sensor import Parse, Sensor
from outkept.model.server import Facts, Server


@dataclass(frozen=True, slots=True)
class MatchSubject:
    """What a `Match` looks at. `addresses` are those at which the server is reached: what it
    only says of itself is in `facts`."""

    hostname: str
    labels: Mapping[str, str] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    facts: Facts = field(default_factory=Facts)


def subject_of(server: Server) -> MatchSubject:
    """A server as overrides and rules see it."""
    addresses = tuple(dict.fromkeys(endpoint.address for endpoint in server.endpoints))
    return MatchSubject(server.identity.hostname, server.labels, addresses, server.facts)


def matches(match: Match, server: MatchSubject) -> bool:
    """Whether all that is given holds. Hostname and facts are compared whatever their case; what
    a server doesn't have (a label, a fact) doesn't match, whatever the glob."""
    return (
        fits(match.hostname, server.hostname)
        and fits_labels(match.labels, server.labels)
        and (match.span is None or any(_lies_in(one, match.span) for one in server.addresses))
        and all(_is_so(server.facts, name, want) for name, want in match.facts.given.items())
    )


def _lies_in(address: str, span: Span) -> bool:
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    return ip.version == span.version and span.first <= int(ip) <= span.last


def _is_so(facts: Facts, name: str, wanted: str | Comparison) -> bool:
    fact = getattr(facts, name)
    if isinstance(wanted, Comparison):
        return fact is not None and wanted.holds(fact)
    return fact != "" and fits(wanted, fact)


def holding(overrides: Sequence[Override], server: MatchSubject) -> list[Override]:
    """The overrides that are about this server, in their order."""
    return [override for override in overrides if matches(override.match, server)]


def sensor_for(sensor: Sensor, overrides: Sequence[Override], server: MatchSubject) -> Sensor:
    """The sensor as it is on one server. For each key, the first matching override that sets
    it wins."""
    return changed(sensor, holding(overrides, server))


def changed(sensor: Sensor, overrides: Sequence[Override]) -> Sensor:
    """The sensor with all these overrides laid over it, the first over the others."""
    changes: dict[str, Any] = {}
    for override in overrides:
        change = override.set.get(sensor.name)
        if change is not None:
            changes = {**change.given(), **changes}
    return replace(sensor, **changes) if changes else sensor


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
    if given.get("fallback") and not given.get("reactive", sensor.reactive):
        what = "it is the second step of no first one"
        return Mistake(what, "set 'reactive' too, or remove this", key="fallback")
    return threshold_fault(replace(sensor, **given))
