"""The sensors of one configuration: the built-in library, the user's, and what is said of
them. It works on the tree, piece by piece, so that a mistake elsewhere hides nothing here."""

from collections.abc import Iterator
from itertools import islice
from os.path import exists
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from outkept.config.library import Library, read_library
from outkept.config.nodes import Items, Mapping, Node, Scalar, plain
from outkept.config.overrides import change_fault
from outkept.config.problems import MOST_PROBLEMS, Problem, nearest, quoted
from outkept.config.resources import data_dir
from outkept.config.settings import SensorChange
from outkept.config.values import PathText

_PATH: TypeAdapter[Path] = TypeAdapter(PathText)


def sensors_of(tree: Mapping, base: Path, builtin: Path | None) -> Library:
    """The built-in library with the user's laid over it, and every problem with sensors.

    A sensor of the user's replaces a built-in one of the same name. `base` is the directory
    that relative paths are relative to; `builtin` stands in for the library that comes with
    Outkept.
    """
    library = _builtin(builtin)
    section = _at(tree, "sensors")
    own: list[Path] = []
    for step, item in enumerate(_items(_at(section, "libraries"))):
        path = _path(item, base)
        if path is not None and exists(path):
            own.append(path)
        elif path is not None:
            what = f"sensors.libraries.{step}: there is no {quoted(path)}"
            library.problems.append(Problem.at(item.place, what, "create it or correct the path"))
    users = read_library(own)
    library.sensors.update(users.sensors)
    library.names.update(users.names)
    library.problems += users.problems
    library.problems += _first(_unknown_disabled(section, library))
    library.problems += _first(_override_problems(section, library))
    library.problems += _first(_unknown_in_rules(_at(tree, "reactions"), library))
    return library


def _first(problems: Iterator[Problem]) -> Iterator[Problem]:
    """No more than are shown: finding the nearest name takes its time."""
    return islice(problems, MOST_PROBLEMS + 1)


def _builtin(directory: Path | None) -> Library:
    try:
        return read_library([directory or data_dir("sensors")])
    except FileNotFoundError as error:
        what, _, mend = str(error).partition(": ")
        return Library(problems=[Problem("built-in library", 0, what, mend)])


def _unknown_disabled(section: Node | None, library: Library) -> Iterator[Problem]:
    for step, item in enumerate(_items(_at(section, "disable"))):
        if isinstance(item, Scalar) and item.text and item.text not in library.names:
            what = f"sensors.disable.{step}: there is no sensor {quoted(item.text)}"
            yield Problem.at(item.place, what, nearest(item.text, library.names))


def _unknown_in_rules(section: Node | None, library: Library) -> Iterator[Problem]:
    """A glob may be for sensors that are still to come; a name is a name."""
    for rule, item in enumerate(_items(_at(section, "rules"))):
        for step, glob in enumerate(_items(_at(item, "sensors"))):
            text = glob.text if isinstance(glob, Scalar) else None
            if text and not set(text) & set("*?[") and text not in library.names:
                what = f"reactions.rules.{rule}.sensors.{step}: there is no sensor {quoted(text)}"
                yield Problem.at(glob.place, what, nearest(text, library.names))


def _override_problems(section: Node | None, library: Library) -> Iterator[Problem]:
    for step, item in enumerate(_items(_at(section, "overrides"))):
        changes = _at(item, "set")
        if not isinstance(changes, Mapping):
            continue
        for name, entry in changes.entries.items():
            path = f"sensors.overrides.{step}.set"
            if name not in library.names:
                what = f"{path}: there is no sensor {quoted(name)}"
                yield Problem.at(entry.place, what, nearest(name, library.names))
            elif name in library.sensors:
                yield from _change_problem(f"{path}.{name}", name, entry.node, library)


def _change_problem(path: str, name: str, node: Node, library: Library) -> Iterator[Problem]:
    fault = change_fault(library.sensors[name], _sound_part(node))
    if fault is not None:
        key = _key_given(node, fault.key)
        what = f"{path}: {fault.what}"
        yield Problem.at(key.place if key else node.place, what, fault.mend)


def _sound_part(node: Node) -> SensorChange:
    """The change without those of its keys that are reported with the settings."""
    given = plain(node)
    try:
        return SensorChange.model_validate(given)
    except ValidationError as error:
        faulty = {detail["loc"][0] for detail in error.errors() if detail["loc"]}
    sound = given if isinstance(given, dict) else {}
    return SensorChange.model_validate({k: v for k, v in sound.items() if k not in faulty})


def _key_given(node: Node, key: str | None) -> Node | None:
    """The value to point at: of the key at fault, or of another threshold that is given."""
    found = (_at(node, name) for name in (key, "warning", "alarm", "clear", "inverted") if name)
    return next((value for value in found if value is not None), None)


def _at(node: Node | None, key: str) -> Node | None:
    entry = node.entries.get(key) if isinstance(node, Mapping) else None
    return entry.node if entry else None


def _items(node: Node | None) -> list[Node]:
    return node.items if isinstance(node, Items) else []


def _path(item: Node, base: Path) -> Path | None:
    try:
        return _PATH.validate_python(plain(item), context={"base": base})
    except ValidationError:
        return None  # reported with the settings
