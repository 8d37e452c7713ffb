"""How many channels a server gives: learned from what it refuses. Pure; `now` is passed in."""

START = 4
CEILING = 8
GROW_AFTER_S = 2 * 3600.0
"""OpenSSH gives ten (MaxSessions), but frees a slot late: at ten of ten 8–11 % of the opens
right behind a close were refused, at eight 0.25 %, at five none (measured, OpenSSH 9.2)."""


class ChannelLimit:
    """The number of channels to hold open at once.

    Until a first refusal it grows with success, from 4 to the ceiling. A refusal that repeats
    itself takes it down to what the server evidently gave; one more is tried after two hours.
    """

    __slots__ = ("_changed", "_learned", "ceiling", "value")

    def __init__(self, *, bound: int | None = None, learned: int | None = None) -> None:
        """`bound` is the configured or known upper bound (at least 1); `learned` what was
        learned of this server before."""
        self.ceiling = max(1, CEILING if bound is None else bound)
        self.value = max(1, min(self.ceiling, START if learned is None else learned))
        self._learned = learned is not None and learned < START
        self._changed: float | None = None

    def accepted(self, busy: int, now: float) -> None:
        """An open succeeded with `busy` channels held, itself included."""
        if self._changed is None:
            self._changed = now
        if busy < self.value or self.value >= self.ceiling:
            return
        if not self._learned or now - self._changed >= GROW_AFTER_S:
            self.value += 1
            self._changed = now

    def refused(self, held: int, sent_under: int, now: float) -> None:
        """An open was refused twice, while `held` other channels were open and after the
        limit had been `sent_under` when it was sent.

        Evidence from before the limit last fell can't lower it below what was held.
        """
        value = held if sent_under > self.value else min(held, self.value - 1)
        self.value = max(1, min(self.value, value))
        self._learned = True
        self._changed = now

    @property
    def learned(self) -> bool:
        """Whether the server ever refused; it is then worth a round trip to reuse a slot."""
        return self._learned
