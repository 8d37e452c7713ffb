"""What changed between two states of a server, as a `delta` frame says it (pure)."""

from outkept.serve.encode import encode
from outkept.serve.source import Json

Key = tuple[str, str | None]


class Sent:
    """A server as clients have it, its sensors by name and instance."""

    __slots__ = ("_text", "sensors", "server")

    def __init__(self, server: Json) -> None:
        self._text = ""
        self.server = server
        self.sensors: dict[Key, Json] = {
            (sensor["name"], sensor["instance"]): sensor for sensor in server["sensors"]
        }

    def text(self) -> str:
        """The server as JSON, made once."""
        if not self._text:
            self._text = encode(self.server)
        return self._text


def difference(old: Sent, new: Sent) -> tuple[Json, list[Key]]:
    """The changed keys of the server with its changed sensors, and the sensors that are gone.

    The first is empty if nothing but gone sensors changed.
    """
    changed = {
        key: value
        for key, value in new.server.items()
        if key != "sensors" and (key not in old.server or old.server[key] != value)
    }
    sensors = [value for key, value in new.sensors.items() if old.sensors.get(key) != value]
    if sensors:
        changed["sensors"] = sensors
    if changed:
        changed["id"] = new.server["id"]
    return changed, [key for key in old.sensors if key not in new.sensors]
