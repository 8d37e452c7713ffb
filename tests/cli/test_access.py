"""`outkept user` and `outkept token`, and what the daemon that is told them does."""

import json
import re
import subprocess
import time
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from outkept.serve.auth import Role, Scope, load_secret, verify
from outkept.serve.tokens import Tokens
from outkept.serve.users import Users
from tests.cli.command import OUTKEPT, environment, in_terminal, outkept
from tests.cli.conftest import Daemon
from tests.serve.certificates import make_certificate
from tests.servers import generate_key

PASSWORD = "correct horse battery staple"


def add(home: Path, name: str, *args: object, password: str = PASSWORD) -> int:
    """Add a user with the password on standard input; the exit status."""
    command = [*OUTKEPT, "user", "add", name, "--state", str(home / "state"), *map(str, args)]
    typed = f"{password}\n".encode()
    return subprocess.run(
        command, input=typed, env=environment(home), capture_output=True, timeout=60
    ).returncode


def test_a_user_is_added_listed_changed_and_removed(home: Path) -> None:
    state = home / "state"
    assert add(home, "Ada", "--role", "operator") == 0
    listed = json.loads(outkept(home, "user", "list", "--json", "--state", state).out)
    assert [(one["name"], one["role"]) for one in listed] == [("ada", "operator")]
    assert outkept(home, "user", "role", "ada", "viewer", "--state", state).code == 0
    assert Users(state).all()["ada"].role is Role.VIEWER
    assert "ada   viewer" in outkept(home, "user", "list", "--state", state).out
    assert outkept(home, "user", "remove", "ada", "--state", state).code == 0
    ended = outkept(home, "user", "list", "--state", state)
    assert (ended.out, ended.complaint) == ("", "No users yet.")


def test_a_password_is_asked_for_twice_on_a_terminal(home: Path) -> None:
    state = home / "state"
    with in_terminal(home, "user", "add", "ada", "--state", state) as terminal:
        terminal.wait_for("Password for ada:")
        terminal.press(f"{PASSWORD}\n")
        terminal.wait_for("Again:")
        terminal.press(f"{PASSWORD}x\n")
        terminal.wait_for("differ; nothing was changed")
        assert terminal.end() == 1
        assert PASSWORD not in terminal.seen
    assert Users(state).all() == {}
    with in_terminal(home, "user", "add", "ada", "--state", state) as terminal:
        for prompt in ("Password for ada:", "Again:"):
            terminal.wait_for(prompt)
            terminal.press(f"{PASSWORD}\n")
        terminal.wait_for("ada may sign in as viewer")
        assert terminal.end() == 0


def test_without_a_password_nothing_is_changed(home: Path) -> None:
    with in_terminal(home, "user", "add", "ada", "--state", home / "state") as terminal:
        terminal.wait_for("Password for ada:")
        terminal.press("\x04")
        terminal.wait_for("no password was given; nothing was changed")
        assert terminal.end() == 1
    assert Users(home / "state").all() == {}


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("add", "ada"), "choose another"),
        (("add", "a b"), "can't be a user's name"),
        (("role", "ada", "admin"), "no user 'ada'"),
        (("password", "ada"), "no user 'ada'"),
        (("remove", "ada"), "no user 'ada'"),
    ],
)
def test_what_cannot_be_done_is_one_line(home: Path, args: tuple[str, ...], words: str) -> None:
    ended = outkept(home, "user", *args, "--state", home / "state")
    assert ended.code == 1
    assert words in ended.complaint


def test_a_token_without_a_name_says_what_it_may_and_until_when(home: Path) -> None:
    def minted(*args: object) -> object:
        token = outkept(home, "token", "--state", home, *args).out.strip()
        grant = verify(load_secret(home), token)
        assert grant is not None
        return grant.role or sorted(grant.scopes)

    assert minted() is Role.VIEWER
    assert minted("--role", "operator") is Role.OPERATOR
    assert minted("--scope", "sweep", "--scope", "admin") == [Scope.ADMIN, Scope.SWEEP]
    token = outkept(home, "token", "--state", home, "--expires", "2h").out.strip()
    grant = verify(load_secret(home), token)
    assert grant is not None
    assert grant.expires == pytest.approx(time.time() + 7200, abs=120)


def test_a_token_with_a_name_is_listed_and_revoked(home: Path) -> None:
    made = outkept(home, "token", "--name", "ci", "--scope", "read", "--state", home)
    token = made.out.strip()
    assert Tokens(home).grant(token) is not None
    listed = outkept(home, "token", "--list", "--json", "--state", home).out
    assert token not in listed
    assert [(one["name"], one["scopes"]) for one in json.loads(listed)] == [("ci", ["read"])]
    assert "never" in outkept(home, "token", "--list", "--state", home).out
    again = outkept(home, "token", "--name", "ci", "--state", home)
    assert again.code == 1
    assert "revoke it first" in again.complaint
    assert outkept(home, "token", "--revoke", "ci", "--state", home).code == 0
    assert Tokens(home).grant(token) is None
    assert outkept(home, "token", "--revoke", "ci", "--state", home).code == 1


@pytest.mark.parametrize(
    "args",
    [
        ("--role", "viewer", "--scope", "read"),
        ("--link", "--list"),
        ("--list", "--revoke", "x"),
        ("--link", "--scope", "read"),
        ("--list", "--expires", "1h"),
        ("--expires", "soon"),
        ("--expires", "0s"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(home: Path, args: tuple[str, ...]) -> None:
    ended = outkept(home, "token", "--state", home, *args)
    assert ended.code == 2
    assert ended.complaint


def test_a_link_needs_a_running_daemon(home: Path) -> None:
    ended = outkept(home, "token", "--link", "--state", home)
    assert ended.code == 1
    assert "no daemon is running" in ended.complaint


def test_a_link_opens_the_page_of_the_running_daemon_once(home: Path, daemon: Daemon) -> None:
    link = outkept(home, "token", "--link", "--state", daemon.state).out.strip()
    assert re.fullmatch(rf"{re.escape(daemon.url)}/?\?token=[\w-]{{39}}", link)
    assert _lands_at(link) == "/login"  # urllib keeps no cookies
    assert _lands_at(link) == "/login?link=spent"


def _lands_at(link: str) -> str:
    with urlopen(Request(link), timeout=60) as answer:
        url: str = answer.geturl()
    return url[url.index("/", len("http://")) :]


def _beyond(home: Path) -> Path:
    generate_key(home / "key")
    chain, key = make_certificate(home)
    path = home / "config.yaml"
    path.write_text(
        "ranges: [127.0.9.0/30]\nssh: {keys: [./key], agent: false}\nstate: ./state\n"
        "dashboard:\n  listen: 127.0.0.1:0\n  origin: https://outkept.example.org\n"
        f"  tls: {{certificate: {chain}, key: {key}}}\n  proxy: [10.0.0.9]\n"
    )
    return path


def test_beyond_loopback_there_must_be_a_user(home: Path) -> None:
    ended = outkept(home, "run", "-c", _beyond(home))
    assert ended.code == 1
    assert "outkept user add NAME" in ended.complaint


def test_beyond_loopback_the_link_is_the_one_that_people_open(home: Path) -> None:
    path = _beyond(home)
    assert add(home, "ada", "--role", "admin") == 0
    with in_terminal(home, "run", "-c", path) as terminal:
        terminal.wait_for(r"Dashboard: https://outkept\.example\.org/\?token=")
        link = outkept(home, "token", "--link", "-c", path).out
        assert link.startswith("https://outkept.example.org/?token=")
        terminal.interrupt()
        assert terminal.end() == 0
    assert not (home / "state" / "url").exists()
    assert not (home / "state" / "page").exists()


def test_damaged_users_stop_the_daemon_with_one_line(home: Path) -> None:
    path = _beyond(home)
    assert add(home, "ada") == 0
    (home / "state" / "users.json").write_text("{")
    ended = outkept(home, "run", "-c", path)
    assert ended.code == 1
    assert "users.json is damaged" in ended.complaint
