"""What is told: incidents as a notice mentions them. Pure."""

from dataclasses import dataclass, field
from enum import StrEnum

from outkept.config.overrides import MatchSubject
from outkept.model.incident import Incident
from outkept.model.level import Level
from outkept.model.silence import Subject


class Kind(StrEnum):
    """Why an incident is mentioned."""

    OPENED = "opened"
    WORSE = "worse"
    ESCALATED = "escalated"
    """Opened a while ago, and now told to more people."""
    NOT_MENDED = "not mended"
    FLAPPING = "flapping"
    REMINDER = "reminder"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class About(Subject):
    """What an incident is about, with all by which a route may choose it."""

    machine: MatchSubject = field(default_factory=lambda: MatchSubject(""))


@dataclass(frozen=True, slots=True)
class Mention:
    """An incident in a notice. `text` is its newest event's; `note` says what did not mend it;
    `before` is the level that the target was told of before, None if it knew nothing."""

    kind: Kind
    incident: Incident
    subject: Subject
    text: str
    before: Level | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """What one target is to be told, all at once. `digest`: it was held in quiet hours."""

    target: str
    at: float
    mentions: tuple[Mention, ...]
    digest: bool = False
