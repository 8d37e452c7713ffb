"""The made-up fleet's notices: three targets, one of which fails."""

import time

from outkept.app.notices import notice_view, standing, target_view
from outkept.model.notice import Delivery, DeliveryState, Urgency
from outkept.notify.carrier import TargetState
from outkept.serve.paging import page
from outkept.serve.source import Json, Page


class MadeUpNotices:
    """Implements `outkept.serve.notices.Notices` in memory."""

    def __init__(self) -> None:
        now = time.time()
        self.states = [
            TargetState("boss", "tgram", now - 600, "it was refused", 1, now - 600, None),
            TargetState("monitoring", "alertmanager", None, "", 0, None, now - 20),
            TargetState("ops", "mailto", None, "", 0, None, now - 60),
        ]
        self.kept = [
            Delivery(
                state.name,
                now - 60 * number,
                str(number),
                "ALARM web1: disk[/var] is 97 % >= 95 (site=lisbon)",
                "Since 2026-11-28 14:03 UTC",
                Urgency.ALARM,
                (number,),
                id=number,
                state=DeliveryState.WAITING if state.error else DeliveryState.SENT,
                attempts=1,
                next_at=now + 60,
                finished_at=None if state.error else now,
                error=state.error,
            )
            for number, state in enumerate(self.states * 3, 1)
        ]

    async def page(
        self, limit: int, cursor: str | None, *, target: str | None, state: str | None
    ) -> Page:
        found = [
            notice_view(one)
            for one in self.kept
            if target in (None, one.target) and state in (None, one.state)
        ]
        return page(found, lambda one: [one["id"]], limit, cursor, newest_first=True)

    def targets(self) -> list[Json]:
        return [target_view(state) for state in self.states]

    def standing(self) -> Json:
        """See `outkept.app.notices`."""
        return standing(self.states)

    async def test(self, name: str) -> str:
        return {state.name: state.error for state in self.states}[name]
