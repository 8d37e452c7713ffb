"""Which of many silences holds: asked for each alarm, and each incident that is shown. Pure."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import translate

from outkept.model.globs import label_glob
from outkept.model.silence import Silence, Subject

_WILD = frozenset("*?[")

ALL = frozenset({"*"})
"""What `Silencing.muted` gives where a server itself is silenced: all of it."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A silence with its globs compiled: Python keeps but a few hundred of them."""

    silence: Silence
    server: Callable[[str], object]
    sensor: Callable[[str], object]
    labels: tuple[tuple[str, Callable[[str], object]], ...]

    def matches_sensor(self, label: str) -> bool:
        """The same as `Silence.matches_sensor`."""
        label = label.casefold()
        return bool(self.sensor(label) or self.sensor(label.partition("[")[0]))

    def matches_server(self, subject: Subject) -> bool:
        """The same as `Silence.matches_server`."""
        return any(self.server(name) for name in _names(subject)) and all(
            name in subject.labels and bool(matched(subject.labels[name]))
            for name, matched in self.labels
        )


class Silencing:
    """Silences by id. One that names a server in full costs nothing where it is about others."""

    def __init__(self, silences: Iterable[Silence]) -> None:
        self._by_id: dict[int, Silence] = {}
        self._named: dict[str, dict[int, _Prepared]] = {}
        self._wide: dict[int, _Prepared] = {}
        for silence in silences:
            self.put(silence)

    @property
    def by_id(self) -> Mapping[int, Silence]:
        """All of them."""
        return self._by_id

    def put(self, silence: Silence) -> None:
        """Add a silence, or replace the one of its id."""
        self.drop(silence.id)
        self._by_id[silence.id] = silence
        prepared = _prepared(silence)
        if _WILD.isdisjoint(silence.server):
            self._named.setdefault(silence.server.casefold(), {})[silence.id] = prepared
        else:
            self._wide[silence.id] = prepared

    def drop(self, id: int) -> None:
        """Forget a silence; nothing happens if it is not here."""
        silence = self._by_id.pop(id, None)
        if silence is None:
            return
        self._wide.pop(id, None)
        name = silence.server.casefold()
        named = self._named.get(name, {})
        named.pop(id, None)
        if not named:
            self._named.pop(name, None)

    def find(self, subject: Subject, now: float) -> Silence | None:
        """The silence in force at `now` that ends last, None if there is none."""
        return longest(
            one.silence
            for one in self._among(subject)
            if one.matches_sensor(subject.sensor)
            and one.matches_server(subject)
            and one.silence.holds(now)
        )

    def over(self, server: Subject, now: float) -> list[Silence]:
        """Those in force at `now` over anything of a server's."""
        return [
            one.silence
            for one in self._among(server)
            if one.matches_server(server) and one.silence.holds(now)
        ]

    def muted(self, server: Subject, labels: Iterable[str], now: float) -> frozenset[str]:
        """Which of these labels of a server's series are silenced at `now`; ALL where the server
        is."""
        over = [
            one
            for one in self._among(server)
            if one.matches_server(server) and one.silence.holds(now)
        ]
        if any(one.matches_sensor("") for one in over):
            return ALL
        return frozenset(
            label for label in labels if any(one.matches_sensor(label) for one in over)
        )

    def _among(self, subject: Subject) -> Iterator[_Prepared]:
        for name in dict.fromkeys(_names(subject)):
            yield from self._named.get(name, {}).values()
        yield from self._wide.values()


def longest(silences: Iterable[Silence]) -> Silence | None:
    """The one that ends last; None if there is none."""
    return max(silences, key=lambda one: one.ends, default=None)


def _names(subject: Subject) -> tuple[str, ...]:
    names = (subject.hostname, subject.server, *subject.addresses)
    return tuple(name.casefold() for name in names)


def _prepared(silence: Silence) -> _Prepared:
    return _Prepared(
        silence,
        _compiled(silence.server.casefold()),
        _compiled(label_glob(silence.sensor.casefold())),
        tuple((name, _compiled(glob)) for name, glob in silence.labels.items()),
    )


def _compiled(glob: str) -> Callable[[str], object]:
    """Truth for a text that the glob matches, as `fnmatchcase` has it."""
    if not glob.strip("*") and glob:
        return _anything
    if _WILD.isdisjoint(glob):
        return glob.__eq__
    return re.compile(translate(glob)).match


def _anything(_: str) -> bool:
    return True
