"""Which incidents are open, in memory."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from outkept.model.event import Event, EventType
from outkept.store.records import clean


@dataclass(frozen=True, slots=True)
class Span:
    """Where an incident lies among the events: the id of the one that opened it, and of the
    one that ended it; None while it is open."""

    first: int
    last: int | None
    server: str
    sensor: str


class Openings:
    """Which incidents are open, kept from event to event: finding them among a million events
    takes a second. Used in the event loop only."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], int] = {}
        self._meanwhile: list[Event] | None = None
        self.known = False

    @contextmanager
    def being_found(self) -> Iterator[Callable[[Sequence[Span]], None]]:
        """They are looked for while the context lasts, which remembers what happens meanwhile;
        what it gives takes what was found."""
        self._meanwhile = []
        try:
            yield self._fill
        finally:
            self._meanwhile = None

    def _fill(self, spans: Sequence[Span]) -> None:
        if self._meanwhile is None:
            return
        self._first = {(span.server, span.sensor): span.first for span in spans}
        for event in self._meanwhile:
            self._take(event)
        self.known = True

    def forget(self) -> None:
        """Something may have happened that was not noted: they are to be found anew."""
        self.known, self._meanwhile = False, None

    def note(self, event: Event) -> None:
        """An event was written."""
        if self._meanwhile is not None:
            self._meanwhile.append(event)
        if self.known:
            self._take(event)

    def spans(self, server: str | None) -> list[Span]:
        """Those that are open, in no order."""
        return [
            Span(first, None, of, sensor)
            for (of, sensor), first in self._first.items()
            if server in (None, of)
        ]

    def _take(self, event: Event) -> None:
        """An event that was already found changes nothing: only a newer one ends what is open."""
        if event.server is None:
            return
        if event.type is EventType.REMOVED:
            for key in [key for key in self._first if key[0] == event.server]:
                self._end(key, event.id)
        elif event.sensor is not None:
            key = (event.server, clean(event.sensor))
            if event.type in (EventType.WARNED, EventType.ALARMED):
                self._first.setdefault(key, event.id)
            elif event.type is EventType.RECOVERED:
                self._end(key, event.id)

    def _end(self, key: tuple[str, str], last: int) -> None:
        if self._first.get(key, last) < last:
            del self._first[key]
