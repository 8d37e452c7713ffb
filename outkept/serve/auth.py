"""Tokens: who may do what, signed with a secret that never leaves the state directory.

SecretError
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
import stat
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

SECRET_BYTES = 32
"""As long as the SHA-256 it keys (RFC 2104 §3 advises no less)."""

_LONGEST = 512


class SecretError(Exception):
    """The secret file can't be made, read or trusted. The message is one line that says
    what to do."""


class Role(StrEnum):
    """What a token may do: a viewer reads, an operator also acts, an admin also changes who may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def covers(self, needed: "Role") -> bool:
        """Whether this role may do what `needed` may."""
        return _RANK[self] >= _RANK[needed]


_RANK = {Role.VIEWER: 0, Role.OPERATOR: 1, Role.ADMIN: 2}


class Purpose(StrEnum):
    """What a signature is for. It is part of what is signed, so that a page's cookie is no
    bearer token and the other way round."""

    BEARER = "bearer"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a valid token says. `issued` is UNIX seconds."""

    role: Role
    issued: float


def load_secret(state: Path) -> bytes:
    """The secret of the daemon of this state directory; made (mode 0600) if there is none.

    Two processes that start at once end with the same one. Raises SecretError.
    """
    path = state / "secret"
    try:
        if not path.exists():
            _create(path)
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise SecretError(
                f"{path} can be read by other users (mode {mode:o}); run: chmod 600 {path}"
            )
        secret = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise SecretError(f"{path}: {error.strerror}; make it readable to this user") from None
    except ValueError:
        secret = b""
    if len(secret) < SECRET_BYTES:
        raise SecretError(
            f"{path} does not hold a secret; delete it to have a new one made (tokens end with it)"
        )
    return secret


def _create(path: Path) -> None:
    """Linking a finished file into place never replaces another's and never shows half of one."""
    draft = path.with_name(f".secret-{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(SECRET_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()


def mint(
    secret: bytes,
    role: Role,
    *,
    issued: float | None = None,
    purpose: Purpose = Purpose.BEARER,
) -> str:
    """A token for `role`, valid as long as the secret is. `issued`: now, in UNIX seconds."""
    at = int(time.time() if issued is None else issued)
    payload = _pack(json.dumps({"role": role.value, "issued": at}).encode())
    return f"{payload}.{_pack(_sign(secret, purpose, payload))}"


def verify(
    secret: bytes,
    token: str,
    *,
    purpose: Purpose = Purpose.BEARER,
    longest: float | None = None,
) -> Grant | None:
    """What `token` grants, or None if it isn't one of ours or older than `longest` seconds."""
    payload, _, signature = token.partition(".")
    if len(token) > _LONGEST or not token.isascii():
        return None
    try:
        if not hmac.compare_digest(_unpack(signature), _sign(secret, purpose, payload)):
            return None
        claims = json.loads(_unpack(payload))
        grant = Grant(Role(claims["role"]), float(claims["issued"]))
    except (binascii.Error, ValueError, KeyError, TypeError):
        return None
    if longest is not None and time.time() - grant.issued > longest:
        return None
    return grant


def _sign(secret: bytes, purpose: Purpose, payload: str) -> bytes:
    return hmac.new(secret, f"outkept {purpose}\n{payload}".encode(), hashlib.sha256).digest()


def _pack(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unpack(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
