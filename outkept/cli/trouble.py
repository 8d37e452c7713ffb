"""What is wrong with a server, in a few words, from the API's shape of it."""

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from outkept.cli.render import STYLES, figure, harmless, seconds

Json = dict[str, Any]

ORDER = ("fired", "alarmed", "warned")
"""Statuses of sensors worth a word, the most urgent first."""
MOST_SENSORS = 6
MOST_FAILED = 3


def trouble(server: Json, now: float) -> Text:
    """Why it is not read, which sensors are bad with their values, whether it is queued up.
    `now` is UNIX seconds by the daemon's clock."""
    parts = list(_parts(server, now))
    return Text(", ").join(parts) if parts else Text("")


def _parts(server: Json, now: float) -> Iterator[Text]:
    if server.get("reason"):
        yield Text(harmless(server["reason"]), style=STYLES["quarantined"])
    if server.get("status") == "disconnected":
        yield _absence(server, now)
    bad = [sensor for status in ORDER for sensor in _of_status(server, status)]
    for sensor in bad[:MOST_SENSORS]:
        yield _sensor(sensor)
    if len(bad) > MOST_SENSORS:
        yield Text(f"{len(bad) - MOST_SENSORS} more")
    failed = _of_status(server, "failed")
    if failed:
        yield _failures(failed)
    if server.get("queued_up"):
        yield Text("queued up", style=STYLES["queued_up"])


def _absence(server: Json, now: float) -> Text:
    last = server.get("last_seen")
    ago = seconds(max(1.0, now - last)) if isinstance(last, int | float) else "an unknown time"
    return Text(f"not seen for {ago}", style=STYLES["disconnected"])


def _failures(failed: list[Json]) -> Text:
    names = list(dict.fromkeys(str(sensor.get("name")) for sensor in failed))
    more = ", …" if len(names) > MOST_FAILED else ""
    text = f"{', '.join(map(harmless, names[:MOST_FAILED]))}{more}"
    return Text(
        f"{text} failed" if len(names) == 1 else f"{len(names)} sensors failed ({text})",
        STYLES["failed"],
    )


def _of_status(server: Json, status: str) -> list[Json]:
    sensors = server.get("sensors")
    if not isinstance(sensors, list):
        return []
    return [s for s in sensors if isinstance(s, dict) and s.get("status") == status]


def _sensor(sensor: Json) -> Text:
    instance = sensor.get("instance")
    name = f"{sensor.get('name')}[{instance}]" if instance is not None else str(sensor.get("name"))
    value = figure(sensor.get("value"), str(sensor.get("unit") or ""))
    style = STYLES.get(str(sensor.get("status")), "")
    return Text(f"{harmless(name)} {value}", style=style)
