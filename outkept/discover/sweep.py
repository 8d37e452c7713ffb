"""Sweep a range: connect to every endpoint, look at its banner, hand it on to be visited."""

import asyncio
import logging
import resource
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from secrets import randbelow, token_hex

from outkept.discover.backoff import next_retry
from outkept.discover.banner import NoBanner, read_banner
from outkept.discover.dial import Dialler
from outkept.discover.endpoints import endpoints
from outkept.discover.rate import Meter, TokenBucket
from outkept.model.address import AddressOutcome, AddressState
from outkept.model.ranges import Range
from outkept.model.server import Endpoint
from outkept.model.sweep import SweepProgress

logger = logging.getLogger(__name__)

BATCH = 64
"""Connects between two turns of the loop: about a millisecond that others wait."""

SHORTEST_REST_S = 0.002
"""Of a rate-limited sweep: a loop's timers count in milliseconds, and a shorter one would
spin. The tokens of that time leave together."""

STARVED_S = 30.0
"""How long an endpoint waits for a free file descriptor before it ends in an error."""

Skip = Callable[[Endpoint, float], AddressState | None]
Visit = Callable[[Endpoint, socket.socket | None], Awaitable[AddressState]]
Report = Callable[[AddressState], None]


@dataclass(frozen=True, slots=True)
class Pace:
    """How hard a sweep may push. Times are in seconds.

    `rate` is new connections a second, 0 for no limit; `in_flight` sockets at most are
    connecting or being visited, `logins` of them in a visit. `timeout` bounds the connect
    and, once more, the wait for the banner; `visit_timeout` a whole visit.
    """

    rate: float = 500.0
    in_flight: int = 2000
    logins: int = 64
    timeout: float = 5.0
    visit_timeout: float = 60.0


class Sweep:
    """One pass over all addresses and ports of a range, in random order.

    `visit` gets each endpoint that shows an SSH banner, with its connected socket, from
    which nothing was read; the socket is the visit's from its first line on, to be closed
    whatever happens. It is None where the server waits for its client's first word: then
    the visit has to connect again. A visit that raises is logged and ends in an error state.

    `skip` is asked just before an endpoint's turn, with UNIX seconds: the state that it
    remembers when the endpoint is to be left alone now (a refusal not long ago, a connection
    that lives), which counts as its outcome but is not reported again; else None.

    `report` gets the state of every endpoint that was tried. A `report` or `skip` that
    raises ends the sweep, whose `run` then raises an ExceptionGroup.
    """

    def __init__(
        self,
        range_: Range,
        visit: Visit,
        report: Report,
        *,
        skip: Skip | None = None,
        pace: Pace | None = None,
        seed: int | None = None,
    ) -> None:
        self.id = token_hex(6)
        self._range = range_
        self._visit = visit
        self._report = report
        self._skip = skip
        self._pace = pace or Pace()
        self._endpoints = endpoints(range_, randbelow(1 << 62) if seed is None else seed)
        self._in_flight = max(1, min(self._pace.in_flight, _descriptors() // 2))
        self._held: Endpoint | None = None
        self._open: set[socket.socket] = set()
        self._visiting = 0
        self._queued_logins = 0
        self._logins = asyncio.Semaphore(self._pace.logins)
        self._wake = asyncio.Event()
        self._starved_at: float | None = None
        self._outcomes: Counter[AddressOutcome] = Counter()
        self._done = 0
        self._started = time.time()
        self._finished: float | None = None
        self._mean = 0.0
        self._meter = Meter(time.monotonic())
        self._bucket = TokenBucket(self._pace.rate, time.monotonic())

    @property
    def total(self) -> int:
        """Endpoints in the range."""
        return len(self._range) * len(self._range.ports)

    @property
    def progress(self) -> SweepProgress:
        """How far it has come, as of now. After the end, `rate` is that of the whole."""
        ended = self._finished is not None
        rate = self._mean if ended else self._meter.note(self._done, time.monotonic())
        left = self.total - self._done
        return SweepProgress(
            id=self.id,
            range=self._range.text,
            started=self._started,
            total=self.total,
            done=self._done,
            found=self._outcomes[AddressOutcome.SERVER],
            rate=rate,
            left_s=0.0 if ended else left / rate if rate > 0 else None,
            finished=self._finished,
            outcomes={outcome.value: count for outcome, count in self._outcomes.items()},
        )

    async def run(self) -> SweepProgress:
        """Sweep once; the final progress. Cancelling closes every socket that is the
        sweep's and cancels the visits. Not to be called twice."""
        self._started = time.time()
        began = time.monotonic()
        self._meter = Meter(began)
        try:
            async with asyncio.TaskGroup() as visits:
                await self._dial_all(visits)
        finally:
            for sock in self._open:
                sock.close()
            self._open.clear()
            self._mean = self._done / max(time.monotonic() - began, 1e-6)
            self._finished = time.time()
        return self.progress

    async def _dial_all(self, visits: asyncio.TaskGroup) -> None:
        def landed(endpoint: Endpoint, result: socket.socket | str) -> None:
            if isinstance(result, str):
                self._end(_state(endpoint, AddressOutcome.SILENT, result))
            else:
                self._open.add(result)
                self._visiting += 1
                visits.create_task(self._meet(endpoint, result))

        with Dialler(self._pace.timeout, landed, self._wake.set) as dialler:
            while True:
                self._wake.clear()
                pause = self._dial_some(dialler)
                next_expiry = dialler.collect()
                if pause is None and not len(dialler):
                    return
                await self._rest(min(1.0 if pause is None else pause, next_expiry or 1.0))

    def _dial_some(self, dialler: Dialler) -> float | None:
        """Dial a batch. How many seconds may pass, unless woken, before the next; None when
        none is left."""
        room = self._room(len(dialler))
        for _ in range(min(BATCH, room)):
            endpoint = self._held or next(self._endpoints, None)
            if endpoint is None:
                return None
            self._held = None
            remembered = self._skip(endpoint, time.time()) if self._skip else None
            if remembered:
                self._count(remembered.outcome)
            elif self._pace.rate and not self._bucket.take(time.monotonic()):
                self._held = endpoint
                return max(self._bucket.wait(), SHORTEST_REST_S)
            elif not dialler.dial(endpoint):
                return self._starve(endpoint)
            else:
                self._starved_at = None
        return 0.0 if room > 0 else 1.0

    def _room(self, connecting: int) -> int:
        """How many more may be dialled; none while logins queue up, for what waits long for its
        login is dropped by its server."""
        if self._queued_logins >= self._pace.logins:
            return 0
        return self._in_flight - connecting - self._visiting

    def _starve(self, endpoint: Endpoint) -> float:
        """No descriptor is free: wait for one that is closed, ours or another's."""
        now = time.monotonic()
        self._starved_at = self._starved_at or now
        if now - self._starved_at < STARVED_S:
            self._held = endpoint
            return 0.05
        self._starved_at = None
        reason = f"no file descriptor was free for {STARVED_S:g} s; raise the limit (ulimit -n)"
        self._end(_state(endpoint, AddressOutcome.ERROR, reason))
        return 0.0

    async def _rest(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _meet(self, endpoint: Endpoint, sock: socket.socket) -> None:
        try:
            state = await self._state_of(endpoint, sock)
        finally:
            self._visiting -= 1
            if sock in self._open:
                self._open.remove(sock)
                sock.close()
        self._end(state)

    async def _state_of(self, endpoint: Endpoint, sock: socket.socket) -> AddressState:
        banner = await read_banner(sock, self._pace.timeout)
        if isinstance(banner, NoBanner):
            retry_at = next_retry(1, time.time(), 0.5) if banner.penalised else 0.0
            return AddressState(
                endpoint, banner.outcome, banner.reason, time.time(), retry_at=retry_at
            )
        self._queued_logins += 1
        try:
            await self._logins.acquire()
        finally:
            self._queued_logins -= 1
        try:
            self._open.remove(sock)
            if banner.spoiled:
                sock.close()
            return await self._visited(endpoint, None if banner.spoiled else sock)
        finally:
            self._logins.release()
            self._wake.set()

    async def _visited(self, endpoint: Endpoint, sock: socket.socket | None) -> AddressState:
        try:
            async with asyncio.timeout(self._pace.visit_timeout):
                return await self._visit(endpoint, sock)
        except TimeoutError:
            reason = f"login and identification took longer than {self._pace.visit_timeout:g} s"
            return _state(endpoint, AddressOutcome.TIMED_OUT, reason)
        except Exception:  # a defect met at one address must not end the sweep of the others
            logger.exception("The visit to %s failed", endpoint)
            return _state(endpoint, AddressOutcome.ERROR, "an error of Outkept's own; see its log")

    def _end(self, state: AddressState) -> None:
        self._report(state)
        self._count(state.outcome)
        self._wake.set()

    def _count(self, outcome: AddressOutcome) -> None:
        self._done += 1
        self._outcomes[outcome] += 1


def _state(endpoint: Endpoint, outcome: AddressOutcome, reason: str) -> AddressState:
    return AddressState(endpoint, outcome, reason, time.time())


def _descriptors() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 20 if soft == resource.RLIM_INFINITY else soft
