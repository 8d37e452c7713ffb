"""Kinds of values: each reads what YAML or a program gives, and says what is wrong with it."""

import math
import operator
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, ValidationInfo

from outkept.config.durations import parse_duration
from outkept.config.problems import Mistake, nearest, quoted
from outkept.model.ranges import parse_span
from outkept.model.server import Endpoint

_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?\s*", re.ASCII)
_COMPARISON = re.compile(
    r"\s*(>=|<=|>|<|=)?\s*([0-9]{1,18}(?:\.[0-9]{1,18})?)\s*([kKMGT]i?B|B|)\s*", re.ASCII
)
_SIGNS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
_SIZES = {
    "": 1,
    "B": 1,
    "KB": 1000,
    "KiB": 1024,
    **{f"{letter}B": 1000**power for power, letter in enumerate("kMGT", 1)},
    **{f"{letter}iB": 1024**power for power, letter in enumerate("kMGT", 1)},
}
_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def read_number(value: object) -> float:
    """A finite number, or a text that is unambiguously one. Raises Mistake."""
    if isinstance(value, str) and len(value) < 100 and _NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    raise Mistake(f"{quoted(value)} is not a number", "write a number such as 10 or 0.5")


def read_flag(value: object) -> bool:
    """True or false, or YAML's other words for them. Raises Mistake."""
    if isinstance(value, bool):
        return value
    flag = _FLAGS.get(value.lower()) if isinstance(value, str) else None
    if flag is None:
        raise Mistake(f"{quoted(value)} is neither true nor false", "write true or false")
    return flag


def duration(least: str, most: str) -> BeforeValidator:
    """A duration within bounds, in seconds."""
    low, high = parse_duration(least), parse_duration(most)

    def read(value: object) -> float:
        seconds = parse_duration(value)
        if not low <= seconds <= high:
            wrong = "shorter than" if seconds < low else "longer than"
            bound = least if seconds < low else most
            raise Mistake(f"{quoted(value)} is {wrong} {bound}", f"choose from {least} to {most}")
        return seconds

    return BeforeValidator(read)


def milliseconds(least: str, most: str) -> BeforeValidator:
    """A number of milliseconds within bounds, given as durations; read as seconds."""
    low, high = parse_duration(least), parse_duration(most)

    def read(value: object) -> float:
        seconds = read_number(value) / 1000
        if not low <= seconds <= high:
            what = f"{quoted(value)} milliseconds are not from {least} to {most}"
            raise Mistake(what, f"choose from {low * 1000:.0f} to {high * 1000:.0f}")
        return seconds

    return BeforeValidator(read)


def integer(least: int, most: int, kind: str = "a whole number") -> BeforeValidator:
    """A whole number within bounds; `kind` says in words what it should be."""

    def read(value: object) -> int:
        try:
            number = read_number(value)
        except Mistake:
            number = math.nan
        mend = f"write a whole number from {least} to {most}"
        if math.isnan(number) or number != int(number):
            raise Mistake(f"{quoted(value)} is not {kind}", mend)
        if not least <= number <= most:
            wrong = f"less than {least}" if number < least else f"more than {most}"
            raise Mistake(f"{quoted(value)} is {wrong}", mend)
        return int(number)

    return BeforeValidator(read)


def real(least: float, most: float) -> BeforeValidator:
    """A number within bounds."""

    def read(value: object) -> float:
        number = read_number(value)
        if not least <= number <= most:
            mend = f"write a number from {least:g} to {most:g}"
            raise Mistake(f"{quoted(value)} is out of bounds", mend)
        return number

    return BeforeValidator(read)


def share() -> BeforeValidator:
    """A part of a whole, as `10%` or 0.1; read as the latter."""

    def read(value: object) -> float:
        mend = "write it as 10% or 0.1"
        percent = isinstance(value, str) and value.rstrip().endswith("%")
        try:
            number = read_number(
                value.rstrip()[:-1] if isinstance(value, str) and percent else value
            )
        except Mistake:
            raise Mistake(f"{quoted(value)} is not a share", mend) from None
        part = number / 100 if percent else number
        if not 0 < part <= 1:
            raise Mistake(f"{quoted(value)} is not more than nothing and at most all", mend)
        return part

    return BeforeValidator(read)


def text(most: int, *, pattern: str = "", rule: str = "") -> BeforeValidator:
    """A text that is not blank, of at most `most` characters, matching `pattern` as a whole;
    `rule` says the pattern in words."""
    form = re.compile(pattern or r"(?s).*")

    def read(value: object) -> str:
        if not isinstance(value, str):
            raise Mistake(f"{quoted(value)} is not a text", "write a text")
        if not value.strip():
            raise Mistake("it is empty", "write a text, or leave the key out")
        if len(value) > most:
            raise Mistake(f"it has {len(value):,} characters", f"use at most {most:,}")
        if "\0" in value or not form.fullmatch(value):
            raise Mistake(f"{quoted(value)} can't be used here", rule or "remove NUL characters")
        return value

    return BeforeValidator(read)


def one_of(*words: str) -> BeforeValidator:
    """One of a few words."""

    def read(value: object) -> str:
        if isinstance(value, str) and value in words:
            return str(value)
        mend = (
            nearest(value, words) if isinstance(value, str) else f"use one of: {', '.join(words)}"
        )
        raise Mistake(f"{quoted(value)} is not one of {', '.join(words)}", mend)

    return BeforeValidator(read)


def optional(kind: BeforeValidator) -> BeforeValidator:
    """The same kind, or None."""
    read: Callable[[object], object] = kind.func  # type: ignore[assignment]
    return BeforeValidator(lambda value: None if value is None else read(value))


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a number must be, as `text` says it: `>=16`, or `16` for just this."""

    text: str
    sign: str
    limit: float

    def holds(self, value: float) -> bool:
        """Whether `value` is so."""
        return _SIGNS[self.sign](value, self.limit)

    def __str__(self) -> str:
        return self.text


def comparison(example: str, *, sizes: bool = False) -> BeforeValidator:
    """How a number is to compare; with `sizes` it may have a unit of bytes behind it."""
    mend = f"write one of >=, <=, >, <, = and a number, such as {example}"

    def read(value: object) -> Comparison:
        if isinstance(value, Comparison):
            return value
        match = _COMPARISON.fullmatch(str(value)) if isinstance(value, str | int | float) else None
        unit = match[3] if match else ""
        if match is None or isinstance(value, bool) or (unit and not sizes):
            raise Mistake(f"{quoted(value)} is no comparison with a number", mend)
        return Comparison(str(value), match[1] or "=", float(match[2]) * _SIZES[unit])

    return BeforeValidator(read)


def listed(most: int, *, empty: str = "") -> BeforeValidator:
    """A list of at most `most` values; `empty` says what to do if none is not allowed."""

    def read(value: object) -> object:
        if not isinstance(value, list | tuple):
            raise Mistake(f"{quoted(value)} is not a list", "write it in brackets: [a, b]")
        if not value and empty:
            raise Mistake("the list is empty", empty)
        if len(value) > most:
            raise Mistake(f"the list has {len(value):,} items", f"use at most {most:,}")
        return value

    return BeforeValidator(read)


_READINGS = integer(1, 1000)
_SPAN = duration("1s", "7d")


def _for(value: object) -> tuple[int, float]:
    """The readings in a row that it takes, and the seconds that they span at least. A number
    without a unit is the former; a duration takes two readings, as fewer span nothing."""
    if isinstance(value, str) and value.strip()[-1:].isalpha():
        try:
            parse_duration(value)
        except Mistake:
            what = f"{quoted(value)} is neither a number of readings nor a duration"
            raise Mistake(what, "write 3 for three readings in a row, or 5m") from None
        return 2, _SPAN.func(value)  # type: ignore[call-arg]
    return _READINGS.func(value), 0.0  # type: ignore[call-arg]


def _path(value: object, info: ValidationInfo) -> Path:
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value.strip() or "\0" in value or len(value) > 4096:
        raise Mistake(f"{quoted(value)} is not a path", "write the path of a file or directory")
    try:
        path = Path(value).expanduser()
    except RuntimeError:
        raise Mistake(f"{quoted(value)} names no home directory", "write the whole path") from None
    base = (info.context or {}).get("base", "")
    return Path(os.path.normpath(Path(base) / path))


def _span(value: object, *, whole: bool) -> str:
    if not isinstance(value, str):
        raise Mistake(f"{quoted(value)} is not a range", "write it as 10.0.0.0/24")
    if len(value) > 100:
        raise Mistake(f"{quoted(value)} is not a range", "write it as 10.0.0.0/24")
    try:
        parse_span(value, whole=whole)
    except ValueError as error:
        what, _, mend = str(error).rpartition(": ")
        raise Mistake(*_parted(str(error), what, mend)) from None
    return value.strip()


def _parted(message: str, what: str, mend: str) -> tuple[str, str]:
    """Part the range module's message at the place where it begins to say what to do."""
    for sign in ("; write ", ": write ", ": leave ", ": name "):
        head, found, tail = message.rpartition(sign)
        if found:
            return head, sign[2:] + tail
    return (what, mend) if what else (message, "write it as 10.0.0.0/24 or 10.0.0.2-10.0.0.9")


@dataclass(frozen=True, slots=True)
class Listen:
    """Where a server of ours listens. Port 0: any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _listen(value: object) -> Listen:
    if isinstance(value, Listen):
        return value
    mend = "write ADDRESS:PORT, such as 127.0.0.1:8844 or [::1]:8844"
    match = re.fullmatch(r"(?:\[([^]]*)\]|([^:]*)):(\d{1,5})", str(value), re.ASCII)
    if not match or int(match[3]) > 65535:
        raise Mistake(f"{quoted(value)} is not an address and port", mend)
    host = match[1] or match[2] or ""
    if host == "localhost":
        host = "127.0.0.1"
    try:
        address = ip_address(host)
    except ValueError:
        raise Mistake(f"{quoted(host)} is not an IP address", mend) from None
    if (address.version == 6) != (match[1] is not None):
        raise Mistake(f"{quoted(value)} is not an address and port", mend)
    return Listen(str(address), int(match[3]))


def _endpoint(value: object) -> Endpoint:
    if isinstance(value, Endpoint):
        return value
    mend = "write ADDRESS or ADDRESS:PORT, such as 10.0.0.1, 10.0.0.1:443 or [fd00::1]:443"
    wrong = Mistake(f"{quoted(value)} is not an address and port", mend)
    form = r"\[([^]]+)\](?::(\d{1,5}))?|([^:]+):(\d{1,5})|(.+)"
    match = re.fullmatch(form, str(value).strip(), re.ASCII)
    if not match or len(str(value)) > 100:
        raise wrong
    try:
        address = ip_address(match[1] or match[3] or match[5])
    except ValueError:
        raise wrong from None
    port = int(match[2] or match[4] or 22)
    if not 0 < port <= 65535 or getattr(address, "scope_id", None):
        raise wrong
    return Endpoint(str(address), port)


def _network(value: object) -> IPv4Network | IPv6Network:
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    try:
        return ip_network(str(value))
    except ValueError:
        raise Mistake(
            f"{quoted(value)} is not an address or network", "write it as 10.0.0.5 or 10.0.0.0/29"
        ) from None


def _origin(value: object) -> str:
    mend = "write the page's address without a path, such as https://outkept.example.org"
    text_ = value.rstrip("/").lower() if isinstance(value, str) and len(value) < 300 else ""
    form = r"https://(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?"
    if not re.fullmatch(form, text_, re.ASCII):
        raise Mistake(f"{quoted(value)} is not an https origin", mend)
    return text_.removesuffix(":443")


Number = Annotated[float, BeforeValidator(read_number)]
Flag = Annotated[bool, BeforeValidator(read_flag)]
Port = Annotated[int, integer(1, 65535, "a port")]
PathText = Annotated[Path, BeforeValidator(_path)]
SpanText = Annotated[str, BeforeValidator(lambda value: _span(value, whole=False))]
HoleText = Annotated[str, BeforeValidator(lambda value: _span(value, whole=True))]
EndpointText = Annotated[Endpoint, BeforeValidator(_endpoint)]
ListenText = Annotated[Listen, BeforeValidator(_listen)]
NetworkText = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
OriginText = Annotated[str, BeforeValidator(_origin)]
Threshold = Annotated[float | None, optional(BeforeValidator(read_number))]
Interval = Annotated[float | None, optional(duration("100ms", "7d"))]
For = Annotated[tuple[int, float], BeforeValidator(_for)]
Command = Annotated[str, text(65536)]
