"""The door of the command line: what every verb has in common."""

from pathlib import Path

import pytest

import outkept.__main__ as door
from outkept import __version__
from outkept.cli import main as verbs
from tests.cli.command import here, outkept
from tests.cli.verbs import INNER, VERBS


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_help_with_an_example(home: Path, verb: str) -> None:
    ended = outkept(home, verb, "--help")
    assert ended.code == 0
    assert f"outkept {verb}" in ended.out.split("Example: ")[1]


@pytest.mark.parametrize(("verb", "inner"), INNER)
def test_so_has_every_verb_behind_a_verb(verb: str, inner: str) -> None:
    ended = here(verb, inner, "--help")
    assert ended.code == 0, ended.err
    assert f"outkept {verb} {inner}" in " ".join(ended.out.split()).split("Example: ")[1]


@pytest.mark.parametrize(
    "args",
    [
        ("nonsense",),
        ("try",),
        ("sweep", "--rate", "x"),
        ("--nonsense",),
        ("user",),
        ("reactions",),
    ],
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
