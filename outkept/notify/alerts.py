"""Incidents as alerts of Prometheus' Alertmanager (API v2). Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from outkept.model.event import Condition
from outkept.model.incident import Incident
from outkept.model.level import Level
from outkept.model.silence import Subject
from outkept.notify.message import Kind, Mention
from outkept.notify.text import visible

RESEND_S = 60.0
"""How often an alert that goes on is sent again, as Prometheus does by default."""
STALE_S = 4 * RESEND_S
"""An alert that isn't sent again for so long is over: Prometheus waits four resends."""
MOST_AT_ONCE = 500
LONGEST_LABEL = 500

Alert = dict[str, Any]

_NAMES = {
    Condition.FAILED: "SensorFailed",
    Condition.STALE: "SensorStale",
    Condition.GONE: "ServerGone",
    Condition.BLIND: "Blind",
}
_SEVERITIES = {Level.WARNED: "warning", Level.ALARMED: "critical"}


def alerts_of(mentions: Iterable[Mention], now: float, link: str | None) -> Iterator[Alert]:
    """The alerts that tell an Alertmanager of what changed. A level is part of what makes an
    alert, so where it changes the old one ends."""
    for mention in mentions:
        incident = mention.incident
        if mention.before not in (None, incident.level):
            yield alert(incident, mention.subject, mention.text, link, now, level=mention.before)
        ends = now if mention.kind is Kind.RECOVERED else now + STALE_S
        yield alert(incident, mention.subject, mention.text, link, ends)


@dataclass(frozen=True, slots=True)
class Going:
    """An incident that goes on, with the level that was told of it."""

    incident: Incident
    subject: Subject
    text: str
    level: Level


def going_on(those: Iterable[Going], ends: float, link: str | None) -> list[Alert]:
    """Their alerts, sent again."""
    return [
        alert(one.incident, one.subject, one.text, link, ends, level=one.level) for one in those
    ]


def alert(
    incident: Incident,
    subject: Subject,
    text: str,
    link: str | None,
    ends: float,
    *,
    level: Level | None = None,
) -> Alert:
    """One alert that ends at `ends` unless it is sent again (UNIX seconds)."""
    own = {
        "alertname": _NAMES.get(incident.condition) or subject.sensor.partition("[")[0],
        "instance": subject.hostname,
        "server": subject.server,
        "sensor": subject.sensor,
        "condition": incident.condition.value,
        "severity": _SEVERITIES.get(level or incident.level, "none"),
    }
    both = dict(subject.labels)
    both.update(own)
    labels = {name: visible(value)[:LONGEST_LABEL] for name, value in both.items()}
    found: Alert = {
        "labels": {name: value for name, value in labels.items() if value},
        "annotations": {"summary": visible(text)[:LONGEST_LABEL]},
        "startsAt": _stamp(incident.opened),
        "endsAt": _stamp(max(ends, incident.opened)),
    }
    if link:
        found["generatorURL"] = f"{link}/#/incidents/{incident.id}"
    return found


def test_alert(now: float) -> Alert:
    """An alert to test an Alertmanager with; it is over in a minute."""
    return {
        "labels": {"alertname": "OutkeptTest", "severity": "none"},
        "annotations": {"summary": "TEST from Outkept"},
        "startsAt": _stamp(now),
        "endsAt": _stamp(now + 60.0),
    }


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
