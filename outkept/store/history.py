"""What the store asks of a history engine. Another engine replaces `engine.py` behind this;
tests/store/history_contract.py says what it has to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from outkept.model.reading import Reading, Value

MOST_POINTS = 5000
MOST_INSTANCES = 1000
"""Series of one sensor on one server. More is not a table for people but a server that makes
up names; further ones are refused and counted."""

MOST_BACKLOG = 4
"""Hours of backlog that are told apart."""

MOST_COLUMNS = 1000
MOST_CELLS = 5_000_000
"""Of a heat map: 50,000 series at 100 columns, some 200 MB while it is made."""

Point = tuple[float, float, float, float]
"""Start of a bucket (UNIX seconds), and the least, the mean and the greatest value in it."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long each tier is kept, in seconds: every reading; one row a minute; one an hour.

    Events and actions are kept as long as `hours`. Readings are deleted in whole hours, and
    never before they are rolled up, so somewhat more than this is kept.
    """

    raw: float = 2 * 86400.0
    minutes: float = 30 * 86400.0
    hours: float = 2 * 365 * 86400.0


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """Names one series. `instance` is None for a sensor with a single one."""

    server: str
    sensor: str
    instance: str | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """Readings with from_ <= at < to (UNIX seconds), in at most `points` buckets of equal width.

    Raises ValueError for a window that ends before it starts, or for other than 1 to
    MOST_POINTS points.
    """

    from_: float
    to: float
    points: int

    def __post_init__(self) -> None:
        if not 1 <= self.points <= MOST_POINTS:
            raise ValueError(f"points is {self.points}; it must be 1 to {MOST_POINTS}")
        if not -1e15 < self.from_ <= self.to < 1e15:
            raise ValueError("from must not be later than to, and both are UNIX seconds")


@dataclass(frozen=True, slots=True)
class HeatWindow:
    """Readings with from_ <= at < to (UNIX seconds), in `columns` columns of equal width.

    Raises ValueError for a window that isn't one, or for other than 1 to MOST_COLUMNS columns.
    """

    from_: float
    to: float
    columns: int

    def __post_init__(self) -> None:
        if not 1 <= self.columns <= MOST_COLUMNS:
            raise ValueError(f"columns is {self.columns}; it must be 1 to {MOST_COLUMNS}")
        if not -1e15 < self.from_ < self.to < 1e15:
            raise ValueError("from must be earlier than to, and both are UNIX seconds")

    def check(self, rows: int) -> None:
        """Raises ValueError where so many rows make more than MOST_CELLS cells."""
        if rows * self.columns > MOST_CELLS:
            most = MOST_CELLS // rows
            raise ValueError(
                f"columns is {self.columns}; with {rows} rows it must be {most} at most"
            )


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One series of a heat map: the mean of each column, None where it has no readings."""

    server: str
    instance: str | None
    cells: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class LastReading:
    """The last value that arrived of one series, and when. `failure` says why the sensor has
    failed since; a sensor that failed and never gave a value has value None, instance None and
    the time of its failure."""

    server: str
    sensor: str
    instance: str | None
    value: Value | None
    at: float
    failure: str | None = None


class History(Protocol):
    """A history engine. It never sees two writes at once; reads run beside them.

    `add`, `remove`, `maintain` and, last of all, `before_commit` are called on the writer's
    thread inside its transaction: what they did counts once the transaction is committed.
    `rolled_back` says that it was not, and that whatever they remembered since is void.
    """

    def add(self, readings: Sequence[Reading]) -> int:
        """Take readings in; how many samples were refused (not finite, too many instances,
        older than the raw tier)."""

    def remove(self, server: str) -> None:
        """Forget a server: at once for readers; the space comes back with `maintain`."""

    def maintain(self, now: float) -> bool:
        """One slice of rollup and retention, of some 50 ms at most; whether there is more."""

    def backlog(self, now: float) -> int:
        """How far maintenance is behind, 0 to MOST_BACKLOG: the hours that are over and not yet
        packed (one is usual after a full hour), and the days that readings are overdue to
        expire. On the writer's thread."""

    def before_commit(self) -> None:
        """The transaction is about to be committed: write what `add` only collected."""

    def rolled_back(self) -> None:
        """The transaction failed."""

    def query(self, key: SeriesKey, window: Window) -> list[Point]:
        """Buckets that have readings, sorted. Each part of the window is answered by the finest
        tier that still has it. Rows of a tier count at the start of their minute or hour."""

    def heatmap(self, sensor: str, window: HeatWindow) -> list[HeatRow]:
        """Every series of a sensor that has readings in the window, by server and instance.

        Columns shorter than a quarter of an hour are made of readings; others of quarters,
        which count at their start and are precise to seven digits. Before the raw tier, hours
        stand for both. Raises ValueError where there are more than MOST_CELLS cells."""

    def texts(self, key: SeriesKey, from_: float, to: float, limit: int) -> list[tuple[float, str]]:
        """The newest `limit` changes of a text series with from_ <= at < to, oldest first."""

    def last(self) -> list[LastReading]:
        """The last reading of every series."""
