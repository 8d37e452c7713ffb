"""What `serve` needs from the rest of the daemon: the contract between the app and its API."""

from collections.abc import Sequence
from typing import Any, Protocol

from prometheus_client import Metric

from outkept.model.event import EventQuery
from outkept.serve.control import Control
from outkept.serve.desk import Desk
from outkept.serve.notices import Notices
from outkept.serve.reactions import Reactions

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

    @property
    def desk(self) -> Desk:
        """Silences, and what people say of incidents."""

    @property
    def control(self) -> Control:
        """Runs that people start."""

    @property
    def reactions(self) -> Reactions:
        """How reactions stand, and what people say to them."""

    @property
    def notices(self) -> Notices:
        """Who is told of incidents, and what became of it."""

    def ids(self) -> Sequence[str]:
        """The ids of all servers."""

    def find(self, status: str | None, q: str | None) -> Sequence[tuple[str, str]]:
        """Hostname and id of the servers of this status (None: of any) that have `q` in hostname,
        id, an address or a label's value, whatever its case."""

    def summary(self, server_id: str) -> Json | None:
        """One server in the contract's Server shape, exported sensors only, or None if it is gone.

        Called for every changed server every quarter of a second: keep it cheap.
        `channels` carries the text `queued_up` (empty when the pool keeps pace) too. `muted` are
        the labels of the series that are silenced, `*` alone where the server is; `quiet` says
        that nobody is told of it now: all of it, or all that is wrong with it, is silenced.
        """

    def server(self, server_id: str) -> Json | None:
        """One server with all that is known: besides the Server shape `channels` as
        `shapes_servers.ChannelDetail` has them, `endpoints`, `identity`, `unsupported`
        (sensor → reason), and on each sensor `group`, `description`, `warning`, `alarm`,
        `inverted`, `every` if it has them. None if there is no such server."""

    def stats(self) -> Json:
        """The contract's stats of the last 24 hours, and `reactions_stopped`, `notices_waiting` and
        `targets_failing`, which are of now."""

    def sweeps(self) -> list[Json]:
        """Sweeps in the shape of `model.sweep.SweepProgress`, newest first."""

    async def start_sweep(self, range_text: str | None) -> list[Json]:
        """Sweep a configured range now (None: all of them); the sweeps that started.

        Raises KeyError if no range of that text is configured.
        """

    async def events(self, limit: int, cursor: str | None, wanted: EventQuery) -> Page:
        """Events, newest first. Raises ValueError for a cursor that isn't one of ours."""

    async def actions(self, limit: int, cursor: str | None, *, server: str | None = None) -> Page:
        """Actions, newest first. Raises ValueError like `events`."""

    async def addresses(
        self,
        limit: int,
        cursor: str | None,
        *,
        outcome: str | None = None,
        reason: str | None = None,
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

    async def sensors(self) -> list[Json]:
        """Exported sensors of the library, by name, as `shapes_sensors.SensorSummary`."""

    async def sensor(self, name: str) -> Json | None:
        """One as `shapes_sensors.SensorDefinition`, None if there is none of this name."""

    def sensor_servers(
        self,
        name: str,
        limit: int,
        cursor: str | None,
        *,
        supported: bool | None = None,
        reason: str | None = None,
    ) -> Page | None:
        """Which servers have a sensor, by hostname; None if there is no such sensor. Raises
        ValueError like `events`."""

    async def overrides(self, server: str | None) -> list[Json] | None:
        """The configuration's overrides in the shape of `shapes_overrides.Override`; those that
        touch one server where it is given, None if there is no such server."""

    async def heatmap(
        self, sensor: str, from_: float, to: float, columns: int, most: int, order: str
    ) -> Json:
        """`shapes_sensors.HeatMap` of a sensor, of `most` rows. Raises ValueError, which says what
        to ask for instead, where it would take too long or be too large."""

    def ranges(self) -> list[Json]:
        """The configured ranges in the shape of `shapes_discovery.Range`."""

    async def address_outcomes(self) -> list[Json]:
        """Swept addresses by outcome and reason, in the shape of `shapes_discovery.Outcome`."""

    async def incidents(
        self,
        limit: int,
        cursor: str | None,
        *,
        server: str | None = None,
        state: str | None = None,
        acknowledged: bool | None = None,
    ) -> Page:
        """Incidents, those that are open first. Raises ValueError like `events`."""

    async def incident(self, event: int, now: float) -> Json | None:
        """The incident that the event of this id is part of, in the shape of
        `shapes_incidents.IncidentDetail`; None if it is part of none. `now` is UNIX seconds."""

    async def metrics(self) -> Sequence[Metric]:
        """Prometheus families of the whole daemon."""

    def ready(self) -> str:
        """Empty when the daemon does its work, else why it doesn't (yet)."""
