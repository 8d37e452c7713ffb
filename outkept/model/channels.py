"""The state of one channel pool, as people see it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChannelStats:
    """`limit` channels may be open, `busy` are, `queued` jobs wait, the oldest of them for
    `oldest_wait_s` seconds. `missed` ticks found their sensor's last job unfinished;
    `refused` opens were turned down by the server. `queued_up` is empty, or says which
    sensors take the channel time and what would cure it. `alone` are the sensors that run by
    themselves, not in a shell with the others, because they disturbed or failed there."""

    limit: int
    busy: int = 0
    queued: int = 0
    oldest_wait_s: float = 0.0
    missed: int = 0
    refused: int = 0
    queued_up: str = ""
    alone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChannelUse:
    """What one sensor asks of the channels: every `every` seconds a run that takes `took` and
    waited `waited` seconds for its turn, both averaged over the last half dozen runs. `missed`
    counts the ticks that were lost because its last run still waited for a channel."""

    sensor: str
    every: float
    took: float
    waited: float = 0.0
    missed: int = 0

    @property
    def load(self) -> float:
        """Channel-seconds a second: 1 keeps one channel busy all the time."""
        return self.took / self.every


@dataclass(frozen=True, slots=True)
class Cure:
    """Why a server is queued up, in words, and what would end it: reading the sensors every
    `interval_s` seconds, or `channels` channels, which `setting` says how to get; empty where
    the server gives no more."""

    cause: str
    interval_s: int
    channels: int
    setting: str


@dataclass(frozen=True, slots=True)
class ChannelReport:
    """Where a connection's channel time goes. `uses` has the greatest first; `cure` is None
    unless the server is queued up.

    `shells` channels hold a long-lived shell; `no_shell` says why every command is an exec
    instead, empty while shells are used or none was tried. `login_shell` is what the user's
    shell is called there, empty while unknown. `why_alone` says of each sensor that runs by
    itself what it did. `round_trip_s` is the shortest time that the server's kernel took to
    acknowledge a packet in the last minutes, None where ours doesn't tell."""

    uses: tuple[ChannelUse, ...] = ()
    cure: Cure | None = None
    shells: int = 0
    no_shell: str = ""
    login_shell: str = ""
    why_alone: tuple[tuple[str, str], ...] = ()
    round_trip_s: float | None = None
