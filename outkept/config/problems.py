"""Mistakes in the configuration: where they are, what they are, how to mend them."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

_LONGEST_QUOTE = 80
_LONGEST_TEXT = 600
MOST_PROBLEMS = 1000
"""More than anybody reads; a file that is not meant to be a configuration may have more."""
COMMAND_LINE = "command line"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a file, counted from 1. Line 0 is the file as a whole."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake, printed as one line whatever the file holds."""

    file: str
    line: int
    what: str
    mend: str

    @classmethod
    def at(cls, place: Place, what: str, mend: str) -> "Problem":
        """The problem at a place."""
        return cls(place.file, place.line, what, mend)

    def __str__(self) -> str:
        text = f"{Place(self.file, self.line)}: {self.what}; {self.mend}"
        return printable(text, _LONGEST_TEXT)


class Mistake(ValueError):  # noqa: N818 - it is a person's mistake, not an error of ours
    """A value that can't be used: what is wrong and how to mend it, without its place.

    `key` names the key of a mapping that the mistake is about, when the mapping as a whole
    was being looked at.
    """

    def __init__(self, what: str, mend: str, *, key: str | None = None) -> None:
        super().__init__(f"{what}; {mend}")
        self.what = what
        self.mend = mend
        self.key = key


def printable(text: str, longest: int) -> str:
    """`text` on one line, cut to `longest` characters, without control characters."""
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in cut)


def quoted(value: object) -> str:
    """A value as it is shown in a message: short, on one line, in quotes."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return f"'{printable(str(value), _LONGEST_QUOTE)}'"


def nearest(name: str, known: Iterable[str]) -> str:
    """How to mend an unknown name: the nearest known one, else all of them."""
    names = sorted(known)
    close = get_close_matches(name[:_LONGEST_QUOTE], names, n=1)
    if close:
        return f"did you mean '{close[0]}'?"
    if not names:
        return "remove it"
    shown = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
    return f"use one of: {shown}"
