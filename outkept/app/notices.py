"""Notices and targets as the API shows them."""

import time
from collections.abc import Iterator, Sequence

from prometheus_client import Metric

from outkept.app.metrics_acting import notice_families
from outkept.app.telling import Telling
from outkept.app.views import Json
from outkept.model.notice import Delivery, DeliveryState
from outkept.notify.carrier import TargetState


class NoticesView:
    """Implements `outkept.serve.notices.Notices`, which documents each method."""

    def __init__(self, telling: Telling) -> None:
        self._telling = telling

    async def page(
        self, limit: int, cursor: str | None, *, target: str | None, state: str | None
    ) -> tuple[list[Json], str | None]:
        word = None if state is None else DeliveryState(state)
        page = await self._telling.notices(limit, cursor, target=target, state=word)
        return [notice_view(one) for one in page.items], page.next

    def targets(self) -> list[Json]:
        return [target_view(one) for one in self._telling.states()]

    def standing(self) -> Json:
        """What the counters say of notices."""
        return standing(self._telling.states())

    def metrics(self) -> Iterator[Metric]:
        """Families about notices."""
        return notice_families(self._telling.states(), time.time())

    async def test(self, name: str) -> str:
        return await self._telling.test(name)


def standing(targets: Sequence[TargetState]) -> Json:
    """How many notices wait, and how many targets can't be reached."""
    return {
        "notices_waiting": sum(one.queued for one in targets),
        "targets_failing": sum(one.failing_since is not None for one in targets),
    }


def notice_view(one: Delivery) -> Json:
    """A notice in the shape of `shapes_notices.Notice`."""
    return {
        "id": one.id,
        "at": one.at,
        "target": one.target,
        "state": one.state.value,
        "urgency": one.urgency.value,
        "title": one.title,
        "body": one.body,
        "incidents": list(one.incidents),
        "attempts": one.attempts,
        "next_at": one.next_at or one.at if one.finished_at is None else None,
        "finished_at": one.finished_at,
        "error": one.error,
    }


def target_view(one: TargetState) -> Json:
    """A target in the shape of `shapes_notices.Target`."""
    return {
        "name": one.name,
        "kind": one.kind,
        "state": "ok" if one.failing_since is None else "failing",
        "failing_since": one.failing_since,
        "error": one.error,
        "queued": one.queued,
        "oldest": one.oldest,
        "last_sent": one.last_sent,
    }
