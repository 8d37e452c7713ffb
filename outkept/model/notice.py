"""Notices on their way: what a target is sent, and what it was told."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from outkept.model.level import Level


@dataclass(frozen=True, slots=True)
class Told:
    """What a target was told of an incident: up to which level, and when first and last (UNIX
    seconds); whether that it is flapping, and of how many reactions that they mended nothing."""

    level: Level
    first: float
    last: float
    flapping: bool = False
    unmended: int = 0


class Urgency(StrEnum):
    """How bad what a notice says is; services show it by colour or sound."""

    ALARM = "alarm"
    WARNING = "warning"
    OK = "ok"
    INFO = "info"


class DeliveryState(StrEnum):
    """What became of a notice."""

    WAITING = "waiting"
    """To be tried, for the first time or again."""
    SENT = "sent"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A notice to one target, as it is on disk. Times are UNIX seconds.

    `key` tells it from all others to this target. `incidents` are the ids of those that it
    mentions, of a few hundred at most. `alerts` are for a target that takes such in place of words.
    `attempts` were made; the next is not before `next_at`. `error` says why the last one failed,
    without anything that is secret. `id` is 0 until the store has given it one.
    """

    target: str
    at: float
    key: str
    title: str
    body: str
    urgency: Urgency
    incidents: tuple[int, ...] = ()
    alerts: tuple[Mapping[str, Any], ...] = ()
    id: int = 0
    state: DeliveryState = DeliveryState.WAITING
    attempts: int = 0
    next_at: float = 0.0
    finished_at: float | None = None
    error: str = ""
