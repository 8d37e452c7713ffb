"""YAML with places: a tree in which everything knows its file and line.

The tree is built from PyYAML's events, not its nodes: that needs no recursion, so hostile
nesting and aliases are refused before they cost anything, and what came before a syntax error
is kept, so that one error doesn't hide the others.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from outkept.config.nodes import Entry, Items, Mapping, Node, Scalar
from outkept.config.problems import Place, Problem, quoted

MOST_DEPTH = 40
MOST_PIECES = 200_000
"""Pieces of a file with its aliases written out: 4 MB of the shortest list items are more."""
_MOST_ERRORS = 20

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULLS = {"", "~", "null", "Null", "NULL"}
_KINDS = ("str", "int", "float", "bool", "null", "map", "seq")
_KNOWN_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in _KINDS}
_TOP_LEVEL = re.compile(r"""- |-$|["']?\w[^#]*:(\s|$)""")
_MENDS = (
    ("cannot start any token", "indent with spaces, not tabs, and quote values with @ ` % or *"),
    ("mapping values are not allowed", "quote a value with ': ' in it and check the indentation"),
    ("closing quote", "close the quote"),
    ("end of stream", "close the quote"),
    ("',' or ']'", "close the list with ]"),
    ("',' or '}'", "close the mapping with }"),
    ("expected key", "start the keys of one mapping in the same column"),
    ("block end", "start the keys of one mapping in the same column"),
)


@dataclass(frozen=True, slots=True)
class Document:
    """What a file holds. `node` is None when there is nothing in it; with `whole` false, a
    syntax error may have cut something off."""

    node: Node | None
    problems: tuple[Problem, ...]
    whole: bool = True


class _Stop(Exception):  # noqa: N818 - ends the reading of a file, whatever is left of it
    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet."""

    node: Items | Mapping
    anchor: str | None
    flow: bool
    size_before: int
    key: str | None = None
    key_place: Place | None = None


@dataclass(slots=True)
class _Builder:
    file: str
    first_line: int
    anchors: dict[str, tuple[Node, int]]
    size: int = 0
    root: Node | None = None
    opened: list[_Open] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    documents: int = 0
    lines: list[str] = field(default_factory=list)
    folded: tuple[dict[str, Entry], str, int] | None = None

    def run(self, lines: list[str]) -> yaml.MarkedYAMLError | None:
        """Feed on the lines. Returns the syntax error that ended them, if one did."""
        self.lines = lines
        events: Iterator[Any] = yaml.parse("\n".join(lines), Loader=_LOADER)
        try:
            for event in events:
                self._take(event)
        except yaml.MarkedYAMLError as error:
            self._abandon(error)
            return error
        return None

    def _take(self, event: Any) -> None:
        place = Place(self.file, self.first_line + event.start_mark.line)
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                what = "a second document begins here"
                raise _Stop(Problem.at(place, what, "remove the '---' line"))
        elif isinstance(event, yaml.AliasEvent):
            self._alias(str(event.anchor), place)
        elif isinstance(event, yaml.ScalarEvent):
            self._check_tag(event, place)
            self._check_quote(event)
            self._count(1, place)
            self._remember_folded(event)
            self._done(_scalar(event, place), event.anchor, 1)
        elif isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
            self._check_tag(event, place)
            self._begin(event, place)
        elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            self._end()

    def _check_quote(self, event: Any) -> None:
        """A quoted text that goes on over a key in the first column was not closed: PyYAML
        lets it swallow those keys, against YAML's rules for indentation (§7.3.1)."""
        first, last = event.start_mark.line, event.end_mark.line
        if first == last or event.style not in ("'", '"'):
            return
        if _next_top_level(self.lines[: last + 1], first + 1) is not None:
            context, problem = "while scanning a quoted scalar", "found no closing quote"
            raise yaml.MarkedYAMLError(context, event.start_mark, problem, event.start_mark)

    def _count(self, pieces: int, place: Place) -> None:
        self.size += pieces
        if self.size > MOST_PIECES:
            what = f"it holds more than {MOST_PIECES:,} values, aliases written out"
            raise _Stop(Problem.at(place, what, "split it, and use fewer aliases"))

    def _check_tag(self, event: Any, place: Place) -> None:
        if event.tag not in (None, "!") and event.tag not in _KNOWN_TAGS:
            what = f"the YAML tag {quoted(event.tag)} has no meaning here"
            self.problems.append(Problem.at(place, what, "remove the tag"))

    def _alias(self, name: str, place: Place) -> None:
        if name not in self.anchors:
            what = f"the alias {quoted('*' + name)} names no anchor before it"
            self.problems.append(Problem.at(place, what, f"put &{name} at what it stands for"))
            self._done(Scalar(place, None), None, 1)
            return
        node, size = self.anchors[name]
        self._count(size, place)
        self._done(node, None, size)

    def _begin(self, event: Any, place: Place) -> None:
        if len(self.opened) >= MOST_DEPTH:
            what = f"lists and mappings are nested more than {MOST_DEPTH} deep"
            raise _Stop(Problem.at(place, what, "nest less"))
        is_list = isinstance(event, yaml.SequenceStartEvent)
        node: Items | Mapping = Items(place) if is_list else Mapping(place)
        flow = bool(event.flow_style)
        self.opened.append(_Open(node, event.anchor, flow, self.size))
        self._count(1, place)

    def _end(self) -> None:
        closed = self.opened.pop()
        if isinstance(closed.node, Mapping):
            self._merge_keys(closed.node)
        self._done(closed.node, closed.anchor, self.size - closed.size_before)

    def _done(self, node: Node, anchor: str | None, size: int) -> None:
        if anchor is not None:
            self.anchors[anchor] = (node, size)
        if not self.opened:
            self.root = node
            return
        parent = self.opened[-1]
        if isinstance(parent.node, Items):
            parent.node.items.append(node)
        elif parent.key_place is None:
            self._take_key(parent, node)
        else:
            self._take_value(parent.node, parent.key, parent.key_place, node)
            parent.key = parent.key_place = None

    def _take_key(self, parent: _Open, node: Node) -> None:
        parent.key_place = node.place
        if isinstance(node, Scalar):
            parent.key = node.text or ""
        else:
            what = "a list or mapping stands where a key should"
            self.problems.append(Problem.at(node.place, what, "write a word as the key"))

    def _take_value(self, into: Mapping, key: str | None, place: Place, node: Node) -> None:
        if key is None:
            return
        if key in into.entries:
            first = into.entries[key].place.line
            what = f"the key {quoted(key)} is given twice, first in line {first}"
            self.problems.append(Problem.at(place, what, "remove one of them"))
            return
        into.entries[key] = Entry(place, node)

    def _merge_keys(self, node: Mapping) -> None:
        merge = node.entries.pop("<<", None)
        if merge is None:
            return
        sources = merge.node.items if isinstance(merge.node, Items) else [merge.node]
        for source in sources:
            if isinstance(source, Mapping):
                for key, entry in source.entries.items():
                    node.entries.setdefault(key, entry)
            else:
                what = "'<<' merges something that is not a mapping"
                self.problems.append(Problem.at(merge.place, what, "name an anchored mapping"))

    def _remember_folded(self, event: Any) -> None:
        """Note a plain value that goes on in a second line: if an error is found there, that
        line was meant to be something else, and the value is not what anybody wrote."""
        last, parent = event.end_mark.line, self.opened[-1] if self.opened else None
        if parent is None or event.style or last == event.start_mark.line:
            return
        if isinstance(parent.node, Mapping) and parent.key is not None:
            self.folded = (parent.node.entries, parent.key, last)

    def _abandon(self, error: yaml.MarkedYAMLError) -> None:
        """Close what a syntax error left open. What stands in an unclosed bracket may have
        swallowed the lines after it, and is thrown away."""
        at = error.problem_mark.line if error.problem_mark else -1
        if self.folded and self.folded[2] == at and self.folded[1] in self.folded[0]:
            entries, key, _ = self.folded
            place = entries[key].place
            entries[key] = Entry(place, Scalar(place, None))
        while self.opened:
            if self.opened[-1].flow:
                self.opened.pop()
                continue
            parent = self.opened[-1]
            if isinstance(parent.node, Mapping) and parent.key_place is not None:
                nothing = Scalar(parent.key_place, None)
                self._take_value(parent.node, parent.key, parent.key_place, nothing)
                parent.key = parent.key_place = None
            self._end()

    def join(self, earlier: Node | None) -> Node | None:
        """The tree of an earlier part of the same file with this one's added."""
        later = self.root
        if isinstance(earlier, Mapping) and isinstance(later, Mapping):
            for key, entry in later.entries.items():
                self._take_value(earlier, key, entry.place, entry.node)
        elif isinstance(earlier, Items) and isinstance(later, Items):
            earlier.items.extend(later.items)
        return later if earlier is None else earlier


def _scalar(event: Any, place: Place) -> Scalar:
    untagged = event.tag is None or event.tag.endswith(":null")
    is_null = not event.style and untagged and event.value in _NULLS
    return Scalar(place, None if is_null else event.value)


def parse_yaml(text: str, file: str) -> Document:
    """Read one document. Never raises: what is wrong is among the problems, and after a
    syntax error the reading goes on with the next line that begins in the first column."""
    lines = text.split("\n")
    problems: list[Problem] = []
    anchors: dict[str, tuple[Node, int]] = {}
    root: Node | None = None
    start = 0
    for _ in range(_MOST_ERRORS):
        builder = _Builder(file, start + 1, anchors)
        try:
            error = builder.run(lines[start:])
        except _Stop as stop:
            return Document(None, (*problems, *builder.problems, stop.problem), whole=False)
        root = builder.join(root)
        problems += builder.problems
        if error is None:
            return Document(root, tuple(problems), whole=not start)
        line, resume = _lines_of(error)
        problems.append(_syntax_problem(error, Place(file, start + line + 1)))
        following = _next_top_level(lines, start + max(resume, 1))
        if following is None:
            break
        start = following
    return Document(root, tuple(problems), whole=False)


def _lines_of(error: yaml.MarkedYAMLError) -> tuple[int, int]:
    """The line to name (from 0), and the first one that may be read again."""
    at = error.problem_mark.line if error.problem_mark else 0
    context = error.context or ""
    if error.context_mark and ("quoted" in context or "flow" in context):
        begun = error.context_mark.line
        return begun, begun + 1
    return at, at + 1


def _syntax_problem(error: yaml.MarkedYAMLError, place: Place) -> Problem:
    what = " ".join(filter(None, (error.context, error.problem)))
    hints = (mend for sign, mend in _MENDS if sign in what)
    mend = next(hints, "check quotes, colons and indentation here and just above")
    return Problem.at(place, f"YAML syntax error {what}", mend)


def _next_top_level(lines: list[str], start: int) -> int | None:
    return next((at for at in range(start, len(lines)) if _TOP_LEVEL.match(lines[at])), None)
