"""What the API needs of reactions."""

from typing import Any, Protocol

Json = dict[str, Any]


class NotKeptError(Exception):
    """What was said is not on disk. One line that says what holds now."""


class Reactions(Protocol):
    """Implemented by the app. `by` is who asks, in words."""

    @property
    def stopped(self) -> bool:
        """Whether a person has stopped all reactions."""

    def view(self) -> Json:
        """How things stand, in the shape of `shapes_reactions.Reactions`."""

    async def stop(self, reason: str, by: str) -> None:
        """Let nothing react from now on, over restarts too. Raises NotKeptError where it is not on
        disk; it holds all the same until the daemon ends."""

    async def resume(self, by: str) -> bool:
        """Let reactions run again; false where nobody has stopped them. Raises NotKeptError; they
        stay stopped then."""

    async def release(self, server: str, sensor: str, by: str) -> bool:
        """Let a latched sensor's reactions run again on a server; false where they are not latched.
        Raises NotKeptError; it stays latched then."""
