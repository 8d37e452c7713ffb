"""Password hashes: argon2id, away from the event loop, few at a time.

BusyError
"""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 10
LONGEST = 1024
"""Characters of a password."""

AT_ONCE = 2
MOST_WAITING = 16
"""Passwords that wait for their turn; one more is turned away (BusyError)."""

_HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)
"""RFC 9106 §4, the second recommended option: 64 MiB for each that is hashed at once."""

NOBODYS = (
    "$argon2id$v=19$m=65536,t=3,p=4$iSSkxE351D/v3OyEVaYuSw"
    "$XWfCGeygXP5cvGSZ3w/eSxx60329nOfQHXMXyU3DRcA"
)
"""Checked where there is no such user, so that this takes as long as a wrong password."""


class BusyError(Exception):
    """As many passwords wait to be checked as may."""


def hashed(password: str) -> str:
    """What is kept of a password. Takes about 0.1 s and blocks: for the command line."""
    return _HASHER.hash(password)


def matches(kept: str, password: str) -> bool:
    """Whether `kept` was made of this password. Blocks like `hashed`."""
    try:
        return _HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


def is_up_to_date(kept: str) -> bool:
    """Whether `kept` was made as costly as new ones are."""
    return not _HASHER.check_needs_rehash(kept)


class Checker:
    """Checks passwords in threads, AT_ONCE of them."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._inside = 0

    def admit(self) -> None:
        """Raises BusyError where there is no room for one more."""
        if self._inside >= AT_ONCE + MOST_WAITING:
            raise BusyError(f"{self._inside} passwords are being checked already")

    async def check(self, kept: str | None, password: str) -> bool:
        """Whether the password is the one of `kept`; never, but as slowly, for None.

        Raises BusyError. Cancel-safe; a hash that is under way runs on to its end.
        """
        self.admit()
        self._inside += 1
        try:
            async with self._turn:
                right = await asyncio.to_thread(matches, kept or NOBODYS, password)
        finally:
            self._inside -= 1
        return right and kept is not None
