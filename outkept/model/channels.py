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
