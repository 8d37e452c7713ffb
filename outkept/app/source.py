"""What the API shows, taken from the fleet and the store."""

import time
from collections.abc import Sequence

from prometheus_client import Metric

from outkept.app.context import Context
from outkept.app.control import Control
from outkept.app.crawl import Crawl
from outkept.app.desk_source import DeskSource, with_silences
from outkept.app.fleetwide import Fleetwide
from outkept.app.metrics import families
from outkept.app.notices import NoticesView
from outkept.app.overrides import touched
from outkept.app.reaction_control import ReactionControl
from outkept.app.views import (
    Json,
    action_view,
    has_text,
    server_detail,
    server_view,
    sweep_view,
)
from outkept.serve.source import Page, Points


class DaemonSource(Fleetwide):
    """Implements `outkept.serve.source.Source`, which documents each method."""

    def __init__(
        self,
        context: Context,
        crawl: Crawl,
        reactions: ReactionControl,
        control: Control,
        notices: NoticesView,
    ) -> None:
        super().__init__(
            context.fleet,
            context.library,
            context.store,
            ranges=context.settings.ranges,
            crawl=crawl,
            desk=context.desk,
            every=context.settings.sensors.every,
        )
        self._context = context
        self.crawl = crawl
        self.desk = DeskSource(context.desk, context.fleet, context.store, self.incident_view)
        self.control = control
        self.reactions = reactions
        self.notices = notices

    def ids(self) -> list[str]:
        """See Source.ids."""
        return [live.record.id for live in self._context.fleet]

    def find(self, status: str | None, q: str | None) -> list[tuple[str, str]]:
        """See Source.find."""
        wanted = (q or "").casefold()
        return [
            (live.record.identity.hostname, live.record.id)
            for live in self._context.fleet
            if (status is None or live.status == status) and (not wanted or has_text(live, wanted))
        ]

    def summary(self, server_id: str) -> Json | None:
        live = self._context.fleet.get(server_id)
        return server_view(live) if live is not None else None

    def server(self, server_id: str) -> Json | None:
        live = self._context.fleet.get(server_id)
        if live is None:
            return None
        return with_silences(server_detail(live), self._context.desk, live, time.time())

    def stats(self) -> Json:
        tally, fleet = self._context.tally, self._context.fleet
        return {
            "servers": len(fleet),
            "sensors": sum(len(live.series) for live in fleet),
            "warned": tally.day.get("warned", 0),
            "alarmed": tally.day.get("alarmed", 0),
            "fired": tally.day.get("fired", 0),
            "feeds": tally.day.get("feed", 0),
            "events_per_s": tally.per_second,
            "reactions_stopped": self.reactions.stopped,
        } | self.notices.standing()

    def sweeps(self) -> list[Json]:
        return [sweep_view(progress) for progress in self.crawl.progress()]

    async def start_sweep(self, range_text: str | None) -> list[Json]:
        ranges = self.crawl.start(range_text)
        return [{"range": text, "requested": time.time()} for text in ranges]

    async def actions(self, limit: int, cursor: str | None, *, server: str | None = None) -> Page:
        page = await self._context.store.actions(limit, cursor, server=server)
        return [action_view(action) for action in page.items], page.next

    async def history(
        self,
        server_id: str,
        sensor: str,
        instance: str | None,
        from_: float,
        to: float,
        points: int,
    ) -> Points | None:
        live = self._context.fleet.get(server_id)
        if live is None or not any(name == sensor for name, _ in live.series):
            return None
        return await self._context.store.history(server_id, sensor, instance, from_, to, points)

    async def overrides(self, server: str | None) -> list[Json] | None:
        context = self._context
        overrides = context.settings.sensors.overrides
        return await touched(context.fleet, overrides, context.library, server)

    async def metrics(self) -> Sequence[Metric]:
        return [
            *await families(self._context),
            *self.reactions.metrics(),
            *self.notices.metrics(),
        ]

    def ready(self) -> str:
        return self._context.store.stats().trouble
