"""What a command printed becomes samples, strictly: anything doubtful is a failure.

Pure: takes a sensor and a finished command, gives samples or raises ParseError.
"""

import json
import math
import re
from collections.abc import Callable, Iterator

from outkept.model.command import CommandResult
from outkept.model.reading import Sample, Value
from outkept.model.sensor import Parse, Sensor

MOST_SERIES = 1000
"""Series one sensor may have on one server; more is a mistake or an attack."""
LONGEST_INSTANCE = 200
LONGEST_TEXT = 500
_SHOWN = 60

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_is_number = _NUMBER.fullmatch
# Control characters, line separators, the marks that reorder text (RTL overrides), and halves of
# surrogate pairs, as JSON can write them: none of them belongs in a value that people read. What
# UTF-8 can't hold would also be one instance on disk and another here.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]+"
)
_PERFDATUM = re.compile(r"(?:'((?:[^']|'')+)'|([^\s=']+))=([^\s;]+)(\S*)")
_NAGIOS_OK, _NAGIOS_UNKNOWN = 0, 3


class ParseError(Exception):
    """The output is no value; `reason` says why in one line."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def parse_output(sensor: Sensor, result: CommandResult) -> tuple[Sample, ...]:
    """The samples in what `sensor`'s command printed, at least one.

    Raises ParseError for an exit status other than 0 (but for `nagios`, whose status is the
    level), for empty output, and for anything that isn't exactly what `sensor.parse` says:
    NaN and infinities are no numbers, a doubled instance is no table. NUL bytes are dropped,
    as every shell does that captures output.
    """
    if sensor.parse is not Parse.NAGIOS and result.status != 0:
        raise ParseError(_exit_reason(result))
    text = result.stdout.replace(b"\0", b"").decode("utf-8", errors="replace").strip()
    if not text:
        raise ParseError(f"empty output{_said(result)}")
    if sensor.parse is Parse.NUMBER:
        return (Sample(None, number(text)),)
    samples = tuple(_PARSERS[sensor.parse](text, result.status))
    if len(samples) > MOST_SERIES:
        raise ParseError(f"{len(samples):,} series; the most is {MOST_SERIES:,}")
    doubled = _first_doubled(sample.instance for sample in samples)
    if doubled is not None:
        raise ParseError(f"the instance {doubled!r} stands there twice")
    return samples


def statuses(sensor: Sensor) -> tuple[int, ...]:
    """The exit statuses with which `sensor`'s command has an answer."""
    return (0, 1, 2) if sensor.parse is Parse.NAGIOS else (0,)


def clean(text: str, longest: int = LONGEST_TEXT) -> str:
    """`text` without control and reordering characters, cut to `longest` characters."""
    text = _UNPRINTABLE.sub(" ", text).strip()
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def number(text: str) -> float:
    """The finite decimal number that `text` is, as a whole. Raises ParseError."""
    if not _is_number(text):
        comma = re.fullmatch(r"[+-]?\d+,\d+", text)
        hint = " (a decimal comma: set LC_ALL=C in the command)" if comma else ""
        raise ParseError(f"not a number: {_shown(text)}{hint}")
    value = float(text)
    if not math.isfinite(value):
        raise ParseError(f"not a finite number: {_shown(text)}")
    return value


def _shown(text: str) -> str:
    return repr(clean(text, _SHOWN))


def _said(result: CommandResult) -> str:
    lines = result.stderr.decode("utf-8", errors="replace").strip().splitlines()
    return f": {clean(lines[-1], 200)}" if lines else ""


def _exit_reason(result: CommandResult) -> str:
    return f"exit status {result.status}{_said(result)}"


def _first_doubled(instances: Iterator[str | None]) -> str | None:
    seen: set[str | None] = set()
    for instance in instances:
        if instance in seen:
            return instance or ""
        seen.add(instance)
    return None


def _text(text: str, _status: int) -> Iterator[Sample]:
    cleaned = clean(text.splitlines()[0])
    if not cleaned:
        raise ParseError("nothing printable in the output")
    yield Sample(None, cleaned)


def _table(text: str, _status: int) -> Iterator[Sample]:
    for line in text.splitlines():
        if not line.strip():
            continue
        fields = line.rsplit(maxsplit=1)
        if len(fields) != 2:
            raise ParseError(f"not 'INSTANCE VALUE': {_shown(line)}")
        yield Sample(_instance(fields[0]), number(fields[1]))


def _instance(text: str) -> str:
    cleaned = clean(text, LONGEST_INSTANCE)
    if not cleaned:
        raise ParseError("an instance without a printable name")
    return cleaned


def _json(text: str, _status: int) -> Iterator[Sample]:
    try:
        document = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"not JSON: {clean(str(error), _SHOWN)}") from None
    if not isinstance(document, dict):
        yield Sample(None, _scalar(document))
        return
    if not document:
        raise ParseError("an empty JSON object")
    for key, value in document.items():
        yield Sample(_instance(key), _scalar(value))


def _no_constant(name: str) -> Value:
    raise ValueError(f"{name} is not a finite number")


def _scalar(value: object) -> Value:
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float):
        try:
            finite = float(value)
        except OverflowError:
            finite = math.inf
        if math.isfinite(finite):
            return finite
        raise ParseError("not a finite number")
    if isinstance(value, str) and (cleaned := clean(value)):
        return cleaned
    raise ParseError(f"neither number nor text: {_shown(json.dumps(value))}")


def _nagios(text: str, status: int) -> Iterator[Sample]:
    said, _, perfdata = text.partition("|")
    first_line = clean(said.splitlines()[0]) if said.strip() else ""
    if not _NAGIOS_OK <= status < _NAGIOS_UNKNOWN:
        raise ParseError(first_line or f"exit status {status}")
    metrics = list(_perfdata(perfdata.splitlines()[0] if perfdata.strip() else ""))
    if not metrics:
        yield Sample(None, first_line or "OK", level=status)
        return
    # The plugin judged the whole once, so its level goes with the first metric only.
    yield Sample(None, metrics[0][1], level=status)
    for label, value in metrics[1:]:
        yield Sample(label, value, level=_NAGIOS_OK)


def _perfdata(text: str) -> Iterator[tuple[str, float]]:
    """`'label'=value[unit];warn;crit;min;max …`, monitoring-plugins' developer guidelines."""
    for quoted, plain, value, _ in _PERFDATUM.findall(text):
        leading = _NUMBER.match(value)
        if leading is None:
            if value == "U":  # "the actual value couldn't be determined"
                continue
            raise ParseError(f"perfdata is not a number: {_shown(value)}")
        yield _instance((quoted or plain).replace("''", "'")), number(leading.group())


_PARSERS: dict[Parse, Callable[[str, int], Iterator[Sample]]] = {
    Parse.TEXT: _text,
    Parse.TABLE: _table,
    Parse.NAGIOS: _nagios,
    Parse.JSON: _json,
}
