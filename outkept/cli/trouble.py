"""What is wrong with a server, in a few words, from the API's shape of it."""

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from outkept.cli.render import STYLES, figure, harmless

Json = dict[str, Any]

ORDER = ("fired", "alarmed", "failed", "warned")
"""Statuses of sensors worth a word, the most urgent first."""
MOST_SENSORS = 6


def trouble(server: Json) -> Text:
    """Why it is not read, which sensors are bad with their values, whether it is queued up."""
    parts = list(_parts(server))
    return Text(", ").join(parts) if parts else Text("")


def _parts(server: Json) -> Iterator[Text]:
    if server.get("reason"):
        yield Text(harmless(server["reason"]), style=STYLES["quarantined"])
    bad = [sensor for status in ORDER for sensor in _of_status(server, status)]
    for sensor in bad[:MOST_SENSORS]:
        yield _sensor(sensor)
    if len(bad) > MOST_SENSORS:
        yield Text(f"{len(bad) - MOST_SENSORS} more")
    if server.get("queued_up"):
        yield Text("queued up", style=STYLES["queued_up"])


def _of_status(server: Json, status: str) -> list[Json]:
    sensors = server.get("sensors")
    if not isinstance(sensors, list):
        return []
    return [s for s in sensors if isinstance(s, dict) and s.get("status") == status]


def _sensor(sensor: Json) -> Text:
    instance = sensor.get("instance")
    name = f"{sensor.get('name')}[{instance}]" if instance is not None else str(sensor.get("name"))
    status = str(sensor.get("status"))
    if status == "failed":
        value = "failed"
    else:
        value = figure(sensor.get("value"), str(sensor.get("unit") or ""))
    return Text(f"{harmless(name)} {value}", style=STYLES.get(status, ""))
