"""When an address that refused us is tried again. Pure."""

LEAST_S = 60.0
"""OpenSSH's PerSourcePenalties ban a source with more than 15 s outstanding, and a refused
key costs 5 s: one refusal a minute never got us banned, five in a burst did."""

MOST_S = 24 * 3600.0


def next_retry(refusals: int, now: float, jitter01: float) -> float:
    """The time before which an address that refused `refusals` logins in a row is left alone.

    A minute after the first, doubling up to a day, spread by a quarter to either side with
    `jitter01` (0 to 1) so that addresses refused together don't come back together; never
    sooner than `LEAST_S`.
    """
    doubled = LEAST_S * 2.0 ** min(max(refusals - 1, 0), 30)
    return now + max(LEAST_S, min(doubled, MOST_S) * (0.75 + 0.5 * jitter01))
