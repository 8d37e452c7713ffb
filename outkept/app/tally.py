"""How much happens: readings a second, and events of the last day by type."""

from collections import deque

WINDOW = 5.0
"""Seconds over which the rate is taken."""


class Tally:
    """Counts readings in slots of one second; `tick` closes a slot."""

    def __init__(self) -> None:
        self._slots: deque[int] = deque(maxlen=int(WINDOW))
        self._current = 0
        self.total = 0
        self.day: dict[str, int] = {}

    def count(self) -> None:
        """One more reading."""
        self._current += 1
        self.total += 1

    def tick(self) -> None:
        """A second has passed."""
        self._slots.append(self._current)
        self._current = 0

    @property
    def per_second(self) -> float:
        """Readings a second, over the last five."""
        return round(sum(self._slots) / len(self._slots), 1) if self._slots else 0.0
