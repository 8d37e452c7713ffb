"""What people see of reactions and say to them."""

from collections.abc import Iterator
from typing import Any

from prometheus_client import Metric

from outkept.app.context import Context
from outkept.app.guards import Guards
from outkept.app.metrics_acting import reaction_families
from outkept.app.reactions import Reactions
from outkept.model.event import split_label
from outkept.serve.reactions import NotKeptError
from outkept.store.errors import StoreError

Json = dict[str, Any]

MOST_SHOWN = 100
"""Waiting reactions that are listed; `waiting` counts them all."""


class ReactionControl:
    """Implements `outkept.serve.reactions.Reactions`, which documents its methods."""

    def __init__(self, context: Context, guards: Guards, reactions: Reactions) -> None:
        self._context = context
        self._guards = guards
        self._reactions = reactions

    @property
    def stopped(self) -> bool:
        return self._guards.stopped is not None

    def view(self) -> Json:
        waiting = self._reactions.waiting()
        return self._guards.view() | {
            "waiting": len(waiting),
            "held": [
                {
                    "server": live.record.id,
                    "hostname": live.name,
                    "sensor": split_label(label)[0],
                    "instance": split_label(label)[1],
                    "guard": guard.value,
                }
                for live, label, guard in waiting[:MOST_SHOWN]
            ],
        }

    def metrics(self) -> Iterator[Metric]:
        """Families about reactions."""
        return reaction_families(self._context, self._guards, self._reactions)

    async def stop(self, reason: str, by: str) -> None:
        try:
            await self._guards.stop(reason, by)
        except StoreError as error:
            raise NotKeptError(
                f"all reactions are stopped, but only until the daemon ends: {error}"
            ) from None

    async def resume(self, by: str) -> bool:
        try:
            return await self._guards.resume(by)
        except StoreError as error:
            raise NotKeptError(f"reactions stay stopped: {error}") from None

    async def release(self, server: str, sensor: str, by: str) -> bool:
        try:
            return await self._guards.release(server, sensor, by)
        except StoreError as error:
            raise NotKeptError(f"it stays latched: {error}") from None
