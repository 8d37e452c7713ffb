"""What `serve` needs to show notices and the targets that they are for."""

from typing import Any, Protocol

Json = dict[str, Any]


class Notices(Protocol):
    """Implemented by the app."""

    async def page(
        self, limit: int, cursor: str | None, *, target: str | None, state: str | None
    ) -> tuple[list[Json], str | None]:
        """Notices in the shape of `shapes_notices.Notice`, newest first. Raises ValueError for a
        cursor that isn't one of ours."""

    def targets(self) -> list[Json]:
        """Targets in the shape of `shapes_notices.Target`, by name. Nothing in them is secret."""

    async def test(self, name: str) -> str:
        """Send a target something to test it; why it failed, empty if it didn't. Raises KeyError
        if there is no target of this name."""
