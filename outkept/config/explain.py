"""From pydantic's errors to problems with a place and a way to mend them."""

from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from outkept.config.nodes import Node, locate
from outkept.config.problems import MOST_PROBLEMS, Mistake, Problem, nearest, quoted
from outkept.config.strict import known_keys

_SHAPES = {
    "model_type": ("is not a mapping", "write it as KEY: VALUE lines"),
    "dict_type": ("is not a mapping", "write it as KEY: VALUE lines"),
    "string_type": ("is not a text", "write a text"),
    "too_long": ("has too many items", "use fewer"),
}
_MISSING = {
    "ranges": "name a subnet to sweep, such as 'ranges: [192.168.1.0/24]'",
    "cmd": "add 'cmd:', a shell command whose output is the value",
    "name": "add 'name:', a name of its own",
}

Path = tuple[str | int, ...]


def problems_of(
    error: ValidationError, model: type[BaseModel], node: Node, *, subject: str = "", whole: bool
) -> Iterator[Problem]:
    """Each error at the place of what it is about.

    `subject` begins each text, where the path from the file's root is not what people know a
    thing by. With `whole` false something was cut off by a syntax error, and nothing is
    called missing.
    """
    details = error.errors(include_url=False, include_input=True)
    for detail in details[: MOST_PROBLEMS + 1]:
        path = tuple(step for step in detail["loc"] if step != "[key]")
        kind = detail["type"]
        if kind == "missing" and not whole:
            continue
        mistake = detail.get("ctx", {}).get("error")
        if isinstance(mistake, Mistake) and mistake.key and mistake.key not in path[-1:]:
            path = (*path, mistake.key)
        place, _ = locate(node, path[:-1] if kind == "missing" else path)
        what, mend = _words(kind, path, detail, mistake, model)
        yield Problem.at(place, _with_subject(subject, what), mend)


def _words(
    kind: str, path: Path, detail: Mapping[str, Any], mistake: object, model: type[BaseModel]
) -> tuple[str, str]:
    if kind == "missing":
        key = str(path[-1])
        return _within(f"there is no {quoted(key)}", path[:-1]), _MISSING.get(key, f"add '{key}:'")
    if kind == "extra_forbidden":
        key = str(path[-1])
        owner = _model_at(model, path[:-1])
        mend = nearest(key, known_keys(owner) if owner else ())
        return _within(f"unknown key {quoted(key)}", path[:-1]), mend
    if isinstance(mistake, Mistake):
        return _with_subject(dotted(path), mistake.what), mistake.mend
    if kind in _SHAPES:
        said, mend = _SHAPES[kind]
        return _with_subject(dotted(path), f"{quoted(detail['input'])} {said}"), mend
    return _with_subject(dotted(path), str(detail["msg"])), "see docs/configuration.md"


def dotted(path: Sequence[str | int]) -> str:
    """`ssh.keys.0`, as keys are named in messages and by `Loaded.where`."""
    return ".".join(str(step) for step in path)


def _with_subject(subject: str, what: str) -> str:
    return f"{subject}: {what}" if subject else what


def _within(what: str, path: Path) -> str:
    return f"{what} in {dotted(path)}" if path else what


def _model_at(model: type[BaseModel] | None, path: Path) -> type[BaseModel] | None:
    """The mapping type at `path`, found through the fields' types."""
    for step in path:
        if model is None:
            return None
        if isinstance(step, int):
            continue
        fields = model.model_fields
        by_key = {field.alias or name: field for name, field in fields.items()}
        if step in by_key:
            model = _model_in(by_key[step].annotation)
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation if issubclass(annotation, BaseModel) else None
    inner = get_args(annotation) if not isinstance(annotation, UnionType) else annotation.__args__
    return next((found for found in map(_model_in, inner) if found), None)
