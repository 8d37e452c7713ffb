"""Refused channels: when they are evidence that the server gives fewer than believed. Pure."""

from dataclasses import dataclass

from outkept.ssh.limit import ChannelLimit

NONE = -1
"""Refused in no period."""


@dataclass(slots=True, eq=False)
class Attempt:
    """One open under way: the limit it was sent under, the period it was sent in, and the most
    channels that were open at the same time."""

    sent_under: int
    sent_in: int
    held: int


class Refusals:
    """Lowers the limit when the same thing is refused twice, both times since the limit last
    fell: what a lower limit has mended is no reason for the next. One refusal alone may come
    of a slot that the server freed late, and a limit that is too low stays so for hours.

    `falls` counts how often it fell; the time between two falls is a period.
    """

    __slots__ = ("_attempts", "_limit", "falls")

    def __init__(self, limit: ChannelLimit) -> None:
        self._limit = limit
        self._attempts: list[Attempt] = []
        self.falls = 0

    def begin(self, held: int) -> Attempt:
        """An open is sent while `held` channels are open. `end` must follow."""
        attempt = Attempt(self._limit.value, self.falls, held)
        self._attempts.append(attempt)
        return attempt

    def end(self, attempt: Attempt) -> None:
        """The open was answered, or never will be."""
        self._attempts.remove(attempt)

    def opened(self, held: int) -> None:
        """A channel was opened, and makes `held`."""
        for attempt in self._attempts:
            attempt.held = max(attempt.held, held)

    def refused(self, attempt: Attempt, before: int, now: float) -> int:
        """The attempt was turned down at `now`. `before` is the period in which the same thing
        was refused the last time, or NONE; returned is what to pass the next time."""
        if attempt.sent_in != self.falls:
            return NONE
        if before != attempt.sent_in:
            return attempt.sent_in
        self.falls += 1
        # Not what is open by now: some channel may have ended since the server refused.
        self._limit.refused(attempt.held, attempt.sent_under, now)
        return NONE
