"""How long to wait before a lost server is dialled again. Pure."""

FIRST = 1.0
LONGEST = 60.0


def redial_delay(failures: int, chance: float) -> float:
    """Seconds to wait after `failures` (>= 1) failed dials in a row.

    Doubles from 1 s to 60 s; `chance` in [0, 1) spreads it over the upper half, so that
    servers lost together don't come back in one instant.
    """
    ceiling = min(LONGEST, FIRST * 2.0 ** min(failures - 1, 16))
    return ceiling * (0.5 + 0.5 * chance)
