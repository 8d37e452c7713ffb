"""The shapes of the library's sensors, over all servers."""

from pydantic import Field

from outkept.model.action import ReactionMode
from outkept.model.level import SensorStatus, ServerStatus
from outkept.serve.shapes import Shape


class SensorSummary(Shape):
    """A sensor of the library: how many servers have it, and how many of its series are of each
    status. `parse` is `text` where its values are no numbers. `steps` is 0 where it has no
    reaction, 2 where that has a fallback."""

    name: str
    unit: str
    description: str
    parse: str
    servers: int
    series: int
    statuses: dict[SensorStatus, int]
    steps: int


class Sensors(Shape):
    items: list[SensorSummary]
    next: str | None


class Reason(Shape):
    """Why servers don't have a sensor, and how many."""

    reason: str
    servers: int


class Coverage(Shape):
    """How many servers have a sensor. Of `unknown` ones it is not known yet; `changed` have
    another definition, by an override. `reasons` are why the `unsupported` ones don't have it."""

    servers: int
    supported: int
    unsupported: int
    unknown: int
    changed: int
    reasons: list[Reason]


class SensorDefinition(Shape):
    """A sensor as its library has it. Durations are in seconds."""

    name: str
    description: str
    unit: str
    parse: str
    cmd: str
    verifier: str
    warning: float | None
    alarm: float | None
    inverted: bool
    zero: bool
    every: float
    timeout: float | None
    reactive: str | None
    fallback: str | None
    mended_within: float | None = None
    reaction_mode: ReactionMode | None = None
    cooldown: float | None
    source: str
    coverage: Coverage


class SensorServer(Shape):
    """Whether a server has a sensor, None while that is not known, and why not."""

    id: str
    hostname: str
    status: ServerStatus
    supported: bool | None
    reason: str


class SensorServers(Shape):
    items: list[SensorServer]
    next: str | None


class HeatRow(Shape):
    """One series: the mean of each column, None where nothing was read."""

    server: str
    hostname: str
    instance: str | None
    cells: list[float | None]


class HeatMap(Shape):
    """A sensor over time, in `columns` columns of equal width. `rows` are some of the `total`
    series; `spread` is over all of them: of each column the least value, that which a tenth,
    a half and nine tenths of them don't exceed, and the greatest; None where nothing was read."""

    from_: float = Field(alias="from")
    to: float
    columns: int
    total: int
    spread: list[tuple[float, float, float, float, float] | None]
    rows: list[HeatRow]
