"""Loading: a file and a command line become settings and sensors, or every problem at once."""

import os
from collections.abc import Iterable
from collections.abc import Mapping as Environment
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from outkept.config.commandline import CommandLine, with_command_line
from outkept.config.duplicates import listed_twice
from outkept.config.environment import expand_all
from outkept.config.explain import problems_of
from outkept.config.files import read_text
from outkept.config.nodes import Mapping, Scalar, locate, plain
from outkept.config.notify import unknown_targets
from outkept.config.problems import COMMAND_LINE, MOST_PROBLEMS, Place, Problem
from outkept.config.sensors import sensors_of
from outkept.config.settings import Settings, SSHSettings
from outkept.config.yaml import parse_yaml
from outkept.model.sensor import Sensor


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was read. `settings` is None when the configuration itself has problems; `sensors`
    are the library's sound ones by name, without those disabled. Nothing may be run while there
    are `problems`. `tree` is the configuration as it is written."""

    settings: Settings | None
    sensors: tuple[Sensor, ...]
    problems: tuple[Problem, ...]
    tree: Mapping = field(repr=False)

    def where(self, path: str) -> tuple[str, int]:
        """The file and line of a key such as `ssh.keys.0`; of what it would be in, where it is
        a default; line 0 where nothing of it is written."""
        place, steps = locate(self.tree, path.split("."))
        return (place.file, place.line if steps else 0)

    def key_paths(self) -> tuple[Path, ...]:
        """The private keys that are named, even where the configuration has other problems."""
        if self.settings is not None:
            return tuple(Path(key) for key in self.settings.ssh.keys)
        place, steps = locate(self.tree, ["ssh", "keys"])
        ssh = self.tree.entries["ssh"].node if steps == 2 else None
        if not isinstance(ssh, Mapping):
            return ()
        named = {"keys": plain(ssh.entries["keys"].node)}
        base = Path() if place.file == COMMAND_LINE else Path(self.tree.place.file).parent
        try:
            found = SSHSettings.model_validate(named, context={"base": base})
        except ValidationError:
            return ()  # said by the problem that made the settings None
        return tuple(Path(key) for key in found.keys)

    def problem(self, path: str, what: str, mend: str) -> Problem:
        """A problem with the value of a key that only shows when it is used: a key file that
        is missing, say."""
        return Problem(*self.where(path), f"{path}: {what}", mend)

    def written(self, path: str) -> bool:
        """Whether the key was given, in the file or on the command line."""
        steps = path.split(".")
        return locate(self.tree, steps)[1] == len(steps)


def load(
    path: Path | None,
    overrides: CommandLine | None = None,
    *,
    environ: Environment[str, str] | None = None,
    builtin: Path | None = None,
) -> Loaded:
    """Read the configuration and the sensor libraries. Never raises for what a file holds.

    `path` None: everything comes from `overrides` and defaults. `environ` and `builtin` stand
    in for the process's environment and the library that comes with Outkept.
    """
    problems: list[Problem] = []
    tree, whole = _read_main(path, os.environ if environ is None else environ, problems)
    tree = with_command_line(tree, overrides or CommandLine())
    problems += listed_twice(tree)
    settings = _validated(tree, path, problems, whole=whole)
    library = sensors_of(tree, path.parent if path else Path(), builtin)
    problems += library.problems
    disabled = set(settings.sensors.disable) if settings else set()
    sensors = sorted(library.sensors.items())
    return Loaded(
        settings=settings,
        sensors=tuple(sensor for name, sensor in sensors if name not in disabled),
        problems=_in_order(problems),
        tree=tree,
    )


def _read_main(
    path: Path | None, environ: Environment[str, str], problems: list[Problem]
) -> tuple[Mapping, bool]:
    """The file's tree, and whether nothing of it was cut off by a mistake."""
    if path is None:
        return Mapping(Place(COMMAND_LINE)), True
    nothing = Mapping(Place(str(path)))
    text = read_text(path)
    if isinstance(text, Problem):
        problems.append(text)
        return nothing, False
    document = parse_yaml(text, str(path))
    problems += document.problems
    node = document.node
    if node is None or (isinstance(node, Scalar) and node.text is None):
        return nothing, document.whole
    node = expand_all(node, environ, problems)
    if not isinstance(node, Mapping):
        what = "the file does not hold a mapping"
        problems.append(Problem.at(node.place, what, "write keys such as 'ranges: [10.0.0.0/24]'"))
        return nothing, False
    return node, document.whole


def _validated(
    tree: Mapping, path: Path | None, problems: list[Problem], *, whole: bool
) -> Settings | None:
    before = len(problems)
    try:
        settings = Settings.model_validate(
            plain(tree), context={"base": path.parent if path else Path()}
        )
    except ValidationError as error:
        problems += problems_of(error, Settings, tree, whole=whole)
        return None
    for key, what, mend in unknown_targets(settings.notify):
        place, _ = locate(tree, key.split("."))
        problems.append(Problem.at(place, f"{key}: {what}", mend))
    return None if before else settings


def _in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems by file, in the order in which the files came, and by line, each once."""
    files: dict[str, int] = {}
    for problem in problems:
        files.setdefault(problem.file, len(files))
    unique = sorted(dict.fromkeys(problems), key=lambda problem: (files[problem.file], problem))
    if len(unique) <= MOST_PROBLEMS:
        return tuple(unique)
    what = f"there are more than the {MOST_PROBLEMS:,} problems shown"
    more = Problem(unique[0].file, 0, what, "mend these first")
    return (*unique[:MOST_PROBLEMS], more)
