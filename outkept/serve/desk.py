"""What the API needs of the desk: silences, and what people say of incidents.

DeskError
├── NotThereError    there is nothing of this id
├── OverError        it is over, or isn't as it would have to be
├── FullError        there is no room for more
└── NotWrittenError  it isn't on disk, and may not come to be
"""

from typing import Any, Protocol

from outkept.model.silence import Silence

Json = dict[str, Any]
Page = tuple[list[Json], str | None]
"""See `outkept.serve.source`."""


class DeskError(Exception):
    """Nothing was done. One line that says what to do."""


class NotThereError(DeskError):
    """There is nothing of this id."""


class OverError(DeskError):
    """It is over, or isn't as it would have to be."""


class FullError(DeskError):
    """There is no room for more."""


class NotWrittenError(DeskError):
    """The disk takes nothing, or is slow: it may still come to be."""


class Desk(Protocol):
    """Implemented by the app. `by` is who asks. Incidents are named by the id of any event of
    theirs. What returns is on disk; where something isn't, DeskError is raised."""

    async def silences(self, limit: int, cursor: str | None, state: str | None) -> Page:
        """Silences in the shape of `shapes_desk.Silence`, the newest first. Raises ValueError for
        a cursor that isn't one of ours."""

    async def silence(self, id: int) -> Json:
        """One, in the shape of `shapes_desk.SilenceDetail`."""

    async def preview(self, silence: Silence) -> Json:
        """What it would be, in the shape of `shapes_desk.SilenceDetail`; its id is 0."""

    async def add_silence(self, silence: Silence) -> Json:
        """Have it hold; in the same shape."""

    async def end_silence(self, id: int, by: str) -> Json:
        """Have it end now; in the shape of `shapes_desk.Silence`."""

    async def acknowledge(self, event: int, by: str, comment: str) -> Json:
        """Somebody has taken an incident on; it, in the shape of `shapes_incidents.Incident`."""

    async def withdraw(self, event: int, by: str) -> Json:
        """Nobody has any more; in the same shape."""

    async def note(self, event: int, by: str, text: str) -> Json:
        """Write something to an incident, also to one that is over; in the same shape."""
