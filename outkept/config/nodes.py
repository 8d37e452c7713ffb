"""What a YAML file holds, each piece with its place."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from outkept.config.problems import Place


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value as it is written; None for null. What it means, a number, a flag or a
    text, is for the key to say: so `off` and `1:30` are never turned into something else."""

    place: Place
    text: str | None


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    place: Place
    items: "list[Node]" = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Entry:
    """A key's place and its value."""

    place: Place
    node: "Node"


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping; keys are texts."""

    place: Place
    entries: dict[str, Entry] = field(default_factory=dict)


Node = Scalar | Items | Mapping


def plain(node: "Node") -> object:
    """The node as dicts, lists, texts and None."""
    if isinstance(node, Mapping):
        return {key: plain(entry.node) for key, entry in node.entries.items()}
    if isinstance(node, Items):
        return [plain(item) for item in node.items]
    return node.text


def locate(node: "Node", path: Sequence[str | int]) -> tuple[Place, int]:
    """The place of the deepest piece of `path` that is written, and how many steps of the
    path led to it."""
    place = node.place
    for steps, step in enumerate(path):
        if isinstance(node, Mapping) and str(step) in node.entries:
            entry = node.entries[str(step)]
            place, node = entry.place, entry.node
        elif isinstance(node, Items) and str(step).isdecimal() and int(step) < len(node.items):
            node = node.items[int(step)]
            place = node.place
        else:
            return place, steps
    return place, len(path)
