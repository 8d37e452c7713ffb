"""config.example.yaml and docs/configuration.md say what the code does: every key, its default."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel

import outkept
from outkept.config.load import Loaded, load
from outkept.config.nodes import Items, Mapping, Node, Scalar
from outkept.config.settings import RangeSettings, Settings
from outkept.config.strict import Match

ROOT = Path(outkept.__file__).parent.parent
EXAMPLE = ROOT / "config.example.yaml"
DOCUMENTATION = (ROOT / "docs" / "configuration.md").read_text()


def keys_of(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every key as it is documented: `ssh.user`, `ranges[].range`, `…set.NAME.alarm`. What is
    in a `match` is documented once, for all of them."""
    for name, field in model.model_fields.items():
        key = prefix + (field.alias or name)
        inner, mark = inner_model(field.annotation)
        if inner is None or mark or name == "match":
            yield key
        if inner is not None and inner is not Match:
            yield from keys_of(inner, f"{key}{mark}.")


def inner_model(annotation: Any) -> tuple[type[BaseModel] | None, str]:
    if isinstance(annotation, type) and not get_args(annotation):
        return (annotation, "") if issubclass(annotation, BaseModel) else (None, "")
    for argument in get_args(annotation):
        found, _ = inner_model(argument)
        if found is not None:
            return found, {dict: ".NAME", tuple: "[]"}.get(get_origin(annotation), "")
    return None, ""


KEYS = [*keys_of(Settings), *keys_of(Match, "match.")]
OF_LISTS = ("[]", "NAME", "match.")
"""What is in keys that stand in no file by themselves."""
SINGLE = [key for key in KEYS if key != "ranges" and not any(part in key for part in OF_LISTS)]


def loaded_example(path: Path = EXAMPLE) -> Loaded:
    loaded = load(path, environ={})
    assert [str(problem) for problem in loaded.problems] == []
    return loaded


def uncommented(path: Path) -> Path:
    """The example with its commented-out entries in force."""
    text = re.sub(r"(overrides|rules|routes|targets): (\[\]|\{\}) ", r"\1: ", EXAMPLE.read_text())
    path.write_text(re.sub(r"(?m)^( +)# (?=- | |[a-z]+: )", r"\1", text))
    return path


def find(node: Node | None, path: list[str]) -> Node | None:
    for at, step in enumerate(path):
        if isinstance(node, Items):
            found = (find(item, path[at:]) for item in node.items)
            return next((value for value in found if value is not None), None)
        if step == "NAME" and isinstance(node, Mapping):
            entries = (find(entry.node, path[at + 1 :]) for entry in node.entries.values())
            return next((value for value in entries if value is not None), None)
        entry = node.entries.get(step) if isinstance(node, Mapping) else None
        node = entry.node if entry else None
    return node


def steps_of(key: str) -> list[str]:
    if key.startswith("match."):
        key = f"sensors.overrides.{key}"
    return key.replace("[]", "").split(".")


def test_keys_are_found_in_the_models() -> None:
    assert {"ranges", "ranges[].exclude", "ssh.user", "dashboard.listen"} <= set(KEYS)
    assert "sensors.overrides[].set.NAME.for" in KEYS
    assert {"sensors.overrides[].match", "match.hostname", "match.facts.cpus"} <= set(KEYS)


def test_the_example_is_the_defaults() -> None:
    settings = loaded_example().settings
    assert settings == Settings(ranges=(RangeSettings(range="192.168.1.0/24"),))


@pytest.mark.parametrize("key", KEYS)
def test_the_example_shows_every_key(tmp_path: Path, key: str) -> None:
    loaded = loaded_example(uncommented(tmp_path / "a.yaml"))
    assert find(loaded.tree, steps_of(key)) is not None


@pytest.mark.parametrize("key", SINGLE)
def test_the_example_gives_a_value_to_every_key_that_is_no_part_of_a_list(key: str) -> None:
    assert loaded_example().written(key)


@pytest.mark.parametrize("key", KEYS)
def test_the_documentation_has_every_key(key: str) -> None:
    assert f"\n| `{key}` | " in DOCUMENTATION


def test_the_documentation_has_no_key_that_is_not_there() -> None:
    documented = re.findall(r"(?m)^\| `([a-z_.\[\]A-Z]+)` \| .* \| .* \|$", DOCUMENTATION)
    assert sorted(documented) == sorted(KEYS)


@pytest.mark.parametrize("key", SINGLE)
def test_the_documented_default_is_the_examples(key: str) -> None:
    node = find(loaded_example().tree, steps_of(key))
    assert f"\n| `{key}` | `{written(node)}` | " in DOCUMENTATION


def written(node: Node | None) -> str:
    if isinstance(node, Items):
        return "[" + ", ".join(map(written, node.items)) + "]"
    if isinstance(node, Mapping):
        assert not node.entries
        return "{}"
    assert isinstance(node, Scalar)
    return "null" if node.text is None else node.text
