"""How verbs print: tables, and other people's text made harmless for a terminal."""

import json
import math
import sys
import time
from collections.abc import Iterable, Sequence
from io import StringIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPED_WIDTH = 10_000
"""Columns of a pipe: wide enough that nothing is cut or wrapped for the program that reads."""

LONG_S = 300
"""Seconds from which a duration is easier to read in minutes, hours and days."""

STYLES = {
    "normal": "green",
    "warned": "yellow",
    "alarmed": "bold red",
    "fired": "bold magenta",
    "failed": "red",
    "stale": "dim",
    "unknown": "dim",
    "disconnected": "bold cyan",
    "quarantined": "bold magenta",
    "server": "green",
    "queued_up": "yellow",
    "recovered": "green",
    "mended": "green",
    "not_mended": "bold red",
    "control": "bold cyan",
    "connected": "green",
    "host_key_changed": "bold magenta",
}
"""A colour for each word that says how something is."""


def harmless(text: object) -> str:
    """`text` on one line, with every character that could steer a terminal or hide in one
    shown as an escape."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))


def cell(text: object, style: str = "") -> Text:
    """A cell of a table. A Text, so that nothing in it is taken for rich's markup."""
    return Text(harmless(text), style=style)


def worded(word: str) -> Text:
    """A word such as `alarmed`, in its colour."""
    return cell(word, STYLES.get(word, ""))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Text]]) -> None:
    """Print a table on stdout: coloured and folded on a terminal, whole lines elsewhere."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=not sys.stdout.isatty())
    for row in rows:
        table.add_row(*row)
    show(table)


def show(renderable: object) -> None:
    """Print on stdout, without trailing spaces when a program reads it."""
    if sys.stdout.isatty():
        Console(highlight=False, markup=False, emoji=False).print(renderable)
        return
    text = StringIO()
    console = Console(file=text, width=PIPED_WIDTH, highlight=False, markup=False, emoji=False)
    console.print(renderable)
    for line in text.getvalue().splitlines():
        print(line.rstrip())


def print_json(value: object) -> None:
    """Print JSON on stdout: ASCII, so that nothing in it steers a terminal."""
    print(json.dumps(value, indent=2).replace("\x7f", "\\u007f"))


def clock_time(at: object, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """UNIX seconds as local date and time; empty for what is none."""
    if not isinstance(at, int | float):
        return ""
    try:
        return time.strftime(form, time.localtime(at))
    except (OverflowError, ValueError, OSError):
        return ""


def figure(value: object, unit: str = "") -> str:
    """A value as people write it: few digits, its unit behind it; bytes in multiples."""
    if value is None:
        return "–"
    number = _finite(value)
    if number is None:
        return f"{harmless(value)} {harmless(unit)}".rstrip()
    if unit == "s" and abs(number) >= LONG_S:
        return seconds(number)
    if unit in {"B", "B/s", "bytes", "bytes/s"} and abs(number) >= 1000:
        return f"{scaled(number)}{'B/s' if unit.endswith('/s') else 'B'}"
    return f"{plain_number(number)} {harmless(unit)}".rstrip()


def _finite(value: object) -> float | None:
    if not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def plain_number(value: float) -> str:
    """At most four significant digits before an exponent is ever needed."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value)}"
    return f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}"


def scaled(value: float) -> str:
    """`12.3 M`, with the letter's multiple of 1000; the unit is to be put behind it."""
    for letter in ("", "k", "M", "G", "T"):
        if abs(value) < 1000:
            return f"{value:.3g} {letter}"
        value /= 1000
    return f"{value:.3g} P"


def seconds(value: float) -> str:
    """A duration as people say it: `3 ms`, `1.2 s`, `4m 10s`."""
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 60:
        return f"{value:.1f} s"
    if not math.isfinite(value):
        return "for ever"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours}h"
    return f"{hours}h {minutes}m" if hours else f"{minutes}m {rest}s"
