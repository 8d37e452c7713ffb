"""How long to wait before a lost server is dialled again. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses between failed dials of one server, in seconds: `first`, then doubled each time,
    up to `longest`. What comes back after an outage is dialled within `longest` of it, and
    once more within as long if that dial failed, too."""

    first: float = 1.0
    longest: float = 60.0

    def delay(self, failures: int, chance: float) -> float:
        """Seconds to wait after `failures` (>= 1) failed dials in a row.

        `chance` in [0, 1) spreads it over the upper half, so that servers lost together don't
        come back in one instant.
        """
        ceiling = min(self.longest, self.first * 2.0 ** min(failures - 1, 16))
        return ceiling * (0.5 + 0.5 * chance)
