"""docs/cli.md tells of every verb and every option, and of none that isn't there."""

import re
from pathlib import Path

import pytest

from tests.cli.verbs import VERBS

TEXT = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
SECTIONS: dict[str, str] = dict(
    re.findall(r"^## `outkept (\w+)`\n(.*?)(?=^## |\Z)", TEXT, re.M | re.S)
)


def test_every_verb_has_a_section_and_no_other() -> None:
    assert list(SECTIONS) == list(VERBS)


@pytest.mark.parametrize("verb", list(VERBS))
def test_every_option_of_a_verb_is_explained(verb: str) -> None:
    explained = set(re.findall(r"^\| `(--[a-z-]+)", SECTIONS[verb], re.M))
    assert explained == set(VERBS[verb])


@pytest.mark.parametrize("verb", list(VERBS))
def test_every_verb_has_an_example_with_its_output(verb: str) -> None:
    assert re.search(rf"^```\n\$ (?:\S+ .*)?outkept {verb}\b.*\n.+", SECTIONS[verb], re.M)
