"""What `serve` needs from the rest of the daemon: the contract between the app and its API."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from prometheus_client import Metric

Json = dict[str, Any]
"""A JSON-ready object: str, int, float, bool, None, lists and objects of them."""

Page = tuple[list[Json], str | None]
"""Items and the cursor of the next page, None on the last."""

Points = list[tuple[float, float, float, float]]
"""History: `(unix seconds, min, mean, max)`, oldest first."""


class Source(Protocol):
    """Implemented by the app. Every dict handed out is the receiver's: it is never changed
    afterwards, because the live hub compares it with the next one.

    The synchronous methods are called inside the event loop and must not block.
    """

    def servers(self) -> Sequence[Json]:
        """All servers in the contract's Server shape, exported sensors only."""

    def ids(self) -> Sequence[str]:
        """The ids of all servers."""

    def summary(self, server_id: str) -> Json | None:
        """One server in exactly the shape `servers()` gives, or None if it is gone.

        Called for every changed server every quarter of a second: keep it cheap.
        `channels` carries the text `queued_up` (empty when the pool keeps pace) too.
        """

    def server(self, server_id: str) -> Json | None:
        """One server with all that is known: besides the Server shape `channels` with
        `missed` and `refused`, `endpoints`, `identity`, `unsupported` (sensor → reason),
        and on each sensor `description`, `warning`, `alarm`, `inverted`, `every` if it has
        them. None if there is no such server."""

    def stats(self) -> Json:
        """The contract's stats of the last 24 hours."""

    def sweeps(self) -> list[Json]:
        """Sweeps in the shape of `model.sweep.SweepProgress`, newest first."""

    async def start_sweep(self, range_text: str | None) -> list[Json]:
        """Sweep a configured range now (None: all of them); the sweeps that started.

        Raises KeyError if no range of that text is configured.
        """

    async def events(
        self,
        limit: int,
        cursor: str | None,
        *,
        server: str | None = None,
        type: str | None = None,
        q: str | None = None,
    ) -> Page:
        """Events, newest first. Raises ValueError for a cursor that isn't one of ours."""

    async def actions(self, limit: int, cursor: str | None, *, server: str | None = None) -> Page:
        """Actions, newest first. Raises ValueError like `events`."""

    async def addresses(
        self, limit: int, cursor: str | None, *, outcome: str | None = None
    ) -> Page:
        """How each swept address ended, newest first. Raises ValueError like `events`."""

    async def history(
        self,
        server_id: str,
        sensor: str,
        instance: str | None,
        from_: float,
        to: float,
        points: int,
    ) -> Points | None:
        """At most `points` buckets of one series, or None if there is no such series."""

    def metrics(self) -> Iterable[Metric]:
        """Prometheus families of the whole daemon."""

    def ready(self) -> str:
        """Empty when the daemon does its work, else why it doesn't (yet)."""
