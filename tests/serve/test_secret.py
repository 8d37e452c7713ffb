"""The secret in the state directory, and the tokens it signs."""

import base64
import hashlib
import hmac
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from outkept.serve.auth import (
    Grant,
    Role,
    Scope,
    SecretError,
    load_secret,
    mint,
    verify,
)


def test_the_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    secret = load_secret(tmp_path)
    assert len(secret) == 32
    assert load_secret(tmp_path) == secret
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_two_who_start_at_once_have_the_same_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(load_secret, [tmp_path] * 32))) == 1


def test_a_secret_others_can_read_is_refused(tmp_path: Path) -> None:
    load_secret(tmp_path)
    (tmp_path / "secret").chmod(0o640)
    with pytest.raises(SecretError, match="chmod 600"):
        load_secret(tmp_path)


@pytest.mark.parametrize("content", ["", "abcd", "not hexadecimal", "é"])
def test_a_damaged_secret_is_named_not_replaced(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secret"
    path.write_text(content, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(SecretError, match="secret"):
        load_secret(tmp_path)
    assert path.read_text(encoding="utf-8") == content


def test_a_state_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="No such file"):
        load_secret(tmp_path / "nowhere")


def test_a_token_says_its_role_and_age() -> None:
    secret = b"s" * 32
    token = mint(secret, Role.OPERATOR, issued=1000)
    assert verify(secret, token) == Grant(Role.OPERATOR.scopes, 1000.0)
    assert verify(b"t" * 32, token) is None


def test_a_token_ends_when_it_says_so() -> None:
    secret, now = b"s" * 32, time.time()
    assert verify(secret, mint(secret, Role.VIEWER, expires=now - 1)) is None
    grant = verify(secret, mint(secret, Role.VIEWER, expires=now + 60))
    assert grant is not None
    assert grant.expires == int(now + 60)


def test_a_token_may_have_less_than_a_role() -> None:
    secret = b"s" * 32
    grant = verify(secret, mint(secret, Role.ADMIN, scopes=frozenset({Scope.SWEEP})))
    assert grant is not None
    assert grant.scopes == {Scope.SWEEP}
    assert grant.role is None


def test_a_token_of_the_first_version_still_says_its_role() -> None:
    secret = b"s" * 32
    payload = base64.urlsafe_b64encode(b'{"role": "operator", "issued": 5}').rstrip(b"=").decode()
    signed = hmac.new(secret, f"outkept bearer\n{payload}".encode(), hashlib.sha256).digest()
    token = f"{payload}.{base64.urlsafe_b64encode(signed).rstrip(b'=').decode()}"
    assert verify(secret, token) == Grant(Role.OPERATOR.scopes, 5.0)


@pytest.mark.parametrize("token", ["", ".", "a.b", "é.é", "x" * 10_000, "e30.e30", "\0.\0"])
def test_nonsense_is_no_token(token: str) -> None:
    assert verify(b"s" * 32, token) is None


def test_a_role_covers_those_below_it() -> None:
    assert Role.ADMIN.covers(Role.VIEWER)
    assert Role.OPERATOR.covers(Role.OPERATOR)
    assert not Role.VIEWER.covers(Role.OPERATOR)
