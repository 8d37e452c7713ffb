"""The shapes of ranges, their sweeps, and the addresses that were swept."""

from outkept.serve.shapes import Asked, Shape


class SweepRequest(Asked):
    """`range` as it stands in the configuration; left out: every configured range."""

    range: str | None = None


class Sweep(Shape):
    """One sweep of one range. `left_s` is None while unknown; so is `finished` while it runs."""

    id: str
    range: str
    started: float
    total: int
    done: int
    found: int
    rate: float
    left_s: float | None
    finished: float | None
    outcomes: dict[str, int]


class Sweeps(Shape):
    items: list[Sweep]
    next: str | None


class Address(Shape):
    """How one swept address ended the last time."""

    address: str
    port: int
    outcome: str
    reason: str
    at: float
    server: str | None


class Addresses(Shape):
    items: list[Address]
    next: str | None


class Range(Shape):
    """A configured range, with its sweep that runs and the last that ended since the daemon
    started. `every` is in seconds; `next` is None while it is swept, or waits to be."""

    range: str
    addresses: int
    ports: list[int]
    user: str | None
    every: float
    labels: dict[str, str]
    running: Sweep | None
    last: Sweep | None
    next: float | None


class Ranges(Shape):
    items: list[Range]
    next: str | None


class Outcome(Shape):
    """How many addresses ended in this outcome for this reason; `at` is when the last did."""

    outcome: str
    reason: str
    addresses: int
    at: float


class Outcomes(Shape):
    items: list[Outcome]
    next: str | None
