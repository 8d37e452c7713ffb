"""The door of the command line: what every verb has in common."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import outkept.__main__ as door
from outkept import __version__
from outkept.cli import main as verbs
from tests.cli.command import outkept
from tests.cli.verbs import INNER, VERBS


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_help_with_an_example(home: Path, verb: str) -> None:
    ended = outkept(home, verb, "--help")
    assert ended.code == 0
    assert f"outkept {verb}" in ended.out.split("Example: ")[1]


@pytest.mark.parametrize(("verb", "inner"), INNER)
def test_every_verb_of_a_verb_has_help(verb: str, inner: str) -> None:
    shown = CliRunner().invoke(verbs.app, [verb, inner, "--help"])
    assert shown.exit_code == 0, shown.exception
    assert f"{verb} {inner} " in shown.output


def test_the_help_shows_brackets_as_they_are_typed() -> None:
    shown = CliRunner().invoke(verbs.app, ["silence", "add", "--help"])
    assert "'disk[/var*]'" in shown.output


@pytest.mark.parametrize(
    "args", [("nonsense",), ("try",), ("sweep", "--rate", "x"), ("--nonsense",)]
)
def test_a_usage_error_is_one_line_that_names_the_help(home: Path, args: tuple[str, ...]) -> None:
    ended = outkept(home, *args)
    assert ended.code == 2
    assert ended.complaint.startswith("outkept: ")
    assert "--help" in ended.complaint


def test_without_arguments_there_is_help(home: Path) -> None:
    ended = outkept(home)
    assert ended.code == 0
    assert "Usage: outkept" in ended.out


def test_the_help_lists_every_verb_in_order(home: Path) -> None:
    listed = re.findall(r"^│ (\w+) ", outkept(home, "--help").out, re.M)
    assert listed == list(VERBS)


def test_a_misspelt_verb_is_told_the_right_one(home: Path) -> None:
    assert "Did you mean 'servers'?" in outkept(home, "serverz").complaint


def test_what_asks_a_daemon_loads_neither_its_server_nor_ssh(home: Path) -> None:
    """They take most of a second to load."""
    ended = outkept(home, "servers", "--state", home, PYTHONPROFILEIMPORTTIME="1")
    assert ended.code == 1
    loaded = set(re.findall(r"\| +([\w.]+)$", ended.err, re.M))
    assert "outkept.cli.api" in loaded
    assert loaded.isdisjoint({"fastapi", "uvicorn", "asyncssh", "apprise", "sqlite3"})


def test_the_version_is_printed(home: Path) -> None:
    assert outkept(home, "--version").out == f"outkept {__version__}\n"


def test_an_internal_error_is_one_line_unless_debugging(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_args: object, **_options: object) -> None:
        raise LookupError("two\nlines")

    monkeypatch.setattr(verbs, "app", broken)
    with pytest.raises(SystemExit) as ended:
        door.main()
    assert ended.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("outkept: internal error: LookupError: two lines; please report")
    monkeypatch.setenv("OUTKEPT_DEBUG", "1")
    with pytest.raises(LookupError):
        door.main()


def test_an_interrupt_while_it_is_loaded_says_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_args: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(verbs, "app", interrupted)
    with pytest.raises(SystemExit) as ended:
        door.main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == ""
