"""Values that a list holds twice. No list of the configuration has a use for that."""

from collections.abc import Iterator

from outkept.config.nodes import Items, Mapping, Node, Scalar
from outkept.config.problems import Problem, quoted


def listed_twice(node: Node, path: str = "") -> Iterator[Problem]:
    """A problem for each list item, or range, that its list has already."""
    if isinstance(node, Mapping):
        for key, entry in node.entries.items():
            yield from listed_twice(entry.node, f"{path}.{key}" if path else key)
        return
    if not isinstance(node, Items):
        return
    first: dict[str, int] = {}
    for step, item in enumerate(node.items):
        text = _identity(item)
        if text is not None and text in first:
            before = f"first as {path}.{first[text]}"
            what = f"{path}.{step}: {quoted(text)} is listed twice, {before}"
            yield Problem.at(item.place, what, "remove one of them")
        elif text is not None:
            first[text] = step
        yield from listed_twice(item, f"{path}.{step}")


def _identity(item: Node) -> str | None:
    """What an item is known by: its text, or that of its range."""
    if isinstance(item, Mapping) and "range" in item.entries:
        item = item.entries["range"].node
    return item.text if isinstance(item, Scalar) else None
