"""Reads sensors on their schedule: due commands go into channel pools, readings come out.

One timer and one heap serve all servers, however many there are; a channel pool keeps at
most one job per sensor, so nothing here grows with short intervals or slow servers.
"""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from outkept.model.command import CommandFailure, CommandOutcome, FailureKind
from outkept.model.reading import Reading
from outkept.model.sensor import Sensor
from outkept.poll.lateness import Lateness
from outkept.poll.parse import ParseError, parse_output, statuses
from outkept.poll.rates import Counters
from outkept.poll.schedule import next_due
from outkept.ssh.channels import Job, Priority
from outkept.ssh.connection import Connection


@dataclass(frozen=True, slots=True)
class Defaults:
    """Interval and deadline, in seconds, of sensors that name none."""

    every: float
    timeout: float


@dataclass(slots=True)
class _Polled:
    """One server being read over one connection. `number` tells it from what was read on that
    server before. The jobs of each interval are made once and submitted at each tick."""

    number: int
    server: str
    connection: Connection
    jobs: dict[float, list[Job]] = field(default_factory=dict)
    counters: dict[str, Counters] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


RESOLUTION_S = 0.001
"""uvloop's clock has milliseconds, so a timer may fire that much before its time."""

Report = Callable[[Connection, Sensor, Reading], None]
"""Takes each reading with the connection it came on. Called in the loop; must not block."""


class Poller:
    """`urgent` names a server's sensors that are near or over a threshold: those go first."""

    def __init__(
        self, report: Report, defaults: Defaults, urgent: Callable[[str], Collection[str]]
    ) -> None:
        self.lateness = Lateness()
        self._report = report
        self._defaults = defaults
        self._urgent = urgent
        self._polled: dict[str, _Polled] = {}
        # Ticks name what they are for instead of holding it: those of a server that is lost
        # and found lie here until they are due, which may be in a day.
        self._heap: list[tuple[float, int, str, float]] = []
        self._order = itertools.count()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._armed = 0.0
        self._over: asyncio.Future[None] | None = None
        # Ticks lie on a wall-clock grid, so that a restart doesn't shift them; the mapping is
        # fixed here, so that a clock that jumps doesn't either.
        self._epoch = time.time() - self._loop.time()

    def start(self, server: str, connection: Connection, sensors: Sequence[Sensor]) -> None:
        """Read `sensors` on `server` from now on: each at once, then on its schedule.

        Replaces what was read on that server before; counters go on where they were.
        """
        before = self._polled.get(server)
        counters = before.counters if before else {}
        polled = _Polled(next(self._order), server, connection, counters=counters)
        for sensor in sensors:
            every = self.interval(sensor)
            polled.jobs.setdefault(every, []).append(self._job(polled, sensor, every))
        self._polled[server] = polled
        if polled.jobs:
            connection.expect_answers(min(polled.jobs))
        now = self._loop.time()
        for every in polled.jobs:
            self._fire(polled, every, now)
            # The first tick may be a moment away, and would be missed for no fault of the
            # server's.
            self._push(polled, every, now + every / 2)
        self._arm()

    def stop(self, server: str) -> None:
        """Read nothing on `server` any more; answers still under way are dropped."""
        self._polled.pop(server, None)

    def read_now(self, server: str, sensor: str) -> None:
        """Have a sensor that is read on `server` be read now, besides its schedule. A reading that
        is under way stands for it."""
        polled = self._polled.get(server)
        for jobs in polled.jobs.values() if polled is not None else ():
            for job in jobs:
                if polled is not None and job.key == sensor:
                    polled.connection.pool.again(job, Priority.URGENT, self._loop.time())

    def interval(self, sensor: Sensor) -> float:
        """Seconds between two readings of `sensor`."""
        return sensor.every if sensor.every is not None else self._defaults.every

    async def run(self) -> None:
        """Send what falls due, until cancelled. Raises what a defect in here raises."""
        self._over = self._loop.create_future()
        try:
            self._arm()
            await self._over
        finally:
            self._over = None
            self._disarm()

    def _arm(self) -> None:
        """A timer, not a task that sleeps: with ten thousand servers a tick falls due each
        millisecond."""
        if self._over is None or not self._heap:
            return
        due = self._heap[0][0]
        if self._timer is not None:
            if self._armed <= due:
                return
            self._timer.cancel()
        self._armed = due
        self._timer = self._loop.call_at(due, self._tick)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        self._timer = None
        try:
            self._send_due()
            self._arm()
        except Exception as error:  # noqa: BLE001 - handed to whoever awaits run()
            if self._over is not None and not self._over.done():
                self._over.set_exception(error)

    def _send_due(self) -> None:
        now = self._loop.time() + RESOLUTION_S
        while self._heap and self._heap[0][0] <= now:
            due, number, server, every = heapq.heappop(self._heap)
            polled = self._polled.get(server)
            if polled is not None and polled.number == number:
                self._fire(polled, every, due)
                self._push(polled, every, now)

    def _push(self, polled: _Polled, every: float, now: float) -> None:
        due = next_due(polled.server, every, now + self._epoch) - self._epoch
        heapq.heappush(self._heap, (due, polled.number, polled.server, every))

    def _fire(self, polled: _Polled, every: float, due: float) -> None:
        urgent = self._urgent(polled.server)
        again = polled.connection.pool.again
        for job in polled.jobs[every]:
            again(job, Priority.URGENT if job.key in urgent else Priority.ROUTINE, due)

    def _wants(self, polled: _Polled, sensor: Sensor) -> bool:
        """Whether an answer to what was asked for `polled` is of use. Another set of sensors on
        the same connection may have taken its place since, and asks no second time."""
        current = self._polled.get(polled.server)
        if current is None or current.connection is not polled.connection:
            return False
        return sensor.name in current.names

    def _job(self, polled: _Polled, sensor: Sensor, every: float) -> Job:
        counters = polled.counters.setdefault(sensor.name, Counters()) if sensor.rate else None

        def answered(job: Job, outcome: CommandOutcome) -> None:
            if not self._wants(polled, sensor):
                return
            if isinstance(outcome, CommandFailure) and outcome.kind is FailureKind.CANCELLED:
                return
            self.lateness.note(self._loop.time() - outcome.took - job.due)
            reading = read(polled.server, sensor, outcome, time.time(), counters)
            self._report(polled.connection, sensor, reading)

        polled.names.add(sensor.name)
        return Job(
            key=sensor.name,
            command=sensor.cmd,
            timeout=sensor.timeout or self._defaults.timeout,
            priority=Priority.ROUTINE,
            due=0.0,
            every=every,
            done=answered,
            in_shell=True,
            fine=statuses(sensor),
        )


def read(
    server: str, sensor: Sensor, outcome: CommandOutcome, at: float, counters: Counters | None
) -> Reading:
    """The reading that a command's outcome amounts to, at `at` UNIX seconds.

    `counters` holds the last counts of a sensor with `rate`; None takes the output as it is.
    """
    if isinstance(outcome, CommandFailure):
        return Reading(server, sensor.name, at, failure=_why(outcome), took=outcome.took)
    try:
        samples = parse_output(sensor, outcome)
    except ParseError as error:
        return Reading(server, sensor.name, at, failure=error.reason, took=outcome.took)
    if counters is not None:
        samples = counters.rates(samples, at)
    return Reading(server, sensor.name, at, samples, None, outcome.took)


def _why(failure: CommandFailure) -> str:
    """A connection's end comes with the system's words, such as "broken pipe"."""
    if failure.kind is not FailureKind.LOST or failure.reason.startswith(FailureKind.LOST):
        return failure.reason
    return f"{FailureKind.LOST}: {failure.reason}"
