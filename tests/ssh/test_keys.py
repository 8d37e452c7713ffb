"""Private key files, good and bad."""

import logging
from pathlib import Path

import pytest

from outkept.ssh.client import Client
from outkept.ssh.errors import KeyProblem
from outkept.ssh.hostkeys import HostKeys
from outkept.ssh.keys import Credentials, load_credentials
from tests.servers import User, generate_key, running_sshd
from tests.ssh.helpers import connected, credentials_of

PASSPHRASE = "correct horse battery"


def load(path: Path, passphrase: str | None = None) -> tuple[Credentials, list[KeyProblem]]:
    return load_credentials([path], agent=False, passphrase=lambda asked: passphrase)


def problem(path: Path, passphrase: str | None = None) -> str:
    credentials, problems = load(path, passphrase)
    assert credentials.keys == ()
    assert [each.path for each in problems] == [path]
    assert "\n" not in problems[0].reason
    return problems[0].reason


def test_the_passphrase_is_asked_for_encrypted_keys_only(tmp_path: Path) -> None:
    plain = generate_key(tmp_path / "plain")
    locked = generate_key(tmp_path / "locked", passphrase=PASSPHRASE)
    asked: list[Path] = []

    def passphrase(path: Path) -> str:
        asked.append(path)
        return PASSPHRASE

    credentials, problems = load_credentials([plain, locked], agent=False, passphrase=passphrase)
    assert (len(credentials.keys), problems, asked) == (2, [], [locked])


def test_an_encrypted_key_without_its_passphrase_is_a_problem(tmp_path: Path) -> None:
    locked = generate_key(tmp_path / "locked", passphrase=PASSPHRASE)
    assert "needs a passphrase" in problem(locked)
    assert problem(locked, "wrong") == "the passphrase is wrong"


def test_an_encrypted_pem_key_is_asked_for_its_passphrase(tmp_path: Path) -> None:
    locked = tmp_path / "pem"
    generate_key(locked, kind="rsa", passphrase=PASSPHRASE, form="PEM")
    assert "needs a passphrase" in problem(locked)
    assert problem(locked, "wrong") == "the passphrase is wrong"
    assert load(locked, PASSPHRASE)[1] == []


def test_files_that_are_no_private_keys_are_told_apart(tmp_path: Path) -> None:
    assert problem(tmp_path / "missing") == "there is no such file"
    assert "can't be read" in problem(tmp_path)
    key = generate_key(tmp_path / "key")
    assert "is a public key" in problem(_private(tmp_path / "key.pub"))
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"\x00\xffnot a key")
    assert "is not a private key" in problem(_private(garbage))
    garbage.write_bytes(key.read_bytes()[:120])
    assert "is not a private key" in problem(garbage)
    garbage.write_bytes(b"\x00" * 300_000)
    assert "too large" in problem(garbage)


def test_a_key_that_others_can_read_is_refused_as_ssh_does(tmp_path: Path) -> None:
    key = generate_key(tmp_path / "key")
    key.chmod(0o644)
    assert problem(key) == f"can be read by others; run: chmod 600 {key}"


def test_one_bad_file_does_not_hide_a_good_one(tmp_path: Path) -> None:
    good = generate_key(tmp_path / "good")
    paths = [tmp_path / "missing", good]
    credentials, problems = load_credentials(paths, agent=False, passphrase=lambda path: None)
    assert (len(credentials.keys), len(problems)) == (1, 1)


def test_the_agent_is_used_only_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    for agent, path in ((True, "/run/agent"), (False, None)):
        credentials, _ = load_credentials([], agent=agent, passphrase=lambda path: None)
        assert credentials.agent_path == path
    monkeypatch.delenv("SSH_AUTH_SOCK")
    assert load_credentials([], agent=True, passphrase=lambda path: None)[0].agent_path is None


async def test_an_encrypted_key_logs_in_and_its_passphrase_stays_out_of_logs(
    ssh_user: User, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    locked = generate_key(tmp_path / "locked", passphrase=PASSPHRASE)
    with caplog.at_level(logging.DEBUG), running_sshd(authorized_keys=[locked]) as server:
        credentials = credentials_of(locked, passphrase=PASSPHRASE)
        client = Client(credentials, HostKeys(None, strict=False), connect_timeout=20)
        async with connected(client, server.endpoint, ssh_user.name) as connection:
            assert connection.lost is None
    assert PASSPHRASE not in caplog.text
    assert PASSPHRASE not in repr(credentials)


def _private(path: Path) -> Path:
    path.chmod(0o600)
    return path
