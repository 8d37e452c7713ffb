"""How much happens: readings a second, and events of the last day by type."""

from collections import deque

WINDOW = 5
"""Slots over which the rate is taken."""


class Tally:
    """Counts readings in slots; `tick` closes one, each second as a rule."""

    def __init__(self) -> None:
        self._slots: deque[tuple[int, float]] = deque(maxlen=WINDOW)
        self._current = 0
        self.total = 0
        self.day: dict[str, int] = {}

    def count(self) -> None:
        """One more reading."""
        self._current += 1
        self.total += 1

    def tick(self, seconds: float) -> None:
        """So many seconds have passed since the last time: more than one where the loop is
        behind."""
        self._slots.append((self._current, seconds))
        self._current = 0

    @property
    def per_second(self) -> float:
        """Readings a second, over the last five slots."""
        seconds = sum(lasted for _, lasted in self._slots)
        return round(sum(count for count, _ in self._slots) / seconds, 1) if seconds else 0.0
