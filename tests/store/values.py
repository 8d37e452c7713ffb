"""Values that the store's tests share."""

from outkept.model.action import Action, ActionOutcome
from outkept.model.event import Event, EventType
from outkept.model.reading import Reading, Sample, Value
from outkept.model.server import Endpoint, Facts, Identity, Server

NOW = 1_700_000_000.0


def reading(value: Value, at: float = NOW, *, server: str = "a", sensor: str = "load") -> Reading:
    return Reading(server, sensor, at, (Sample(None, value),))


def event(
    message: str = "found web1",
    at: float = NOW,
    *,
    type: EventType = EventType.FOUND,
    server: str | None = None,
) -> Event:
    return Event(at, type, message, server)


def action(at: float = NOW, server: str = "a", sensor: str = "apache") -> Action:
    return Action(server, sensor, "service apache2 restart", at, ActionOutcome.INTENDED, "0 is bad")


def server(id: str = "a1b2c3", hostname: str = "web1") -> Server:
    return Server(
        id=id,
        identity=Identity("ssh-ed25519 SHA256:abc", "m1", "b1", hostname, ("aa:bb:cc:dd:ee:ff",)),
        facts=Facts(os="Debian 12", cpus=4, memory_bytes=1 << 33, addresses=("10.0.0.1", "::1")),
        endpoints=(Endpoint("10.0.0.1"), Endpoint("fe80::1", 2222)),
        user="ops",
        first_seen=NOW,
        last_seen=NOW + 0.5,
        labels={"site": "lisbon"},
        channel_limit=7,
        supported=("load", "users"),
    )
