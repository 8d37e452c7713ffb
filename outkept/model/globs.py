"""Globs (`*`, `?`, `[abc]`) over the names that people give and see. Pure."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase


def fits(glob: str, text: str) -> bool:
    """Whether a glob matches, whatever the case of either."""
    return fnmatchcase(text.casefold(), glob.casefold())


def fits_any(globs: Iterable[str], texts: Iterable[str]) -> bool:
    """Whether one of the globs matches one of the texts."""
    among = tuple(texts)
    return any(fits(glob, text) for glob in globs for text in among)


def fits_labels(globs: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether every label that is named is there and matches its glob, in the same case."""
    return all(name in labels and fnmatchcase(labels[name], glob) for name, glob in globs.items())


def label_glob(glob: str) -> str:
    """What matches as a glob over sensors' labels: a bracket begins an instance there, as in
    `disk[/var]`, and not a set of characters."""
    return glob.replace("[", "[[]")


def fits_sensor(glob: str, label: str) -> bool:
    """Whether a glob over sensors matches a label or the name in it: `disk` and `disk[/v*]` both
    match `disk[/var]`."""
    return fits_any((label_glob(glob),), (label, label.partition("[")[0]))
