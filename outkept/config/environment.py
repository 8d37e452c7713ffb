"""`${NAME}` and `${NAME:-default}` inside values, from the environment."""

import re
from collections.abc import Mapping as Environment

from outkept.config.nodes import Entry, Items, Mapping, Node, Scalar
from outkept.config.problems import Mistake, Problem, quoted

_REFERENCE = re.compile(
    r"(?P<escape>\$\$\{)|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|(?P<odd>\$\{)",
    re.ASCII,
)


def expand(text: str, environ: Environment[str, str]) -> str:
    """`text` with its references replaced. As in a shell, `:-` also covers an empty variable;
    `$${` stands for `${`. What is put in is not looked at again.

    Raises Mistake for a variable that is not set and has no default, and for a `${` that
    begins no reference.
    """
    return _REFERENCE.sub(lambda match: _value(match, environ), text)


def _value(match: re.Match[str], environ: Environment[str, str]) -> str:
    if match["escape"]:
        return "${"
    name, default = match["name"], match["default"]
    if match["odd"]:
        raise Mistake("'${' begins no ${NAME} or ${NAME:-default}", "write $${ for a plain ${")
    value = environ.get(name)
    if default is not None:
        return value or str(default)
    if value is None:
        what = f"the environment variable {quoted(name)} is not set"
        raise Mistake(what, f"set it, or write ${{{name}:-default}}")
    return value


def expand_all(node: Node, environ: Environment[str, str], problems: list[Problem]) -> Node:
    """The tree with every value expanded; a value that can't be becomes null."""
    if isinstance(node, Mapping):
        entries = {
            key: Entry(entry.place, expand_all(entry.node, environ, problems))
            for key, entry in node.entries.items()
        }
        return Mapping(node.place, entries)
    if isinstance(node, Items):
        return Items(node.place, [expand_all(item, environ, problems) for item in node.items])
    if node.text is None or "${" not in node.text:
        return node
    try:
        return Scalar(node.place, expand(node.text, environ) or None)
    except Mistake as mistake:
        problems.append(Problem.at(node.place, mistake.what, mistake.mend))
        return Scalar(node.place, None)
