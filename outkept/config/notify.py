"""What the configuration says of notices: whom to tell, by which routes, in which words."""

import contextlib
import os
import re
from collections.abc import Iterator
from datetime import time
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from outkept.config.problems import Mistake, nearest, quoted
from outkept.config.strict import LabelName, Match, Strict
from outkept.config.values import Flag, PathText, duration, listed, one_of, text
from outkept.model.event import Condition
from outkept.model.level import Level

MOST_TARGETS = 100
MOST_ROUTES = 1000
LONGEST_SECRET = 10_000
LONGEST_TEMPLATE = 20_000
LONGEST_HOST = 253
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_HOST_PART = re.compile(r"[A-Za-z0-9_-]{1,63}", re.ASCII)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,40}(?=://)", re.ASCII)


def _secret(value: object) -> SecretStr:
    """A text that no message may quote."""
    if isinstance(value, SecretStr):
        return value
    if not isinstance(value, str) or not value.strip():
        raise Mistake("it is not a text", "write a text, such as ${NAME} from the environment")
    if len(value) > LONGEST_SECRET or not value.isprintable():
        raise Mistake("it can't be used here", "write one line of printable characters")
    return SecretStr(value.strip())


Secret = Annotated[SecretStr, BeforeValidator(_secret)]


def _address(value: object) -> str:
    """The address of an HTTP API. Neither part of it is quoted: people put passwords there."""
    mend = "write it as http://HOST:PORT or https://HOST/PATH"
    try:
        parts = urlsplit(value if isinstance(value, str) else "")
        good = parts.scheme in ("http", "https") and _is_host(parts.hostname) and parts.port != 0
    except ValueError:
        raise Mistake("it is not the address of an Alertmanager", mend) from None
    if not good or len(str(value)) > 1000 or not str(value).isprintable():
        raise Mistake("it is not the address of an Alertmanager", mend)
    if parts.username is not None or parts.query or parts.fragment:
        raise Mistake("it holds more than an address", "give 'user' and 'password' as own keys")
    return str(value).rstrip("/")


def _is_host(name: str | None) -> bool:
    """Whether it is an IP address, or a name that DNS could know. Raises UnicodeError for some
    that it couldn't."""
    if not name:
        return False
    with contextlib.suppress(ValueError):
        return bool(ip_address(name))
    written = name.encode("idna").decode().removesuffix(".")
    return len(written) <= LONGEST_HOST and all(map(_HOST_PART.fullmatch, written.split(".")))


_LOGIN = ("user", "password", "password_file", "token", "token_file")


class TargetSettings(Strict):
    """Whom to tell: an URL of apprise's, itself or in a file, or an Alertmanager."""

    url: Secret | None = None
    url_file: PathText | None = None
    alertmanager: Annotated[str, BeforeValidator(_address)] | None = None
    user: Annotated[str, text(200, pattern=r"[^:\s]+", rule="write a name without ':'")] | None = (
        None
    )
    password: Secret | None = None
    password_file: PathText | None = None
    token: Secret | None = None
    token_file: PathText | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, data: Any) -> Any:
        if isinstance(data, str):
            return {"url": data}
        if isinstance(data, dict):
            return data
        raise Mistake(f"{quoted(data)} is not a target", "write it as {url: …}")

    @model_validator(mode="after")
    def _one_kind(self) -> "TargetSettings":
        given = self.model_fields_set
        kinds = given & {"url", "url_file", "alertmanager"}
        if len(kinds) != 1:
            raise Mistake(
                "it names no place to send to" if not kinds else "it names two places to send to",
                "give one of: url, url_file, alertmanager",
            )
        logins = [key for key in _LOGIN if key in given]
        if logins and self.alertmanager is None:
            raise Mistake(
                "a login belongs to an alertmanager",
                "write it inside the url",
                key=logins[0],
            )
        if len(given & {"password", "password_file", "token", "token_file"}) > 1:
            raise Mistake("it has more than one login", "give a password or a token, once")
        if (self.user is None) != (not given & {"password", "password_file"}):
            raise Mistake("user and password belong together", "give both, or neither")
        return self

    @property
    def kind(self) -> str:
        """What may be shown of where it leads: `mailto`, `slack`, `alertmanager`."""
        if self.alertmanager is not None:
            return "alertmanager"
        found = _SCHEME.match(self.url.get_secret_value()) if self.url else None
        return found[0].lower() if found else "url"


def _clock(value: object) -> time:
    if isinstance(value, time):
        return value
    match = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", str(value), re.ASCII)
    if not match:
        raise Mistake(f"{quoted(value)} is not a time of day", "write it as 22:00")
    return time(int(match[1]), int(match[2]))


def _zone(value: object) -> str:
    if not isinstance(value, str) or len(value) > 100:
        raise Mistake(f"{quoted(value)} is not a time zone", "write it as Europe/Lisbon or UTC")
    try:
        return ZoneInfo(value).key
    except (ValueError, OSError, LookupError):
        raise Mistake(
            f"{quoted(value)} is not a time zone", "write it as Europe/Lisbon or UTC"
        ) from None


Clock = Annotated[time, BeforeValidator(_clock)]
LevelWord = Annotated[Literal["warned", "alarmed"], one_of(Level.WARNED.value, Level.ALARMED.value)]


class QuietSettings(Strict):
    """Hours in which a route's notices wait for the morning, by the clock of `zone`, on the
    `days` on which they begin; levels in `except` are told all the same."""

    from_: Clock = Field(alias="from")
    to: Clock
    days: Annotated[
        tuple[Annotated[str, one_of(*DAYS)], ...], listed(7, empty="name a day, or remove it")
    ] = DAYS
    zone: Annotated[str, BeforeValidator(_zone)] = "UTC"
    except_: Annotated[tuple[LevelWord, ...], listed(2)] = Field(default=(), alias="except")

    @field_validator("to")
    @classmethod
    def _not_empty(cls, to: time, info: ValidationInfo) -> time:
        if info.data.get("from_") == to:
            raise Mistake("it is the same as 'from'", "write the time at which they end")
        return to


TargetName = Annotated[
    str,
    text(64, pattern=r"[A-Za-z0-9_][A-Za-z0-9_-]*", rule="use letters, digits, '_' and '-'"),
]
Names = Annotated[
    tuple[TargetName, ...], listed(MOST_TARGETS, empty="name a target, such as [ops]")
]


class StepSettings(Strict):
    """Whom to tell besides, `after` seconds in which nobody has taken the incident on."""

    after: Annotated[float, duration("1s", "30d")]
    to: Names


class RouteSettings(Strict):
    """Which incidents are told to whom, and how often. The words are Alertmanager's."""

    match: Match = Match()
    sensors: Annotated[
        tuple[Annotated[str, text(300)], ...], listed(1000, empty="name a sensor, or remove it")
    ] = ("*",)
    levels: Annotated[tuple[LevelWord, ...], listed(2, empty="name a level, or remove it")] = (
        "warned",
        "alarmed",
    )
    conditions: Annotated[
        tuple[Annotated[str, one_of(*Condition)], ...],
        listed(20, empty="name a condition, or remove it"),
    ] = tuple(condition.value for condition in Condition)
    to: Names
    group_by: Annotated[
        tuple[LabelName, ...],
        listed(20),
    ] = ()
    group_wait: Annotated[float, duration("0s", "1h")] = 30.0
    group_interval: Annotated[float, duration("1s", "1d")] = 300.0
    repeat_interval: Annotated[float, duration("0s", "30d")] = 4 * 3600.0
    steps: Annotated[tuple[StepSettings, ...], listed(10)] = ()
    quiet: QuietSettings | None = None
    continue_: Flag = Field(default=False, alias="continue")

    @field_validator("repeat_interval")
    @classmethod
    def _not_too_often(cls, every: float, info: ValidationInfo) -> float:
        if 0 < every < info.data.get("group_interval", 0.0):
            raise Mistake(
                "it is shorter than group_interval",
                "make it longer, or 0s for no reminders",
            )
        return every

    @field_validator("steps")
    @classmethod
    def _lead_on(
        cls, steps: tuple[StepSettings, ...], info: ValidationInfo
    ) -> tuple[StepSettings, ...]:
        for earlier, later in pairwise(steps):
            if later.after <= earlier.after:
                raise Mistake("a step comes before the one above it", "write them in order")
        told = set(info.data.get("to", ()))
        for step in steps:
            if told.issuperset(step.to):
                raise Mistake("a step tells nobody new", "name another target, or remove it")
            told.update(step.to)
        return steps


class TemplateSettings(Strict):
    """Jinja2 templates of a notice's title and body; None: the ones that come with Outkept."""

    title: Annotated[str, text(LONGEST_TEMPLATE)] | None = None
    body: Annotated[str, text(LONGEST_TEMPLATE)] | None = None


def _link(value: object) -> str:
    link = value.rstrip("/") if isinstance(value, str) and len(value) < 300 else ""
    form = r"https?://(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?"
    if not re.fullmatch(form, link, re.ASCII):
        raise Mistake(
            f"{quoted(value)} is not a page's address",
            "write it without a path, such as https://outkept.example.org",
        )
    return link


class NotifySettings(Strict):
    """Who is told of incidents. `link` is the dashboard's origin as the receivers reach it; None:
    `dashboard.origin`. `timeout` is for one delivery; what can't be delivered within
    `give_up_after` seconds is given up. Without a target nothing is told."""

    targets: dict[TargetName, TargetSettings] = Field(default_factory=dict, max_length=MOST_TARGETS)
    routes: Annotated[tuple[RouteSettings, ...], listed(MOST_ROUTES)] = ()
    templates: TemplateSettings = TemplateSettings()
    link: Annotated[str, BeforeValidator(_link)] | None = None
    timeout: Annotated[float, duration("1s", "5m")] = 30.0
    give_up_after: Annotated[float, duration("1m", "30d")] = 86400.0


def unknown_targets(settings: NotifySettings) -> Iterator[tuple[str, str, str]]:
    """Names of targets that routes use and nobody configured: the key's path, what is wrong, how
    to mend it."""
    known = settings.targets.keys()
    for number, route in enumerate(settings.routes):
        uses = [("to", route.to)]
        uses += [(f"steps.{at}.to", step.to) for at, step in enumerate(route.steps)]
        for key, names in uses:
            for at, name in enumerate(names):
                if name not in known:
                    mend = nearest(name, known) if known else "add it to notify.targets"
                    what = f"there is no target {quoted(name)}"
                    yield f"notify.routes.{number}.{key}.{at}", what, mend


def read_secret(path: Path | str) -> str:
    """The first line of a file. Raises ValueError, which says what is wrong with the file."""
    try:
        with open(os.fspath(path), encoding="utf-8") as file:
            line = file.readline(LONGEST_SECRET + 2).strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ValueError(f"{path} can't be read ({reason.lower()})") from None
    if not line or len(line) > LONGEST_SECRET or not line.isprintable():
        raise ValueError(f"{path} holds no line that can be used")
    return line
