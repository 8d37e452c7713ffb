"""A verb is loaded when it is called, and not before."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from outkept.cli.verbs import VERBS
from tests.cli.command import DEADLINE_S, environment, outkept
from tests.cli.verbs import COMMANDS

CALL = """
import sys
from outkept.__main__ import main
try:
    main()
except SystemExit:
    pass
print("\\nloaded:", *sys.modules)
"""
HEAVY = {
    "apprise",
    "asyncssh",
    "fastapi",
    "jinja2",
    "outkept.app.start",
    "outkept.config.load",
    "requests",
    "sqlite3",
    "starlette",
    "uvicorn",
    "uvloop",
    "websockets",
}
"""What the daemon is made of, and most verbs need none of."""
ASKING = [
    *("servers", "events", "actions", "incidents", "notices", "silence", "reactions show"),
    *("ack 1", "note 1 it", "silence end 1", "silence add --reason it", "reactions stop it"),
    *("react load --on web1 --preview", "token", "user list"),
]


def loaded(home: Path, *args: str, **more: str) -> set[str]:
    """The modules that are loaded once `outkept` with these arguments has ended."""
    done = subprocess.run(
        [sys.executable, "-c", CALL, *args],
        cwd=home,
        env=environment(home, PYTHONPATH=str(Path(__file__).parents[2]), **more),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        stdin=subprocess.DEVNULL,
    )
    _, line = done.stdout.split("\nloaded: ")
    return set(line.split())


@pytest.mark.parametrize("args", ["--version", "--help", "", "nonsense"])
def test_without_a_verb_none_is_loaded(home: Path, args: str) -> None:
    modules = loaded(home, *args.split())
    assert not modules & HEAVY
    assert not {f"outkept.cli.{verb.place.partition(':')[0]}" for verb in VERBS.values()} & modules


@pytest.mark.parametrize("args", ASKING)
def test_a_verb_that_is_no_daemon_loads_none(home: Path, args: str) -> None:
    assert not loaded(home, *args.split(), "--state", str(home)) & HEAVY


def test_the_daemon_is_made_of_all_that_is_looked_for(home: Path) -> None:
    assert loaded(home, "run", "--help") >= HEAVY


@pytest.mark.parametrize("name", list(VERBS))
def test_the_list_of_verbs_says_what_the_help_of_each_begins_with(name: str) -> None:
    first = COMMANDS[name].help.split("\n\n")[0]
    assert VERBS[name].summary == " ".join(first.split())


def test_the_verbs_are_listed_in_their_order(home: Path) -> None:
    listed = outkept(home, "--help").out.partition(" Commands ")[2]
    assert re.findall(r"^│ ([a-z]+) ", listed, re.M) == list(VERBS)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("outkept no", {"note", "notices", "notify"}),
        ("outkept silence e", {"end"}),
        ("outkept servers --sta", {"--status", "--state"}),
    ],
)
def test_the_shell_completes_verbs_and_their_options(
    home: Path, typed: str, words: set[str]
) -> None:
    at = str(len(typed.split()) - 1)
    asked = {"_OUTKEPT_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": at}
    assert set(outkept(home, **asked).out.split()) == words
    assert not loaded(home, **asked) & HEAVY
