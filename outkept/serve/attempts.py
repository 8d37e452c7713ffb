"""How often passwords may be tried: decisions only, from times that the caller gives."""

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

FREE_FOR_USER = 5
FREE_FOR_ADDRESS = 20
"""Failures without a wait; many people may share an address."""
FIRST_WAIT = 1.0
LONGEST_WAIT = 900.0
"""Seconds; the wait doubles with each failure from the first to the longest."""
FORGET_AFTER = 3600.0
"""Seconds after the last failure."""
MOST = 10_000
"""Users and addresses remembered; beyond it the one that failed longest ago is forgotten. Each
entry costs a password hash to make, so pushing one out takes an attacker a quarter of an hour."""


@dataclass(slots=True)
class _Record:
    failures: int
    last: float
    until: float


class Attempts:
    """Failures for each user's name, whether there is such a user or not, and for each address."""

    def __init__(self) -> None:
        self._records: OrderedDict[tuple[str, str], _Record] = OrderedDict()

    def wait(self, user: str, address: str, now: float) -> float:
        """Seconds until these two may try again; 0: now."""
        return max(0.0, *(self._until(key, now) - now for key in _keys(user, address)))

    def begin(self, user: str, address: str, now: float) -> None:
        """A try begins. It counts as failed until `succeeded`, so that of many at once only
        as many as are free get through."""
        for key in _keys(user, address):
            old = self._known(key, now)
            failures = old.failures + 1 if old else 1
            over = failures - (FREE_FOR_USER if key[0] == "user" else FREE_FOR_ADDRESS)
            wait = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(over, 30)) if over >= 0 else 0.0
            self._records[key] = _Record(failures, now, now + wait)
            self._records.move_to_end(key)
        while len(self._records) > MOST:
            self._records.popitem(last=False)

    def succeeded(self, user: str, address: str) -> None:
        """The try that began was right. The address keeps its other failures: whoever has one
        account must not get free tries at others by it."""
        of_user, of_address = _keys(user, address)
        self._records.pop(of_user, None)
        record = self._records.get(of_address)
        if record is not None:
            record.failures -= 1
            record.until = 0.0

    def __len__(self) -> int:
        return len(self._records)

    def _until(self, key: tuple[str, str], now: float) -> float:
        record = self._known(key, now)
        return record.until if record else 0.0

    def _known(self, key: tuple[str, str], now: float) -> _Record | None:
        record = self._records.get(key)
        return record if record is not None and now - record.last < FORGET_AFTER else None


def _keys(user: str, address: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("user", user), ("address", _network(address))


def _network(address: str) -> str:
    """IPv6 hands out /64s: whoever has one address has them all."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address
