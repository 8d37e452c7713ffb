"""Characters: what each simulated server does wrong, as pure functions of time and seed.

Times are seconds since the fleet started. How a server answers its sensors is in
`values.py`; here is how its SSH server conducts itself.
"""

from dataclasses import dataclass
from enum import StrEnum

from outkept.demo.chance import digest, draw, pick


class Character(StrEnum):
    """One word for each way of behaving."""

    HEALTHY = "healthy"
    BUSY = "busy"
    IDLE = "idle"
    FLAPPING = "flapping"
    FILLING_DISK = "filling its disk"
    FEW_CHANNELS = "too few channels"
    DROPPING_OFF = "dropping off and coming back"
    REFUSING_KEY = "refusing the key"
    CHANGING_KEY = "changing its host key"
    SLOW = "slow"
    UNPARSABLE = "unparsable"
    TWO_ADDRESSES = "two addresses"
    DEAD_DAEMON = "a daemon died"
    HOT = "hot"
    CERTIFICATE = "certificate expiring"
    DEGRADED_RAID = "degraded RAID"
    PENDING_UPDATES = "pending updates"
    CLONE = "clone"
    HUGE_OUTPUT = "huge output"
    HANGING_VERIFIER = "hanging verifier"


RESTLESS = frozenset({Character.DROPPING_OFF, Character.CHANGING_KEY})
"""The characters whose conduct asks for a listener to be closed or opened again."""

OPENSSH_CHANNELS = 10
"""`MaxSessions` of an OpenSSH that nobody configured."""


@dataclass(frozen=True, slots=True)
class Conduct:
    """How a server's SSH side behaves at one moment.

    `key` counts its host keys, `channels` are allowed on one connection, a command takes
    `delay` seconds, a login `login_delay` more than its arithmetic.
    """

    present: bool = True
    key: int = 0
    channels: int = OPENSSH_CHANNELS
    delay: float = 0.0
    login_delay: float = 0.0


_USUAL = Conduct()


def conduct(character: Character, seed: int, t: float) -> Conduct:
    """The conduct of a server of this character `t` seconds after the fleet's start."""
    match character:
        case Character.FEW_CHANNELS:
            return Conduct(channels=2, delay=_starved_delay(seed, t))
        case Character.DROPPING_OFF:
            return Conduct(present=not _away(seed, t))
        case Character.CHANGING_KEY:
            changes = pick(60, 90, seed, "changes its key")
            return Conduct(key=int(t >= changes), present=not changes <= t < changes + 2)
        case Character.SLOW:
            return Conduct(delay=pick(0.2, 0.9, seed, "slow", int(t * 7)), login_delay=0.6)
    return _USUAL


def _starved_delay(seed: int, t: float) -> float:
    """Quick for 20 s, then 70 s of commands that take seconds, then quick for 230 s, and so on.

    With a dozen sensors every 2 to 5 s, two channels and 1.2 to 2.2 s a command, jobs wait
    several intervals; in the quick minutes the queue drains and the state is left, for so long
    that it is a new trouble the next time.
    """
    struggling = 20 <= t % 300 < 90
    return pick(1.2, 2.2, seed, "starved", int(t * 5)) if struggling else 0.02


def _away(seed: int, t: float) -> bool:
    """Away for 15 s of every 60 to 75 s, the first time after 25 s."""
    period = pick(60, 75, seed, "drops off")
    return 25 <= t % period < 40


def hangs(character: Character, sensor: str) -> bool:
    """Whether the verifier of `sensor` never answers: one in thirty of a server so inclined."""
    return character is Character.HANGING_VERIFIER and draw("hangs", sensor) < 1 / 30


_GARBAGE: tuple[bytes, ...] = (
    b"",
    b"\n",
    b"NaN\n",
    b"inf\n",
    b"-\n",
    b"4,7\n",
    b"\xff\xfe\x00\x93\xfa\x96{\n",
    b"12 apples and a pear\n",
    b"cat: /proc/loadavg: No such file or directory\n",
    b"\x1b[31m97%\x1b[0m\n",
    b"<script>alert('outkept')</script>\n",
    b"1e999\n",
    b"0x1F\n",
    b"\xc3(\n",
)


def garbage(seed: int, sensor: str, t: float) -> bytes:
    """What an unparsable server prints instead of a value; another thing every 10 s."""
    return _GARBAGE[digest(seed, sensor, int(t // 10))[0] % len(_GARBAGE)]


HUGE_BYTES = 100_000_000
"""What a server of huge output tries to print for its one loud sensor."""


def huge(character: Character, sensor: str) -> bool:
    """Whether `sensor` floods its reader on a server of this character."""
    return character is Character.HUGE_OUTPUT and sensor == "users"
