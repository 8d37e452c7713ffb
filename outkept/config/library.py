"""The sensor library: directories of YAML files, the built-in one first."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from outkept.config.definition import SensorDefinition
from outkept.config.explain import problems_of
from outkept.config.files import read_text
from outkept.config.nodes import Items, Mapping, Node, Scalar, plain
from outkept.config.problems import Place, Problem, quoted
from outkept.config.yaml import Document, parse_yaml
from outkept.model.sensor import Sensor

MOST_ENTRIES = 10_000
"""Directory entries looked at for one library: a library named `/` ends here."""


@dataclass(slots=True)
class Library:
    """Sensors by name. `names` has the place of every definition, faulty ones included."""

    sensors: dict[str, Sensor] = field(default_factory=dict)
    names: dict[str, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def add(self, node: Node, *, whole: bool) -> None:
        """Take the definitions of one file."""
        for definition in node.items if isinstance(node, Items) else [node]:
            self._define(definition, whole=whole)

    def _define(self, node: Node, *, whole: bool) -> None:
        name = _name_of(node)
        duplicate = name is not None and self._is_duplicate(name, node.place)
        subject = f"sensor {quoted(name)}" if name is not None else ""
        try:
            definition = SensorDefinition.model_validate(plain(node))
        except ValidationError as error:
            found = problems_of(error, SensorDefinition, node, subject=subject, whole=whole)
            self.problems += found
            return
        if not duplicate:
            self.sensors[definition.name] = definition.sensor(str(node.place))

    def _is_duplicate(self, name: str, place: Place) -> bool:
        first = self.names.setdefault(name, place)
        if first is place:
            return False
        what = f"sensor {quoted(name)} is defined twice, first in {first}"
        self.problems.append(Problem.at(place, what, "rename or remove one of them"))
        return True


def load_library(paths: Sequence[Path]) -> tuple[dict[str, Sensor], list[Problem]]:
    """The sensors of directories (their *.yaml and *.yml files, at any depth) and files."""
    library = read_library(paths)
    return library.sensors, library.problems


def read_library(paths: Sequence[Path]) -> Library:
    """The same, with the places of all names. A file that is reached twice is read once."""
    library = Library()
    seen: set[str] = set()
    for path in paths:
        for found in _files_of(path):
            if isinstance(found, Problem):
                library.problems.append(found)
            elif (real := os.path.realpath(found)) not in seen:
                seen.add(real)
                _read_file(found, library)
    return library


def _read_file(path: Path, library: Library) -> None:
    text = read_text(path)
    if isinstance(text, Problem):
        library.problems.append(text)
        return
    document = parse_yaml(text, str(path))
    library.problems += document.problems
    if _is_empty(document):
        if document.whole:
            mend = "write a sensor with name: and cmd:, or remove the file"
            library.problems.append(Problem(str(path), 0, "it holds no sensor", mend))
    elif document.node is not None:
        library.add(document.node, whole=document.whole)


def _is_empty(document: Document) -> bool:
    node = document.node
    if node is None or (isinstance(node, Scalar) and node.text is None):
        return True
    return isinstance(node, Items) and not node.items


def _files_of(path: Path) -> Iterator[Path | Problem]:
    if not path.is_dir():
        yield path
        return
    looked_at = 0
    failed: list[OSError] = []
    for directory, folders, files in os.walk(path, onerror=failed.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        looked_at += len(folders) + len(files)
        if looked_at > MOST_ENTRIES:
            what = f"the library has more than {MOST_ENTRIES:,} files and directories"
            yield Problem(str(path), 0, what, "name a directory that holds only sensors")
            return
        for name in sorted(files):
            if name.endswith((".yaml", ".yml")) and not name.startswith("."):
                yield Path(directory, name)
    for error in failed:
        what = f"it can't be read: {error.strerror}"
        yield Problem(str(error.filename), 0, what, "make it readable")


def _name_of(node: Node) -> str | None:
    entry = node.entries.get("name") if isinstance(node, Mapping) else None
    return entry.node.text if entry and isinstance(entry.node, Scalar) else None
