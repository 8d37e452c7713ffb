"""Replay: what thresholds and reactions would have made of readings that are recorded.

The recording is walked once, stretch by stretch, for all configurations that are asked about. What
can't trip and stands nowhere is not even unpacked; everything else goes through the daemon's own
judge. Within a stretch the series come one after the other; what the judge said of them is put in
order of time before anything is decided about it, because caps are fleet-wide.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from outkept.app.replay_world import World
from outkept.evaluate.replayed import is_calm, spread
from outkept.model.globs import fits_any
from outkept.model.reading import Reading, Sample
from outkept.model.sensor import Sensor
from outkept.model.server import Server
from outkept.store.recorded import Reader, Recorded, Recording, Row, Stretch, Tier

WARM_UP_S = 3600.0
"""So long before the window readings are judged and not counted: what was over a threshold when
the window began did not begin then, and a reaction may still have been cooling down."""

Instances = Sequence[tuple[str | None, Recorded]]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Readings with from_ <= at < to (UNIX seconds), of sensors and servers that match any of the
    globs, whatever the case; all of them where there are none. Servers are named by hostname, id
    or address."""

    from_: float
    to: float
    sensors: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()

    def sensor(self, name: str) -> bool:
        """Whether the sensor is wanted."""
        return _matches(self.sensors, (name,))

    def server(self, server: Server) -> bool:
        """Whether the server is wanted."""
        addresses = (endpoint.address for endpoint in server.endpoints)
        return _matches(self.servers, (server.identity.hostname, server.id, *addresses))


@dataclass(slots=True)
class Walked:
    """What a replay went through: `readings` and `rows` (of minutes and hours) that are recorded,
    and how many of both were `judged`, one by one, because they might change something."""

    readings: int = 0
    rows: int = 0
    judged: int = 0


def replay(
    recording: Recording,
    worlds: Sequence[World],
    wanted: Wanted,
    progress: Progress = lambda done, of: None,
    *,
    skip: bool = True,
) -> Walked:
    """Walk the recording once, for all worlds. `progress` is told how many pieces of work are done
    of how many. Blocks, for about a second for each four million readings.

    Without `skip`, also what can't change anything is judged. Raises StoreError.
    """
    walk = _Walk(recording, worlds, wanted, skip=skip)
    stretches = recording.stretches(wanted.from_ - WARM_UP_S, wanted.to)
    pieces = max(1, sum(map(len, walk.groups.values())))
    progress(0, len(stretches) * pieces)
    for number, stretch in enumerate(stretches):
        with recording.reading(stretch) as reader:
            for done in walk.stretch(reader, stretch):
                progress(number * pieces + done, len(stretches) * pieces)
        for world in worlds:
            world.settle()
    for world in worlds:
        world.end()
    return walk.walked


class _Walk:
    def __init__(
        self, recording: Recording, worlds: Sequence[World], wanted: Wanted, *, skip: bool
    ) -> None:
        self.walked = Walked()
        self.groups = {
            sensor: groups
            for sensor, groups in sorted(recording.groups.items())
            if wanted.sensor(sensor) and any(world.knows(sensor) for world in worlds)
        }
        self._recording = recording
        self._worlds = worlds
        self._skip = skip
        self._counted_from = wanted.from_
        self._servers = {one.id for one in recording.servers if wanted.server(one)}

    def stretch(self, reader: Reader, stretch: Stretch) -> Iterator[int]:
        """Judge a stretch; how many groups are done, from time to time."""
        done = 0
        for sensor, groups in self.groups.items():
            units: dict[str, list[tuple[str | None, Recorded]]] = {}
            for group in groups:
                for one in reader.group(group):
                    key = self._recording.series[one.series]
                    if key.server in self._servers:
                        units.setdefault(key.server, []).append((key.instance, one))
            for server, found in units.items():
                if stretch.end > self._counted_from:
                    self._count(found, reader.tier)
                self._unit(server, sensor, found)
            done += len(groups)
            yield done

    def _count(self, found: Instances, tier: Tier) -> None:
        count = sum(one.count for _, one in found)
        if tier is Tier.READINGS:
            self.walked.readings += count
        else:
            self.walked.rows += count

    def _unit(self, server: str, name: str, found: Instances) -> None:
        """Judge a sensor's series on one server, together: that an instance is absent shows in the
        readings of the others."""
        spans: list[tuple[float, float]] = []
        stirred: list[tuple[World, Sensor]] = []
        for world in self._worlds:
            sensor = world.sensor(server, name)
            if sensor is None:
                continue
            if self._skip and not world.is_stirred(server, name):
                spans = spans or [one.span() for _, one in found]
                if _are_calm(sensor, spans):
                    continue
            stirred.append((world, sensor))
        if not stirred:
            return
        readings = _readings(server, name, found)
        rows = _rows(found)
        self.walked.judged += sum(len(one.samples) for one in readings)
        self.walked.judged += sum(len(row) for _, row in rows)
        for world, sensor in stirred:
            for reading in readings:
                world.take(sensor, reading)
            for row in rows:
                if self._skip and not world.is_stirred(server, name):
                    spans = [(each.low, each.high) for each in row[1].values()]
                    if _are_calm(sensor, spans):
                        continue
                for reading in _of_row(world, sensor, server, row):
                    world.take(sensor, reading)


def _are_calm(sensor: Sensor, spans: Iterable[tuple[float, float]]) -> bool:
    return all(is_calm(sensor, low, high) for low, high in spans)


def _readings(server: str, sensor: str, found: Instances) -> list[Reading]:
    """What the poller gave: series that were read at the same time were one reading."""
    if len(found) == 1:
        instance, one = found[0]
        pairs = one.readings()
        return [Reading(server, sensor, at, (Sample(instance, value),)) for at, value in pairs]
    together: dict[float, list[Sample]] = {}
    for instance, one in found:
        for at, value in one.readings():
            together.setdefault(at, []).append(Sample(instance, value))
    return [Reading(server, sensor, at, tuple(together[at])) for at in sorted(together)]


_Together = tuple[float, dict[str | None, Row]]


def _rows(found: Instances) -> list[_Together]:
    """The instances' rows by their start."""
    together: dict[float, dict[str | None, Row]] = {}
    for instance, one in found:
        for row in one.rows():
            together.setdefault(row.start, {})[instance] = row
    return sorted(together.items(), key=lambda each: each[0])


def _of_row(world: World, sensor: Sensor, server: str, together: _Together) -> Iterable[Reading]:
    """The readings that rows of the same start stand for. Each instance is given as many as the
    one that has most, so that none seems to be absent."""
    n = max(row.n for row in together[1].values())
    columns = []
    for instance, row in together[1].items():
        worse_first = world.is_over(server, sensor.name, instance)
        pairs = spread(sensor, row._replace(n=n), worse_first=worse_first)
        columns.append([(at, Sample(instance, value)) for at, value in pairs])
    for moment in zip(*columns, strict=True):
        yield Reading(server, sensor.name, moment[0][0], tuple(sample for _, sample in moment))


def _matches(globs: tuple[str, ...], texts: Iterable[str]) -> bool:
    return not globs or fits_any(globs, texts)
