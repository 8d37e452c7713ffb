"""A play of incidents in which time passes as the test says, for what is pure about notices."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from outkept.config.notify import NotifySettings
from outkept.config.overrides import MatchSubject
from outkept.model.event import Condition, Event, EventType
from outkept.notify.grouping import Grouping
from outkept.notify.message import About, Notice
from outkept.notify.routing import Route, route_of

START = 1_700_000_000.0


def routes(*written: Mapping[str, object]) -> list[Route]:
    """Routes as they are written in YAML."""
    names = ("ops", "boss", "chat", "am")
    targets = {name: {"url": f"json://{name}"} for name in names}
    settings = NotifySettings.model_validate({"targets": targets, "routes": written})
    return [route_of(route) for route in settings.routes]


@dataclass
class Play:
    """Events happen, `at` moves, and `told` gathers what goes out."""

    routes: Sequence[Route]
    direct: Collection[str] = ()
    at: float = START
    held: set[int] = field(default_factory=set)
    labels: dict[str, str] = field(default_factory=lambda: {"site": "lisbon"})
    told: list[Notice] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.grouping = Grouping(self.routes, self.direct)
        self._ids = count(1)

    def event(self, type_: str, server: str = "web1", sensor: str | None = "disk[/var]") -> int:
        """Something happened; the event's id."""
        condition = {"gone": Condition.GONE, "failing": Condition.FAILED}.get(type_)
        return self.say(
            Event(self.at, EventType(type_), f"{server}: it is {type_}", server, sensor),
            condition,
        )

    def say(self, event: Event, condition: Condition | None = None) -> int:
        """An event is on disk."""
        kept = Event(
            event.at,
            event.type,
            event.message,
            event.server,
            event.sensor,
            event.value,
            next(self._ids),
            condition or event.condition,
            incident=event.incident,
        )
        name = event.server or ""
        machine = MatchSubject(name, self.labels)
        self.grouping.take(
            kept, About(name, name, self.labels, event.sensor or "", machine=machine), self.at
        )
        self.tell()
        return kept.id

    def wait(self, seconds: float) -> list[Notice]:
        """Let time pass; what was told meanwhile."""
        before, end = len(self.told), self.at + seconds
        while (look := self.grouping.next_look()) <= end:
            # Whoever has nothing to do must not be asked again at once.
            assert look > self.at or self.grouping.due(self.at)
            self.at = max(self.at, look)
            self.tell()
        self.at = end
        return self.told[before:]

    def tell(self) -> None:
        """What is due now."""
        due = self.grouping.due(self.at)
        wanting = self.grouping.wanting(due, self.at)
        decision = self.grouping.decide(due, self.at, wanting.keys() - self.held)
        self.told += decision.notices
        assert not self.grouping.due(self.at), "what was looked at is looked at again at once"

    def look_again(self) -> None:
        """A silence began or ended."""
        self.say(Event(self.at, EventType.SILENCED, "a silence"))


def words(notices: Sequence[Notice]) -> list[str]:
    """`ops: opened web1` for each thing that was said."""
    return [
        f"{notice.target}: {mention.kind} {mention.incident.server}"
        for notice in notices
        for mention in notice.mentions
    ]
