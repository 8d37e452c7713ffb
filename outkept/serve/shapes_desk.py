"""The shapes of silences and of what people say of incidents: what is asked and answered."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from outkept.config.durations import parse_duration
from outkept.config.problems import Mistake
from outkept.model.silence import zone_of
from outkept.serve.shapes import Asked, Shape

MOST_TEXT = 2000
MOST_LABELS = 20
LATEST = 1e11
"""UNIX seconds; some three thousand years."""

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _wrong(what: str) -> PydanticCustomError:
    return PydanticCustomError("outkept", "{what}", {"what": what})


def _said(text: str) -> str:
    """Without what is around it. Lines may be broken; nothing else may steer what shows it."""
    text = text.strip()
    if not text:
        raise _wrong("must not be blank")
    if any(not c.isprintable() and c not in "\n\t\u200d" for c in text):
        raise _wrong("must not have control characters")
    return text


def _line(text: str) -> str:
    if "\n" in text or "\t" in text:
        raise _wrong("must be one line")
    return text


def _seconds(value: object) -> float:
    try:
        return parse_duration(value)
    except Mistake as mistake:
        raise _wrong(str(mistake)) from None


def _zone(name: str) -> str:
    if zone_of(name) is None:
        raise _wrong("is not a known time zone; write one such as Europe/Lisbon")
    return name


Said = Annotated[str, Field(max_length=MOST_TEXT), AfterValidator(_said)]
Line = Annotated[Said, AfterValidator(_line)]
Glob = Annotated[str, Field(max_length=300), AfterValidator(_said), AfterValidator(_line)]
Name = Annotated[str, Field(max_length=64)]
Seconds = Annotated[float, BeforeValidator(_seconds, json_schema_input_type=float | str)]
Moment = Annotated[float, Field(ge=0, le=LATEST, allow_inf_nan=False)]
Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
EndClock = Annotated[str, Field(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
Zone = Annotated[str, Field(max_length=64, pattern="^[A-Za-z0-9/_+-]+$"), AfterValidator(_zone)]


class WeeklyRequest(Asked):
    """Windows on some `days`, `from` a time of day `to` another (the next day's, where it is no
    later), or of a `length` such as `4h`, by the clock of `zone`."""

    days: Annotated[list[Day], Field(min_length=1, max_length=7)]
    from_: Clock = Field(alias="from")
    to: EndClock | None = None
    length: Annotated[Seconds, Field(ge=60, le=86_400)] | None = None
    zone: Zone = "UTC"


class SilenceRequest(Asked):
    """What is to be silenced: `server` and `sensor` are globs, `labels` names with globs. It
    `starts` now unless it says later, and `ends` at a time or `for` a duration later; a `weekly`
    one may leave both out, and then holds until somebody ends it. `everything` says that it is
    meant where it leaves nothing out."""

    server: Glob = "*"
    sensor: Glob = "*"
    labels: Annotated[dict[Name, Glob], Field(max_length=MOST_LABELS)] = Field({})
    starts: Moment | None = None
    ends: Moment | None = None
    for_: Seconds | None = Field(default=None, alias="for")
    weekly: WeeklyRequest | None = None
    reason: Line
    everything: bool = False


class AcknowledgementRequest(Asked):
    """What whoever takes it on has to say, if anything."""

    comment: Said | None = None


class NoteRequest(Asked):
    """What is to be remembered with the incident."""

    text: Said


class Weekly(Shape):
    """Windows of `length` seconds that begin on `days` at `from`, by the clock of `zone`."""

    days: list[Day]
    from_: str = Field(alias="from")
    to: str
    length: float
    zone: str


class Window(Shape):
    """From when until when it holds; `to` null: until it is ended."""

    from_: float = Field(alias="from")
    to: float | None


class Silence(Shape):
    """A time in which nobody is told and nothing reacts. `ends` is null where it holds until it
    is ended. `holds`: it is in force now; `window` is the time in which it holds, the one that is
    on or the next."""

    id: int
    server: str
    sensor: str
    labels: dict[str, str]
    starts: float
    ends: float | None
    weekly: Weekly | None
    reason: str
    author: str
    ended_by: str | None
    state: Literal["active", "pending", "expired"]
    holds: bool
    window: Window | None


class Silences(Shape):
    items: list[Silence]
    next: str | None


class SilencedServer(Shape):
    """A server with how many of its series are silenced."""

    id: str
    hostname: str
    series: int


class SilenceDetail(Silence):
    """A silence with what it matches now: how many servers and series, and the first of the
    servers by hostname."""

    servers: int
    series: int
    first: list[SilencedServer]
