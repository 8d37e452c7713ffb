"""What of each server is silenced now, kept with the server for all that show it."""

import asyncio
import time

from outkept.app.context import Context
from outkept.app.fleet import LiveServer
from outkept.app.turns import in_turns

_MATCHES_AT_ONCE = 2000
"""Silences that are held against servers before the loop may do something else: some
milliseconds."""


class Muting:
    """Looks at all servers again when other silences hold, and at one when its record or its
    series are others."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._marked = False
        self._holding: tuple[int, ...] = ()

    async def look(self) -> None:
        """Bring all servers up to date. While nothing is silenced, and nothing was, that costs
        nothing. Cancel-safe: the next look does what is left."""
        now = time.time()
        silences = self._context.desk.silences
        holding = tuple([one.id async for one in in_turns(silences) if one.holds(now)])
        if not holding and not self._marked:
            return
        self._marked = True
        # The same object as long as it is the same, which makes it quick to compare.
        if holding != self._holding:
            self._holding = holding
        holding = self._holding
        at_once = max(1, _MATCHES_AT_ONCE // max(1, len(holding)))
        marked = 0
        async for live in in_turns(self._context.fleet):
            if live.muted_for == (holding, live.record):
                continue
            self._mark(live, holding, now)
            marked += 1
            if marked % at_once == 0:
                await asyncio.sleep(0)
        self._marked = bool(holding)

    def _mark(self, live: LiveServer, holding: tuple[int, ...], now: float) -> None:
        live.muted_for = holding, live.record
        muted = self._context.desk.muted(live, now)
        if muted != live.muted:
            live.muted = muted
            self._context.changed(live)
