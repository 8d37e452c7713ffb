"""References to the environment inside values."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outkept.config.environment import expand
from outkept.config.load import load
from outkept.config.problems import Mistake

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,10}", fullmatch=True)
PLAIN = st.text(st.characters(exclude_characters="$}"), max_size=20)


@given(NAMES, PLAIN, PLAIN, st.text(max_size=20))
def test_a_set_variable_stands_in_for_its_reference(
    name: str, before: str, after: str, value: str
) -> None:
    assert expand(f"{before}${{{name}}}{after}", {name: value}) == before + value + after


@given(NAMES, PLAIN, PLAIN)
def test_a_default_stands_in_for_a_variable_that_is_unset_or_empty(
    name: str, before: str, default: str
) -> None:
    text = f"{before}${{{name}:-{default}}}"
    assert expand(text, {}) == expand(text, {name: ""}) == before + default


@given(st.text(max_size=40))
def test_a_value_is_not_looked_at_again(value: str) -> None:
    assert expand("${A}", {"A": value}) == value


@given(st.text(max_size=40))
def test_an_escaped_text_comes_out_as_it_was(text: str) -> None:
    if not text.endswith("$"):
        escaped = text.replace("${", "$${")
        assert expand(escaped, {}) == text


@given(st.text(alphabet="${}A:-1 ", max_size=30))
def test_any_text_is_expanded_or_a_mistake(text: str) -> None:
    with contextlib.suppress(Mistake):
        expand(text, {"A": "x"})


def test_an_unset_variable_without_a_default_is_a_mistake() -> None:
    with pytest.raises(Mistake, match=r"'NAME' is not set; set it, or write \$\{NAME:-default\}"):
        expand("a ${NAME}", {})


def test_a_value_from_the_environment_never_becomes_yaml(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("ranges: [10.0.0.0/24]\nstate: ${STATE}\n")
    state = "/x]\nssh: {user: root}"
    loaded = load(path, environ={"STATE": state})
    assert loaded.settings is not None
    assert str(loaded.settings.state) == state
    assert loaded.settings.ssh.user == "outkept"


def test_an_empty_value_from_the_environment_is_as_good_as_none(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("ranges: [10.0.0.0/24]\nssh: {known_hosts: '${HOSTS:-}'}\n")
    loaded = load(path, environ={})
    assert loaded.settings is not None
    assert loaded.settings.ssh.known_hosts is None


def test_a_shell_variable_in_a_library_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("{name: mine, cmd: 'echo ${HOME}'}\n")
    path = tmp_path / "a.yaml"
    path.write_text("ranges: [10.0.0.0/24]\nsensors: {libraries: [s.yaml]}\n")
    loaded = load(path, environ={})
    assert loaded.problems == ()
    assert {sensor.name: sensor.cmd for sensor in loaded.sensors}["mine"] == "echo ${HOME}"
