"""How much happens: readings a second, events of the last day by type, and actions."""

from collections import Counter, deque

from outkept.model.action import Action, ActionOutcome

WINDOW = 5
"""Slots over which the rate is taken."""


class Tally:
    """Counts readings in slots; `tick` closes one, each second as a rule."""

    def __init__(self) -> None:
        self._slots: deque[tuple[int, float]] = deque(maxlen=WINDOW)
        self._current = 0
        self.total = 0
        self.day: dict[str, int] = {}
        self.started: Counter[bool] = Counter()
        """Commands whose intent was written, by whether nobody had them run."""
        self.ended: Counter[tuple[bool, ActionOutcome]] = Counter()
        """What came of them, and dry runs, by the same and the outcome."""

    def count(self) -> None:
        """One more reading."""
        self._current += 1
        self.total += 1

    def start(self, action: Action) -> None:
        """It is written down that an action is about to run."""
        self.started[action.automatic] += 1

    def end(self, action: Action) -> None:
        """An action is over, or would have run."""
        self.ended[action.automatic, action.outcome] += 1

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
