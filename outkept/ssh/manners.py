"""How sensors behave in a shell: which may travel together, and which must run alone. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

UNKNOWN_S = 0.01
"""Taken for the run time of a command that never ran in a shell."""

QUICK_S = 0.1
TRUSTED_AFTER = 3
"""Quick answers in a row after which a command's frame may wait for its neighbours'."""

PIECE_S = 0.25
MOST_TOGETHER = 64
"""What is sent in one write: as long as it takes together, a hang hides its neighbours."""

SHELL_S = 0.3
"""Worth another shell: a batch that takes longer than this."""

FRESH = 0.3
FIRST_TERM, LONGEST_TERM = 5, 320
"""Good runs in a row, alone, before another try in a shell; doubled with each failure there."""


@dataclass(slots=True)
class _Record:
    took: float = UNKNOWN_S
    quick: int = 0
    term: int = FIRST_TERM
    alone: int = 0
    good: int = 0
    disputed: bool = False
    why: str = ""


class Manners:
    """What is known of each key, by its own behaviour on this connection."""

    __slots__ = ("_records",)

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}

    def alone(self) -> tuple[str, ...]:
        """The keys that run alone, sorted."""
        return tuple(sorted(key for key, record in self._records.items() if record.alone))

    def why_alone(self) -> tuple[tuple[str, str], ...]:
        """Each key that runs alone with what it did, sorted."""
        return tuple((key, self._records[key].why) for key in self.alone())

    def is_alone(self, key: str) -> bool:
        """Whether `key` must not run in a shell now."""
        record = self._records.get(key)
        return record is not None and record.alone > 0

    def expected(self, key: str) -> float:
        """Seconds that `key` is likely to take."""
        record = self._records.get(key)
        return UNKNOWN_S if record is None else record.took

    def trusted(self, key: str) -> float | None:
        """Seconds that `key` is likely to take, if its frame may wait for others; else None."""
        record = self._records.get(key)
        if record is None or record.quick < TRUSTED_AFTER or record.took >= QUICK_S:
            return None
        return record.took

    def answered(self, key: str, took: float) -> None:
        """It ran well in a shell, in `took` seconds."""
        record = self._records.get(key)
        if record is None:
            record = self._records[key] = _Record(took)
        record.took += FRESH * (took - record.took)
        record.quick = record.quick + 1 if took < QUICK_S else 0

    def doubt(self, key: str) -> None:
        """It was among others when something went wrong: next time its frame comes by itself."""
        self._records.setdefault(key, _Record()).quick = 0

    def misbehaved(self, key: str, why: str = "cost a shell") -> None:
        """It did what `why` says: it runs alone for a while, longer each time."""
        record = self._records.setdefault(key, _Record())
        record.why = why
        record.alone, record.good, record.quick = record.term, 0, 0
        record.term = min(LONGEST_TERM, record.term * 2)
        record.disputed = False

    def failed(self, key: str) -> None:
        """It failed in a shell in good order: alone, with its standard error, until it works.
        If it works alone at once, the shell is to blame, and it runs alone for long."""
        record = self._records.setdefault(key, _Record())
        record.alone, record.good, record.disputed = max(record.alone, 1), 0, True
        record.why = "failed in a shell: alone, its standard error says why"

    def ran_alone(self, key: str, good: bool) -> None:
        """It ran by exec."""
        record = self._records.get(key)
        if record is None or not record.alone:
            return
        if record.disputed and good:
            self.misbehaved(key, "failed in a shell, and works alone")
        record.disputed = False
        record.good = record.good + 1 if good else 0
        if record.good >= record.alone:
            record.alone = record.good = 0


def pieces(jobs: Iterable[tuple[T, str]], manners: Manners) -> list[tuple[T, ...]]:
    """Jobs with their keys, cut into what is sent in one write: first the trusted ones
    together, then each of the others by itself."""
    together: list[tuple[T, ...]] = []
    apart: list[tuple[T, ...]] = []
    piece: list[T] = []
    seconds = 0.0
    for job, key in jobs:
        took = manners.trusted(key)
        if took is None:
            apart.append((job,))
            continue
        if piece and (seconds + took > PIECE_S or len(piece) >= MOST_TOGETHER):
            together.append(tuple(piece))
            piece, seconds = [], 0.0
        piece.append(job)
        seconds += took
    if piece:
        together.append(tuple(piece))
    return together + apart


def shares(costs: Sequence[float], shells: int) -> list[list[int]]:
    """Indexes of `costs`, in order, spread over so many shells that each has about as much;
    none is empty unless there are fewer costs than shells."""
    if shells <= 1:
        return [list(range(len(costs)))]
    found: list[list[int]] = [[] for _ in range(shells)]
    loads = [0.0] * len(found)
    for index, cost in enumerate(costs):
        least = loads.index(min(loads))
        found[least].append(index)
        loads[least] += max(cost, 1e-6)
    return found
