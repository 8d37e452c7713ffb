"""A parent for tasks: the one place in the program where a task starts."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

log = logging.getLogger(__name__)

STUBBORN_S = 5.0
"""How long `aclose` waits for children that don't end when cancelled."""


class Scope:
    """A set of child tasks with one owner, who closes it and bounds their number.

    A child's unexpected exception is logged with the scope's name; it ends neither the scope
    nor the child's siblings.
    """

    __slots__ = ("_children", "_closed", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self._children: set[asyncio.Task[Any]] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._children)

    def spawn(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Start `work` as a child. Raises RuntimeError once the scope is closed."""
        if self._closed:
            work.close()
            raise RuntimeError(f"scope {self.name} is closed; it starts no more tasks")
        task = asyncio.create_task(work, name=f"{self.name}: {name}")  # noqa: TID251 this is the parent
        self._children.add(task)
        task.add_done_callback(self._reap)
        return task

    def _reap(self, task: asyncio.Task[Any]) -> None:
        self._children.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s failed: %r", task.get_name(), error, exc_info=error)

    async def aclose(self, deadline: float = STUBBORN_S) -> None:
        """Cancel the children and wait for them, at most `deadline` seconds. Idempotent.

        Cancel-safe: the children stay cancelled; call it again to go on waiting.
        """
        self._closed = True
        children = self._children - {asyncio.current_task()}
        for task in children:
            task.cancel()
        if not children:
            return
        _, stubborn = await asyncio.wait(children, timeout=deadline)
        for task in stubborn:
            log.error("%s did not end within %g s of being cancelled", task.get_name(), deadline)
