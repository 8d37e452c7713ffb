"""The files of users and tokens, as the command line writes and the daemon reads them."""

import json
import os
import stat
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from outkept.serve import files, passwords, tokens, users
from outkept.serve.auth import Kind, Role, Scope
from outkept.serve.files import AccessFileError
from outkept.serve.tokens import TokenError, Tokens
from outkept.serve.users import UserError, Users
from tests.serve.daemon import daemon
from tests.serve.fleet import varied

PASSWORD = "correct horse battery staple"
READ = frozenset({Scope.READ})


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes that cost nothing, where a test isn't about them."""
    monkeypatch.setattr(passwords, "hashed", lambda password: f"hash of {password}")


def test_a_password_is_kept_as_argon2id_alone(tmp_path: Path) -> None:
    users.add(tmp_path, "ada", Role.ADMIN, PASSWORD)
    kept = (tmp_path / users.FILE).read_text()
    assert "$argon2id$" in kept
    assert PASSWORD not in kept
    ada = Users(tmp_path).all()["ada"]
    assert passwords.matches(ada.password, PASSWORD)
    assert not passwords.matches(ada.password, PASSWORD + " ")
    assert passwords.is_up_to_date(ada.password)


@pytest.mark.usefixtures("quick")
def test_the_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    users.add(tmp_path, "ada", Role.ADMIN, PASSWORD)
    tokens.create(tmp_path, "grafana", READ, None)
    assert sorted(path.name for path in tmp_path.iterdir()) == [tokens.FILE, users.FILE]
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.usefixtures("quick")
def test_of_many_who_add_at_once_none_is_lost(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: users.add(tmp_path, f"u{n}", Role.VIEWER, PASSWORD), range(40)))
    assert len(Users(tmp_path).all()) == 40


@pytest.mark.usefixtures("quick")
def test_a_change_gives_another_stamp(tmp_path: Path) -> None:
    stamps = {
        users.add(tmp_path, "ada", Role.VIEWER, PASSWORD).stamp,
        users.set_role(tmp_path, "Ada", Role.ADMIN).stamp,
        users.set_password(tmp_path, "ada", PASSWORD).stamp,
    }
    users.remove(tmp_path, "ada")
    stamps.add(users.add(tmp_path, "ada", Role.VIEWER, PASSWORD).stamp)
    assert len(stamps) == 4


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", ["", " ", "-ada", "a b", "a/b", "ä", "a\n", "x" * 65, "<b>"])
def test_what_can_be_no_name_is_refused(tmp_path: Path, name: str) -> None:
    if name.strip() in {"", "-ada", "a b", "a/b", "ä", "<b>"} or len(name) > 64:
        with pytest.raises(UserError, match="can't be a user's name"):
            users.add(tmp_path, name, Role.VIEWER, PASSWORD)
    with pytest.raises(TokenError, match="can't be a token's name"):
        tokens.create(tmp_path, name, READ, None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("password", ["", "short", "x" * 1025, "aaaaaaaaaaaa", "ada.lovelace"])
def test_a_password_that_is_easily_guessed_is_refused(tmp_path: Path, password: str) -> None:
    with pytest.raises(UserError, match="choose another"):
        users.add(tmp_path, "Ada.Lovelace", Role.VIEWER, password)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("quick")
def test_no_two_users_look_alike(tmp_path: Path) -> None:
    users.add(tmp_path, "ada", Role.VIEWER, PASSWORD)
    with pytest.raises(UserError, match="already"):
        users.add(tmp_path, "ADA", Role.ADMIN, PASSWORD)


@pytest.mark.parametrize(
    "change",
    [
        lambda state: users.remove(state, "bob"),
        lambda state: users.set_role(state, "bob", Role.VIEWER),
        lambda state: users.set_password(state, "bob", PASSWORD),
    ],
)
@pytest.mark.usefixtures("quick")
def test_a_user_that_is_not_there_is_said_so(
    tmp_path: Path, change: Callable[[Path], object]
) -> None:
    with pytest.raises(UserError, match="no user 'bob'"):
        change(tmp_path)


@pytest.mark.usefixtures("quick")
def test_there_is_a_most_of_users_and_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(users, "MOST", 1)
    monkeypatch.setattr(tokens, "MOST", 1)
    users.add(tmp_path, "ada", Role.VIEWER, PASSWORD)
    tokens.create(tmp_path, "one", READ, None)
    with pytest.raises(UserError, match="remove one"):
        users.add(tmp_path, "bob", Role.VIEWER, PASSWORD)
    with pytest.raises(TokenError, match="revoke one"):
        tokens.create(tmp_path, "two", READ, None)


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"users": [{}]}', '{"users": 5}', '{"users": [{"name": "a"}]}']
)
def test_a_damaged_file_is_named_and_lets_nobody_in(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / users.FILE
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(AccessFileError, match="damaged") as refused:
        Users(tmp_path).load()
    assert str(path) in str(refused.value)
    assert Users(tmp_path).all() == {}
    assert "damaged" in caplog.text
    with pytest.raises(AccessFileError):
        users.add(tmp_path, "ada", Role.ADMIN, PASSWORD)
    assert path.read_text() == content


@pytest.mark.usefixtures("quick")
def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    users.add(tmp_path, "ada", Role.ADMIN, PASSWORD)
    kept = Users(tmp_path)
    assert kept.get("ada") is not None
    (tmp_path / users.FILE).chmod(0o644)
    with pytest.raises(AccessFileError, match="chmod 600"):
        kept.load()
    assert kept.get("ada") is None


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(AccessFileError, match="not a state directory"):
        tokens.create(tmp_path / "nowhere", "one", READ, None)


def test_a_failed_write_leaves_the_old_file_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    files.write(path, {"a": 1})

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(AccessFileError, match="No space left"):
        files.write(path, {"a": 2})
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_of_a_token_only_its_hash_is_kept(tmp_path: Path) -> None:
    token = tokens.create(tmp_path, "grafana", READ, None)
    assert token.startswith(tokens.PREFIX)
    assert token not in (tmp_path / tokens.FILE).read_text()
    grant = Tokens(tmp_path).grant(token)
    assert grant is not None
    assert (grant.name, grant.kind, grant.scopes) == ("grafana", Kind.TOKEN, READ)
    assert Tokens(tmp_path).grant(token + "x") is None
    assert Tokens(tmp_path).grant("") is None


def test_a_token_with_a_name_expires_and_is_listed_still(tmp_path: Path) -> None:
    token = tokens.create(tmp_path, "old", READ, time.time() - 1)
    kept = Tokens(tmp_path)
    assert kept.grant(token) is None
    assert [one.name for one in kept.all()] == ["old"]


def test_a_name_is_taken_until_its_token_is_revoked(tmp_path: Path) -> None:
    first = tokens.create(tmp_path, "ci", READ, None)
    with pytest.raises(TokenError, match="revoke it first"):
        tokens.create(tmp_path, "ci", READ, None)
    tokens.revoke(tmp_path, "ci")
    second = tokens.create(tmp_path, "ci", READ, None)
    assert Tokens(tmp_path).grant(first) is None
    assert Tokens(tmp_path).grant(second) is not None
    with pytest.raises(TokenError, match="no token 'other'"):
        tokens.revoke(tmp_path, "other")


async def test_a_running_daemon_knows_a_token_from_its_making_to_its_revoking(
    tmp_path: Path,
) -> None:
    async with daemon(varied(), state=tmp_path) as running, httpx.AsyncClient() as client:

        async def status(path: str) -> int:
            return (await client.get(f"{running.url}api/v1/{path}")).status_code

        token = tokens.create(tmp_path, "ci", frozenset({Scope.SWEEP}), None)
        client.headers["authorization"] = f"Bearer {token}"
        assert await status("stats") == 403
        assert await status("me") == 200
        tokens.revoke(tmp_path, "ci")
        assert await status("me") == 401
