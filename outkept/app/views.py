"""The fleet in the contract's JSON shapes."""

from dataclasses import asdict
from pathlib import PurePath
from typing import Any

from outkept.app.fleet import LiveServer, Series
from outkept.model.action import Action
from outkept.model.address import AddressState
from outkept.model.channels import ChannelReport
from outkept.model.event import Event, sensor_label
from outkept.model.sensor import Sensor
from outkept.model.silencing import ALL
from outkept.model.sweep import SweepProgress

Json = dict[str, Any]


def server_view(live: LiveServer) -> Json:
    """A server as lists and the websocket show it; exported sensors only."""
    record, channels = live.record, live.channels
    return {
        "id": record.id,
        "hostname": record.identity.hostname,
        "addresses": list(dict.fromkeys(end.address for end in record.endpoints)),
        "port": record.endpoints[0].port if record.endpoints else None,
        "status": live.status.value,
        "connected": live.connected,
        "queued_up": bool(live.queued_up),
        "channels": {
            "limit": channels.limit,
            "busy": channels.busy,
            "queued": channels.queued,
            "oldest_wait_s": round(channels.oldest_wait_s, 1),
            "queued_up": live.queued_up,
        },
        "sensors": [_series_view(series) for series in _exported(live)],
        "facts": _facts_view(live),
        "labels": record.labels,
        "first_seen": record.first_seen,
        "last_seen": live.last_seen,
        "muted": _muted_view(live),
        "quiet": live.quiet,
        "reason": record.quarantine,
    }


def server_detail(live: LiveServer) -> Json:
    """A server with all that is known of it."""
    view, channels, identity = server_view(live), live.channels, live.record.identity
    view["channels"] |= {
        "missed": channels.missed,
        "refused": channels.refused,
        "alone": list(channels.alone),
    } | _channel_time(live.channel_report)
    view["sensors"] = [
        _series_view(series) | _definition_view(series) for series in _exported(live)
    ]
    view["endpoints"] = [asdict(endpoint) for endpoint in live.record.endpoints]
    view["identity"] = {
        "host_key": identity.host_key,
        "machine_id": identity.machine_id,
        "boot_id": identity.boot_id,
        "macs": list(identity.macs),
    }
    view["user"] = live.record.user
    view["unsupported"] = dict(sorted(live.unsupported.items()))
    return view


def _channel_time(report: ChannelReport) -> Json:
    return {
        "why_alone": dict(report.why_alone),
        "shells": report.shells,
        "no_shell": report.no_shell,
        "login_shell": report.login_shell,
        "round_trip_s": report.round_trip_s,
        "need": round(sum(use.load for use in report.uses), 4),
        "use": [
            {
                "sensor": use.sensor,
                "every": use.every,
                "took_s": round(use.took, 4),
                "waited_s": round(use.waited, 3),
                "missed": use.missed,
                "load": round(use.load, 5),
            }
            for use in report.uses
        ],
        "cure": asdict(report.cure) if report.cure is not None else None,
    }


def has_text(live: LiveServer, text: str) -> bool:
    """Whether `text`, in small letters, is in hostname, id, an address or a label's value."""
    record = live.record
    addresses = (endpoint.address for endpoint in record.endpoints)
    texts = (record.identity.hostname, record.id, *addresses, *record.labels.values())
    return any(text in one.casefold() for one in texts)


def event_view(event: Event) -> Json:
    """The contract's Event."""
    return {
        "id": event.id,
        "at": event.at,
        "type": event.type.value,
        "server": event.server,
        "sensor": event.sensor,
        "value": event.value,
        "message": event.message,
        "condition": event.condition,
        "incident": event.incident,
        "by": event.by,
    }


def action_view(action: Action) -> Json:
    """An action with all its fields."""
    return asdict(action) | {"outcome": action.outcome.value}


def address_view(state: AddressState) -> Json:
    """How one swept address ended."""
    return {
        "address": state.endpoint.address,
        "port": state.endpoint.port,
        "outcome": state.outcome.value,
        "reason": state.reason,
        "at": state.at,
        "refusals": state.refusals,
        "retry_at": state.retry_at or None,
        "server": state.server,
    }


def sweep_view(progress: SweepProgress) -> Json:
    """A sweep's progress."""
    return asdict(progress)


def series_name(series: Series) -> str:
    """`name` or `name[instance]`, as events write it."""
    return sensor_label(series.sensor.name, series.instance)


def _exported(live: LiveServer) -> list[Series]:
    return [series for series in live.series.values() if series.sensor.exported]


def _muted_view(live: LiveServer) -> list[str]:
    if not live.muted or live.muted == ALL:
        return list(live.muted)
    return [label for label in map(series_name, _exported(live)) if label in live.muted]


def _series_view(series: Series) -> Json:
    return {
        "name": series.sensor.name,
        "instance": series.instance,
        "value": series.value,
        "unit": series.sensor.unit,
        "status": series.status.value,
        "at": series.at,
        "reason": series.failure,
    }


def _definition_view(series: Series) -> Json:
    sensor = series.sensor
    return {
        "group": library_file(sensor),
        "description": sensor.description,
        "warning": sensor.warning,
        "alarm": sensor.alarm,
        "inverted": sensor.inverted,
        "clear": sensor.clear,
        "for": sensor.for_,
        "for_s": sensor.for_s,
        "every": series.every,
        "reactive": sensor.reactive,
        "flapping": series.flapping,
    }


def library_file(sensor: Sensor) -> str:
    """What the file that defines it is called, without folder and ending: `disk`, `network`."""
    return PurePath(sensor.source.rpartition(":")[0]).stem


def _facts_view(live: LiveServer) -> Json:
    facts = live.record.facts
    return {
        "os": facts.os,
        "kernel": facts.kernel,
        "architecture": facts.architecture,
        "cpus": facts.cpus,
        "memory_bytes": facts.memory_bytes,
        "addresses": list(facts.addresses),
        "macs": list(live.record.identity.macs),
        "ssh_version": facts.ssh_version,
        "shell": facts.shell,
    }
