"""Actions: reactions that ran, or would have, and what keeps them from running."""

from dataclasses import dataclass
from enum import StrEnum

from outkept.model.server import Endpoint


class ReactionMode(StrEnum):
    """Whether reactions run, are only written down, or are not looked at."""

    OFF = "off"
    DRY_RUN = "dry-run"
    ON = "on"

    @property
    def reach(self) -> int:
        """0 for off, 1 for dry-run, 2 for on."""
        return list(ReactionMode).index(self)


class ActionOutcome(StrEnum):
    """INTENDED is on disk before anything is sent; a daemon that starts and finds one left
    over turns it into UNKNOWN, because it can't know whether the command ran."""

    DRY_RUN = "dry-run"
    INTENDED = "intended"
    DONE = "done"
    NOT_SENT = "not sent"
    UNKNOWN = "unknown"

    @property
    def may_have_run(self) -> bool:
        """Whether the command ran, or may have."""
        return self in (ActionOutcome.INTENDED, ActionOutcome.DONE, ActionOutcome.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Action:
    """One reaction. `at` is when the intent was written; cooldowns count from it.

    `status` and `output` are the command's, for DONE; `reason` says in words why it ran,
    would have run, or what went wrong. `incident` is the one it reacts to, None where there is
    none. `step` is 1 for a sensor's `reactive`, 2 for its `fallback`. `by` is who had it run,
    empty where nobody did: such runs at most once for each incident and step.
    """

    server: str
    sensor: str
    command: str
    at: float
    outcome: ActionOutcome
    reason: str
    instance: str | None = None
    finished_at: float | None = None
    status: int | None = None
    output: str = ""
    id: int = 0
    incident: int | None = None
    step: int = 1
    by: str = ""

    @property
    def automatic(self) -> bool:
        """Whether nobody had it run."""
        return not self.by

    @property
    def named(self) -> str:
        """Its command as a sentence names it: the text where that is one line, else what it is to
        the sensor."""
        command = self.command.strip()
        if "\n" not in command:
            return f"`{command}`"
        return "its reaction" if self.step == 1 else "its fallback"


class AlreadyStartedError(Exception):
    """This step was started for this incident before: it is not written down, and must not run,
    a second time."""


@dataclass(frozen=True, slots=True)
class Wait:
    """The reaction to an incident is held by what passes by itself: the policy is asked again, also
    after a restart. `cause` is the alarm in words, `endpoint` where its reading came from."""

    incident: int
    cause: str
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Latch:
    """A sensor's reactions rest on a server until a person releases them. `at` is UNIX seconds."""

    server: str
    sensor: str
    at: float
    reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    """The kill switch: since `at` (UNIX seconds) nothing reacts, anywhere."""

    at: float
    by: str
    reason: str
