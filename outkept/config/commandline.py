"""What the command line says, laid over what the file says."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from outkept.config.nodes import Entry, Items, Mapping, Node, Scalar
from outkept.config.problems import COMMAND_LINE, Place

_PLACE = Place(COMMAND_LINE)


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Options as they were typed; empty or None where they were not. They are checked as the
    file is. Relative paths are relative to the working directory.

    `ranges`, `keys` and `ports` replace the file's (a range that names ports of its own keeps
    them); `exclude` is added to every range; `changes` (sensor, key, value) are an override that
    comes before the file's.
    """

    ranges: tuple[str, ...] = ()
    user: str | None = None
    keys: tuple[str | Path, ...] = ()
    ports: tuple[int | str, ...] = ()
    exclude: tuple[str, ...] = ()
    rate: float | str | None = None
    state: str | Path | None = None
    listen: str | None = None
    changes: tuple[tuple[str, str, str], ...] = ()


def with_command_line(tree: Mapping, options: CommandLine) -> Mapping:
    """The tree with the options in place of what they replace."""
    if options.ranges:
        tree = _with(tree, ("ranges",), _items(options.ranges))
    if options.exclude and "ranges" in tree.entries:
        ranges = _without(tree.entries["ranges"].node, options.exclude)
        tree = _with(tree, ("ranges",), ranges, tree.entries["ranges"].place)
    if options.user is not None:
        tree = _with(tree, ("ssh", "user"), _scalar(options.user))
    if options.keys:
        tree = _with(tree, ("ssh", "keys"), _items(map(_absolute, options.keys)))
    if options.ports:
        tree = _with(tree, ("ssh", "ports"), _items(options.ports))
    if options.rate is not None:
        tree = _with(tree, ("sweep", "rate"), _scalar(options.rate))
    if options.state is not None:
        tree = _with(tree, ("state",), _scalar(_absolute(options.state)))
    if options.listen is not None:
        tree = _with(tree, ("dashboard", "listen"), _scalar(options.listen))
    if options.changes:
        tree = _with_changes(tree, options.changes)
    return tree


def _with_changes(tree: Mapping, changes: tuple[tuple[str, str, str], ...]) -> Mapping:
    """The first override that matches wins, so the changes come first."""
    section = tree.entries.get("sensors")
    inner = section.node if section else None
    old = inner.entries.get("overrides") if isinstance(inner, Mapping) else None
    if old is not None and not isinstance(old.node, Items):
        return tree  # its own mistake is reported
    sensors: dict[str, Entry] = {}
    for sensor, key, value in changes:
        before = sensors[sensor].node if sensor in sensors else Mapping(_PLACE)
        text = None if value in ("", "null") else value
        sensors[sensor] = Entry(_PLACE, _with(before, (key,), Scalar(_PLACE, text)))
    override = Mapping(_PLACE, {"set": Entry(_PLACE, Mapping(_PLACE, sensors))})
    written = old.node.items if old is not None and isinstance(old.node, Items) else []
    return _with(tree, ("sensors", "overrides"), Items(_PLACE, [override, *written]))


def _with(node: Node, path: tuple[str, ...], value: Node, place: Place = _PLACE) -> Mapping:
    """A copy of the mapping with one value replaced; what is not a mapping on the way to it
    gives way only when it is empty, so that its own mistake is still reported."""
    if not isinstance(node, Mapping):
        node = Mapping(node.place)
    key, *rest = path
    old = node.entries.get(key)
    if rest:
        inner = old.node if old else Mapping(_PLACE)
        if isinstance(inner, Mapping) or (isinstance(inner, Scalar) and inner.text is None):
            value = _with(inner, tuple(rest), value)
        else:
            value = inner
        place = old.place if old else place
    return Mapping(node.place, {**node.entries, key: Entry(place, value)})


def _without(ranges: Node, holes: tuple[str, ...]) -> Node:
    if not isinstance(ranges, Items):
        return ranges
    return Items(ranges.place, [_with_holes(item, holes) for item in ranges.items])


def _with_holes(item: Node, holes: tuple[str, ...]) -> Node:
    if isinstance(item, Items):
        return item
    if isinstance(item, Scalar):
        item = Mapping(item.place, {"range": Entry(item.place, item)})
    old = item.entries.get("exclude")
    if old is not None and not isinstance(old.node, Items):
        return item
    kept = old.node.items if old is not None and isinstance(old.node, Items) else []
    written = {node.text for node in kept if isinstance(node, Scalar)}
    added = [_scalar(hole) for hole in dict.fromkeys(holes) if hole not in written]
    place = old.place if old else _PLACE
    exclude = Items(place, [*kept, *added])
    return Mapping(item.place, {**item.entries, "exclude": Entry(place, exclude)})


def _scalar(value: object) -> Scalar:
    return Scalar(_PLACE, str(value))


def _items(values: Iterable[object]) -> Items:
    return Items(_PLACE, [_scalar(value) for value in values])


def _absolute(path: str | Path) -> str:
    return os.path.abspath(os.path.expanduser(path))
