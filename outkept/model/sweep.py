"""Sweeps: how far a crawl of a range has come."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SweepProgress:
    """One sweep of one range. `started`/`finished` are UNIX seconds; `rate` is addresses
    (endpoints) finished a second; `left_s` the estimated seconds left, None while unknown.
    `outcomes` counts endpoints by outcome."""

    id: str
    range: str
    started: float
    total: int
    done: int = 0
    found: int = 0
    rate: float = 0.0
    left_s: float | None = None
    finished: float | None = None
    outcomes: dict[str, int] = field(default_factory=dict)
