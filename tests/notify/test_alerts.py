"""Incidents as an Alertmanager is told of them."""

from dataclasses import replace
from typing import Any

from outkept.model.event import Condition
from outkept.model.incident import Incident
from outkept.model.level import Level
from outkept.model.silence import Subject
from outkept.notify.alerts import STALE_S, alerts_of
from outkept.notify.message import Kind, Mention

INCIDENT = Incident(
    7, Condition.LEVEL, "a1", "disk[/var]", Level.ALARMED, Level.ALARMED, 1000.0, 97.0, "x"
)
SUBJECT = Subject("a1", "web1", {"site": "lisbon", "instance": "mine"}, "disk[/var]")


def alerts(kind: Kind, before: Level | None = None, **changes: Any) -> list[dict[str, Any]]:
    incident = replace(INCIDENT, **changes)
    mention = Mention(kind, incident, SUBJECT, "web1: disk\nis full", before)
    return list(alerts_of([mention], 2000.0, "https://o.example.org"))


def test_an_alert_says_what_and_where_it_is() -> None:
    (alert,) = alerts(Kind.OPENED)
    assert alert == {
        "labels": {
            "alertname": "disk",
            "instance": "web1",
            "server": "a1",
            "sensor": "disk[/var]",
            "condition": "level",
            "severity": "critical",
            "site": "lisbon",
        },
        "annotations": {"summary": "web1: disk is full"},
        "startsAt": "1970-01-01T00:16:40.000+00:00",
        "endsAt": "1970-01-01T00:37:20.000+00:00",
        "generatorURL": "https://o.example.org/#/incidents/7",
    }
    assert STALE_S == 240.0


def test_a_level_that_changes_ends_the_alert_of_the_old() -> None:
    old, new = alerts(Kind.WORSE, Level.WARNED)
    assert (old["labels"]["severity"], new["labels"]["severity"]) == ("warning", "critical")
    assert old["endsAt"] == "1970-01-01T00:33:20.000+00:00"
    assert new["endsAt"] > old["endsAt"]


def test_the_end_is_now_and_never_before_the_beginning() -> None:
    (alert,) = alerts(Kind.RECOVERED, Level.ALARMED, ended=1990.0)
    assert alert["endsAt"] == "1970-01-01T00:33:20.000+00:00"
    (alert,) = alerts(Kind.RECOVERED, Level.ALARMED, opened=5000.0, ended=5000.0)
    assert alert["endsAt"] == alert["startsAt"]


def test_conditions_have_names_and_empty_labels_are_left_out() -> None:
    (alert,) = alerts(Kind.OPENED, condition=Condition.GONE, sensor=None)
    assert alert["labels"]["alertname"] == "ServerGone"
