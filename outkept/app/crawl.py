"""Sweeps each configured range, again and again, and hands over the servers it meets."""

import asyncio
import logging
import socket
import time
from collections import Counter, deque
from dataclasses import replace

from outkept.app.context import Context
from outkept.app.sessions import Sessions
from outkept.app.silence import no_way_out
from outkept.discover.sweep import Pace, Sweep
from outkept.model.address import AddressOutcome, AddressState
from outkept.model.event import EventType
from outkept.model.ranges import Range
from outkept.model.server import Endpoint
from outkept.model.sweep import SweepProgress

MOST_SWEEPS_KEPT = 100

_log = logging.getLogger("outkept")


class Crawl:
    """One task a range. Ranges that are due at the same time are swept one after another, so
    that the configured rate holds for all of them together."""

    def __init__(self, context: Context, sessions: Sessions) -> None:
        self._context = context
        self._sessions = sessions
        self._one_at_a_time = asyncio.Lock()
        self._wanted = {rng.text: asyncio.Event() for rng in context.settings.ranges}
        self._running: dict[str, Sweep] = {}
        self._next: dict[str, float] = {}
        self._no_way_out: dict[str, str] = {}
        self._ended: deque[SweepProgress] = deque(maxlen=MOST_SWEEPS_KEPT)

    async def run(self) -> None:
        """Sweep until cancelled."""
        async with asyncio.TaskGroup() as group:
            for rng in self._context.settings.ranges:
                group.create_task(self._repeat(rng), name=f"sweeps of {rng.text}")

    def start(self, range_text: str | None) -> list[str]:
        """Sweep a range now (None: all), unless it is being swept; the ranges concerned.

        Raises KeyError for a range that isn't configured.
        """
        texts = [range_text] if range_text is not None else list(self._wanted)
        for text in texts:
            self._wanted[text].set()
        return texts

    def progress(self) -> list[SweepProgress]:
        """Running sweeps and the last that ended, newest first."""
        running = [sweep.progress for sweep in self._running.values()]
        return sorted((*running, *self._ended), key=lambda sweep: sweep.started, reverse=True)

    def next_at(self, range_text: str) -> float | None:
        """When the range is swept again (UNIX seconds); None while it is, or waits to be."""
        return self._next.get(range_text)

    async def _repeat(self, rng: Range) -> None:
        wanted = self._wanted[rng.text]
        while True:
            started = asyncio.get_running_loop().time()
            async with self._one_at_a_time:
                wanted.clear()
                await self._sweep(rng)
            left = max(started + rng.every - asyncio.get_running_loop().time(), 1.0)
            self._next[rng.text] = time.time() + left
            try:
                async with asyncio.timeout(left):
                    await wanted.wait()
            except TimeoutError:
                continue
            finally:
                del self._next[rng.text]

    async def _sweep(self, rng: Range) -> None:
        settings = self._context.settings.sweep
        silences: Counter[str] = Counter()

        def report(state: AddressState) -> None:
            if state.outcome is AddressOutcome.SILENT:
                silences[state.reason] += 1
            self._report(state)

        sweep = Sweep(
            rng,
            visit=lambda endpoint, sock: self._visit(rng, endpoint, sock),
            report=report,
            skip=self._skip,
            pace=Pace(rate=settings.rate, in_flight=settings.in_flight, timeout=settings.timeout),
        )
        self._running[rng.text] = sweep
        try:
            ended = await sweep.run()
            self._ended.append(ended)
            answered = ended.total > silences.total()
            self._tell_no_way_out(rng, "" if answered else no_way_out(silences))
        except Exception as error:  # noqa: BLE001 - a defect ends one sweep, not the daemon
            self._context.defect(f"the sweep of {rng.text}", error)
            self._ended.append(replace(sweep.progress, finished=time.time()))
        finally:
            del self._running[rng.text]

    def _tell_no_way_out(self, rng: Range, why: str) -> None:
        """Once, until an address of the range can be tried again."""
        if why and self._no_way_out.get(rng.text) != why:
            text = f"nothing in {rng.text} could be tried: {why}; check this machine's network"
            _log.warning("%s", text)
            self._context.tell(EventType.MESSAGE, None, text)
        self._no_way_out[rng.text] = why

    async def _visit(
        self, rng: Range, endpoint: Endpoint, sock: socket.socket | None
    ) -> AddressState:
        user = rng.user or self._context.settings.ssh.user
        return await self._sessions.visit(endpoint, user, sock)

    def _report(self, state: AddressState) -> None:
        if state.outcome is not AddressOutcome.SERVER:
            self._context.note(state)

    def _skip(self, endpoint: Endpoint, now: float) -> AddressState | None:
        """An endpoint that we are connected to, or that has just refused us, is left alone.
        Another one of a connected server is looked at: it may be another machine's by now."""
        live = self._context.fleet.at(endpoint)
        known = self._context.addresses.get(endpoint)
        if live is not None and live.is_connected_at(endpoint):
            return AddressState(
                endpoint, AddressOutcome.SERVER, "connected", now, server=live.record.id
            )
        return known if self._context.addresses.wait(endpoint, now) > 0 else None
