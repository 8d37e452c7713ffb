"""Loading: defaults, places of keys, the command line, and files made to break it."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outkept.config.commandline import CommandLine
from outkept.config.load import Loaded, load
from outkept.config.settings import RangeSettings, Settings
from outkept.config.values import Listen
from outkept.model.action import ReactionMode

BUILTIN = Path(__file__).parent / "builtin"
SMALL = "ranges: [10.0.0.0/30]\n"


def loaded_from(tmp_path: Path, text: str, options: CommandLine | None = None) -> Loaded:
    path = tmp_path / "outkept.yaml"
    path.write_text(text)
    return load(path, options, environ={}, builtin=BUILTIN)


def settings_from(tmp_path: Path, text: str, options: CommandLine | None = None) -> Settings:
    loaded = loaded_from(tmp_path, text, options)
    assert loaded.problems == ()
    assert loaded.settings is not None
    return loaded.settings


def test_ranges_take_what_they_do_not_say_from_the_defaults(tmp_path: Path) -> None:
    found = settings_from(
        tmp_path,
        """
ranges:
  - 10.0.0.0/30
  - range: 10.0.1.1-10.0.1.9
    exclude: [10.0.1.3, 10.0.1.8-9]
    ports: [2022]
    user: root
    every: 1h
    labels: {site: no, row: 7}
ssh: {ports: [22, 2222]}
sweep: {every: 10m}
""",
    )
    first, second = found.ranges
    assert (first.ports, first.every, first.user, first.labels) == ((22, 2222), 600, None, ())
    assert [first.address(at) for at in range(len(first))] == ["10.0.0.1", "10.0.0.2"]
    assert (second.ports, second.every, second.user) == ((2022,), 3600, "root")
    assert second.labels == (("row", "7"), ("site", "no"))
    assert [second.address(at).rpartition(".")[2] for at in range(len(second))] == list("124567")


def test_paths_are_relative_to_the_configuration_file(tmp_path: Path) -> None:
    found = settings_from(
        tmp_path, SMALL + "state: data/../here\nssh: {keys: [~/k, ./id, /etc/k]}\n"
    )
    assert found.state == tmp_path / "here"
    assert found.ssh.keys == (Path.home() / "k", tmp_path / "id", Path("/etc/k"))


@pytest.mark.parametrize("mode", ["off", "dry-run", "on"])
def test_a_mode_that_yaml_takes_for_a_flag_is_the_word_it_is(tmp_path: Path, mode: str) -> None:
    found = settings_from(tmp_path, SMALL + f"reactions: {{mode: {mode}}}\n")
    assert found.reactions.mode is ReactionMode(mode)


@pytest.mark.parametrize(
    ("text", "listen"),
    [
        ("127.0.0.1:8844", Listen("127.0.0.1", 8844)),
        ("localhost:0", Listen("127.0.0.1", 0)),
        ('"[::1]:8844"', Listen("::1", 8844)),
        ("0.0.0.0:80", Listen("0.0.0.0", 80)),
    ],
)
def test_an_address_to_listen_on_is_read(tmp_path: Path, text: str, listen: Listen) -> None:
    found = settings_from(tmp_path, SMALL + f"dashboard: {{listen: {text}}}\n")
    assert found.dashboard.listen == listen
    assert str(listen).rpartition(":")[2] == str(listen.port)


@pytest.mark.parametrize(
    "text", ["1.2.3.4", "1.2.3.4:70000", "::1:80", "[1.2.3.4]:80", ":80", "[]:80", "[::1]:x"]
)
def test_what_is_no_address_to_listen_on_is_refused(tmp_path: Path, text: str) -> None:
    loaded = loaded_from(tmp_path, SMALL + f"dashboard: {{listen: '{text}'}}\n")
    (problem,) = loaded.problems
    assert "127.0.0.1:8844" in problem.mend


def test_keys_without_values_are_as_good_as_left_out(tmp_path: Path) -> None:
    found = settings_from(tmp_path, SMALL + "ssh:\nsensors:\n  overrides:\n  every: ~\n")
    assert found == settings_from(tmp_path, SMALL)


def test_a_key_is_found_where_it_is_written(tmp_path: Path) -> None:
    loaded = loaded_from(
        tmp_path, "ranges:\n  - 10.0.0.0/30\nssh:\n  keys:\n    - a\n    - b\nstate: x\n"
    )
    file = str(tmp_path / "outkept.yaml")
    assert loaded.where("ssh.keys.1") == (file, 6)
    assert loaded.where("ssh.keys") == (file, 4)
    assert loaded.where("ssh.user") == (file, 3)
    assert loaded.where("dashboard.listen") == (file, 0)
    missing = loaded.problem("ssh.keys.1", "there is no 'b'", "create it")
    assert str(missing) == f"{file}:6: ssh.keys.1: there is no 'b'; create it"
    assert loaded.written("ssh.keys.1")
    assert not loaded.written("ssh.keys.2")
    assert not loaded.written("ssh.user")


def test_a_command_line_alone_is_a_configuration() -> None:
    options = CommandLine(
        ranges=("10.0.0.0/30",),
        user="ops",
        keys=("id",),
        ports=(22, 2222),
        exclude=("10.0.0.1",),
        rate=0,
        state="here",
        listen="[::1]:0",
    )
    loaded = load(None, options, environ={}, builtin=BUILTIN)
    found = loaded.settings
    assert loaded.problems == ()
    assert found is not None
    (swept,) = found.ranges
    assert (len(swept), swept.address(0), swept.ports) == (1, "10.0.0.2", (22, 2222))
    assert found.ssh.user == "ops"
    assert found.ssh.keys == (Path.cwd() / "id",)
    assert found.state == Path.cwd() / "here"
    assert (found.sweep.rate, found.dashboard.listen) == (0, Listen("::1", 0))
    assert loaded.where("ssh.keys.0") == ("command line", 0)


def test_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    text = """
ranges:
  - 10.0.0.0/29
  - {range: 10.0.1.0/29, exclude: [10.0.1.1], ports: [2022]}
ssh: {user: root, agent: false}
"""
    options = CommandLine(user="ops", exclude=("10.0.0.1", "10.0.1.1-2"), ports=(23,))
    found = settings_from(tmp_path, text, options)
    assert (found.ssh.user, found.ssh.agent) == ("ops", False)
    assert [(len(swept), swept.ports) for swept in found.ranges] == [(5, (23,)), (4, (2022,))]
    named = settings_from(tmp_path, text, CommandLine(ranges=("10.9.0.1",)))
    assert [swept.text for swept in named.ranges] == ["10.9.0.1"]


def test_mistakes_on_the_command_line_say_so_and_do_not_hide_those_of_the_file(
    tmp_path: Path,
) -> None:
    options = CommandLine(ranges=("10.0.0.0/99",), ports=("ssh",), user="a b")
    loaded = loaded_from(tmp_path, "ssh: nothing\nusr: x\n", options)
    lines = [str(problem) for problem in loaded.problems]
    assert any(line.startswith("command line: ranges.0.range: '10.0.0.0/99'") for line in lines)
    assert any("outkept.yaml:1: ssh: 'nothing' is not a mapping" in line for line in lines)
    assert any("outkept.yaml:2: unknown key 'usr'" in line for line in lines)


def test_without_file_or_ranges_the_problem_is_the_command_lines() -> None:
    (problem,) = load(None, builtin=BUILTIN).problems
    assert str(problem).startswith("command line: there is no 'ranges'")


def test_settings_are_made_without_a_file_and_can_not_be_changed() -> None:
    made = Settings(ranges=(RangeSettings(range="127.0.0.0/30"),))
    assert made.ranges[0].address(0) == "127.0.0.1"
    with pytest.raises(ValueError, match="frozen"):
        made.forget_after = 1


def test_a_disabled_sensor_is_left_out(tmp_path: Path) -> None:
    loaded = loaded_from(tmp_path, SMALL + "sensors: {disable: [users]}\n")
    assert [sensor.name for sensor in loaded.sensors] == ["load", "time"]


def test_a_file_of_mistakes_only_is_not_printed_to_its_end(tmp_path: Path) -> None:
    loaded = loaded_from(tmp_path, SMALL + "".join(f"x{n}: 1\n" for n in range(1500)))
    assert len(loaded.problems) == 1001
    assert "more than the 1,000 problems shown" in str(loaded.problems[-1])


KEYS = sorted(
    {"ranges", "range", "exclude", "ssh", "user", "keys", "ports", "channels", "sensors", "set"}
    | {"overrides", "match", "labels", "load", "warning", "clear", "every", "retention", "raw"}
    | {"libraries", "disable", "dashboard", "listen", "state", "sweep", "rate", "name", "cmd"}
    | {"examples", "output", "value", "for", "timer", "<<", "hostname", "reactions", "mode"}
)
SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["10.0.0.0/24", "10s", "load", "~", "~x/y", "${A", "${A:-b}", "\0", "on"]),
)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=6)
    ),
    max_leaves=30,
)
quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@quick
@given(data=st.binary(max_size=300))
def test_any_bytes_are_settings_or_problems(tmp_path: Path, data: bytes) -> None:
    check(tmp_path, data)


YAML_TEXT = st.lists(
    st.sampled_from([*KEYS, ": ", "- ", "\n", "\n  ", "[", "]", "{", "}", ", ", '"', "'", "&a "])
    | st.sampled_from(["*a", "<<: *a", "|\n", "? ", "!!str ", "!x ", "#", "\t", "---\n", "...\n"])
    | st.sampled_from(["10.0.0.0/24", "10s", "22", "%YAML 1.1\n", "\r", "\u2028", "${A}"]),
    max_size=40,
)


@quick
@given(pieces=YAML_TEXT)
def test_any_pieces_of_yaml_are_settings_or_problems(tmp_path: Path, pieces: list[str]) -> None:
    check(tmp_path, "".join(pieces).encode())


@quick
@given(tree=TREES)
def test_any_tree_is_settings_or_problems(tmp_path: Path, tree: object) -> None:
    check(tmp_path, yaml_of(tree).encode("utf-8", "surrogatepass"))


def yaml_of(tree: object) -> str:
    if isinstance(tree, dict):
        return (
            "{" + ", ".join(f"{quote(key)}: {yaml_of(value)}" for key, value in tree.items()) + "}"
        )
    if isinstance(tree, list):
        return "[" + ", ".join(map(yaml_of, tree)) + "]"
    return "~" if tree is None else quote(str(tree))


def quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def check(tmp_path: Path, data: bytes) -> None:
    """The file as a configuration and, beside it, as a library."""
    (tmp_path / "s.yaml").write_bytes(data)
    (tmp_path / "a.yaml").write_bytes(data)
    (tmp_path / "b.yaml").write_text("{ranges: [10.0.0.0/24], sensors: {libraries: [s.yaml]}}")
    for name in ("a.yaml", "b.yaml"):
        loaded = load(tmp_path / name, environ={}, builtin=BUILTIN)
        assert (loaded.settings is None) <= bool(loaded.problems)
        assert all(str(problem).isprintable() for problem in loaded.problems)
        assert all(problem.line <= data.count(b"\n") + 8 for problem in loaded.problems)


def test_a_file_that_can_not_be_read_is_one_problem() -> None:
    path = Path("/proc/self/mem")  # reading its first byte fails, for root too
    (problem,) = load(path, builtin=BUILTIN).problems
    assert str(problem).startswith("/proc/self/mem: it can't be read: ")
