"""Replay: how many recorded readings a second thresholds and reactions are run over.

python -m bench.replay [--short]
"""

import random
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench.common import Cpu, Report, Row, parser, rounded, steps
from outkept.app.replay import Wanted, replay
from outkept.app.replay_world import Rules, World
from outkept.config.settings import RangeSettings, Settings
from outkept.model.sensor import Sensor
from outkept.model.server import Endpoint, Facts, Identity, Server
from outkept.store import records
from outkept.store.chunks import GROUP_BITS, TICKS, Readings, aggregate
from outkept.store.database import open_database, transaction
from outkept.store.history import SeriesKey
from outkept.store.packing import write_hour
from outkept.store.recorded import Recording
from outkept.store.series import SeriesCache

HOUR = 3600
START = 1_699_999_200
EVERY_S = 10
SENSORS = tuple(
    Sensor(f"sensor{number}", "cmd", warning=5, alarm=10, reactive="restart")
    for number in range(12)
)
BAD_HOURS = 0.01
"""Share of a series' hours in which it is over its threshold for 10 minutes."""


@dataclass(frozen=True)
class Size:
    """How much is replayed: hours of twelve sensors on servers, a reading each ten seconds."""

    servers: int
    hours: int


FULL, SHORT = Size(100, 24), Size(3, 2)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, write."""
    options = parser(__doc__).parse_args(arguments)
    size = SHORT if options.short else FULL
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as directory, steps("replay", 5) as step:
        step("making a recording")
        make(Path(directory), size)
        step("as configured")
        rows.append(measured(directory, size, "as configured"))
        step("compared with a proposal")
        proposed = tuple(Sensor(one.name, "cmd", warning=20, alarm=30) for one in SENSORS)
        rows.append(measured(directory, size, "compared with a proposal", proposed))
        step("without passing anything over")
        rows.append(measured(directory, size, "without passing anything over", skip=False))
        step("minutes")
        leave_minutes(Path(directory))
        rows.append(measured(directory, size, "minutes"))
    Report(
        "replay",
        options.short,
        {"size": str(size), "every": f"{EVERY_S} s", "over a threshold": f"{BAD_HOURS:.0%}"},
        rows,
        (
            "CPU is user and system time of the whole process; readings of minutes are those that"
            " the minutes stand for.",
        ),
    ).publish(options.results)


def measured(
    directory: str, size: Size, what: str, *proposed: Sequence[Sensor], skip: bool = True
) -> Row:
    """Replay all of it."""
    settings = Settings(ranges=(RangeSettings(range="127.0.0.1"),))
    wanted = Wanted(START, START + size.hours * HOUR)
    with closing(Recording.open(Path(directory))) as recording:
        worlds = [
            World(Rules(what, settings, sensors), recording.servers, wanted.from_, wanted.to)
            for sensors in (SENSORS, *proposed)
        ]
        before = Cpu.now()
        walked = replay(recording, worlds, wanted, skip=skip)
        cpu = Cpu.now().since(before)
    readings = size.servers * len(SENSORS) * size.hours * HOUR // EVERY_S
    return {
        "what": what,
        "readings": readings,
        "judged": walked.judged,
        "alarms": worlds[0].report.total.alarms,
        "CPU s": rounded(cpu),
        "readings/s": rounded(readings / cpu),
    }


def make(directory: Path, size: Size) -> None:
    """A database with that many hours, packed as a daemon leaves them."""
    chance = random.Random(1)
    _, connection = open_database(directory)
    with closing(connection):
        series = _names(connection, size)
        for hour in range(START // HOUR, START // HOUR + size.hours):
            groups: dict[int, list[int]] = {}
            for one in series:
                groups.setdefault(one >> GROUP_BITS, []).append(one)
            with transaction(connection):
                for group, members in groups.items():
                    found = [(one & 31, _readings(chance, hour)) for one in sorted(members)]
                    write_hour(
                        connection, hour, group, [(s, r, aggregate(r, 60)) for s, r in found]
                    )


def leave_minutes(directory: Path) -> None:
    """As when all readings have expired."""
    _, connection = open_database(directory)
    with closing(connection), transaction(connection):
        connection.execute("UPDATE floors SET at = 1e10 WHERE tier = 'raw'")
        connection.execute("DELETE FROM chunks")


def _names(connection: sqlite3.Connection, size: Size) -> list[int]:
    cache = SeriesCache(connection)
    found = []
    with transaction(connection):
        for number in range(size.servers):
            id_ = f"{number:012x}"
            identity = Identity("", hostname=f"web{number}")
            endpoint = Endpoint(f"10.0.{number >> 8}.{number & 255}")
            server = Server(id_, identity, Facts(), (endpoint,), "ops", START, START)
            records.save_server(connection, server)
            for sensor in SENSORS:
                made = cache.id_of(cache.known(id_), SeriesKey(id_, sensor.name))
                assert made is not None
                found.append(made)
    return found


def _readings(chance: random.Random, hour: int) -> Readings:
    shift, base = chance.randrange(EVERY_S * TICKS), chance.uniform(0, 2)
    bad = chance.random() < BAD_HOURS
    each = range(HOUR // EVERY_S)
    start = hour * HOUR * TICKS + shift
    ticks = [start + EVERY_S * TICKS * n - (n > 0) * chance.randrange(2) for n in each]
    over = [12 if bad and 100 <= n < 160 else 0 for n in each]
    return Readings(ticks, [round(abs(chance.gauss(base, 0.5)) + more, 2) for more in over])


if __name__ == "__main__":
    main()
