"""What `serve` needs to have people run the library's commands: implemented by the app.

ControlError
  UnknownError    there is no such sensor, server or run
  MistakenError   it can't be asked for like this
  ChangedError    what would run isn't what was confirmed
  FullError       there is no room for another run or reader now
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

Json = dict[str, Any]


class ControlError(Exception):
    """Nothing was run. The message is one line that says what to do."""


class UnknownError(ControlError):
    """There is no such sensor, server or run."""


class MistakenError(ControlError):
    """It can't be asked for like this."""


class ChangedError(ControlError):
    """What would run isn't what was confirmed, or nothing was. `preview` is what would run now."""

    def __init__(self, message: str, preview: Json) -> None:
        super().__init__(message)
        self.preview = preview


class FullError(ControlError):
    """There is no room for another run or reader now."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Servers, found by all that is given: `names` are globs over hostname, id and addresses, any
    of which will do; `q` is found in hostname, id, an address or a label's value; `labels` are
    globs over the server's."""

    names: Sequence[str] = ()
    q: str | None = None
    status: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to run: a sensor's command (`step` 1: its reaction, 2: its fallback)
    on servers by id, or on a selection. `override` are the guards that are not to hold it, and
    `confirm` is what the preview gave."""

    sensor: str
    instance: str | None
    step: int
    servers: Sequence[str] | Selection
    reason: str
    override: Sequence[str] = ()
    confirm: str | None = None


class Following(Protocol):
    """One reader's place in a run."""

    @property
    def ended(self) -> bool:
        """Whether the last line was given."""

    async def next(self) -> list[Json]:
        """The next lines, each in the shape of `shapes_control.Line`. Waits for some, at most a
        quarter of a minute. Cancel-safe."""


class Control(Protocol):
    """Runs the library's commands on servers. All of it is called inside the event loop."""

    async def preview(self, wanted: Wanted) -> Json:
        """What would run where, in the shape of `shapes_control.RunPreview`. Nothing runs.
        Raises UnknownError, MistakenError."""

    async def start(self, wanted: Wanted, by: str) -> Json:
        """Begin a run, for `by`; the run in the shape of `shapes_control.Run`. Raises
        ControlError."""

    def runs(self) -> list[Json]:
        """Those that are kept in the shape of `shapes_control.RunSummary`, newest first."""

    def detail(self, id: str) -> Json | None:
        """One in the shape of `shapes_control.Run`."""

    def stop(self, id: str, by: str) -> Json | None:
        """Let nothing more of a run begin; the run as it is then. What runs already goes on to
        its end. None if there is no such run."""

    def follow(self, id: str) -> AbstractContextManager[Following] | None:
        """Follow a run from its beginning, None if there is no such run. Raises FullError."""
