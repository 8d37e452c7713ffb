"""Roles and scopes, and tokens signed with a secret that never leaves the state directory.

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
from typing import Any

from outkept.serve.files import give_to_owner

SECRET_BYTES = 32
"""As long as the SHA-256 it keys (RFC 2104 §3 advises no less)."""

_LONGEST = 1024
_LONGEST_NAME = 64


class SecretError(Exception):
    """The secret file can't be made, read or trusted. The message is one line that says
    what to do."""


class Scope(StrEnum):
    """One thing that may be done. Every route of the API needs exactly one."""

    READ = "read"
    """See servers, readings, events, reactions and what they printed."""
    SWEEP = "sweep"
    """Start sweeps of configured ranges."""
    ACT = "act"
    """Change how alarms are dealt with, and run what a server is to do."""
    ADMIN = "admin"
    """See who has access, and end it."""


class Role(StrEnum):
    """A usual set of scopes: a viewer reads, an operator also sweeps and acts, an admin also
    manages access."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    @property
    def scopes(self) -> frozenset[Scope]:
        """What the role may do."""
        return _SCOPES[self]

    def covers(self, needed: "Role") -> bool:
        """Whether this role may do what `needed` may."""
        return self.scopes >= needed.scopes


_SCOPES = {
    Role.VIEWER: frozenset({Scope.READ}),
    Role.OPERATOR: frozenset({Scope.READ, Scope.SWEEP, Scope.ACT}),
    Role.ADMIN: frozenset(Scope),
}


def role_of(scopes: frozenset[Scope]) -> Role | None:
    """The highest role all of whose scopes are in `scopes`; None if there isn't one."""
    return next((role for role in reversed(Role) if scopes >= role.scopes), None)


class Kind(StrEnum):
    """How somebody came in."""

    USER = "user"
    LINK = "link"
    TOKEN = "token"  # noqa: S105 - a word, not a secret


@dataclass(frozen=True, slots=True)
class Grant:
    """Who is asking, and what they may do. `name` is the user's or the token's, empty for a
    link and a token without one. Times are UNIX seconds; `expires` None: not by itself."""

    scopes: frozenset[Scope]
    issued: float
    expires: float | None = None
    kind: Kind = Kind.TOKEN
    name: str = ""

    @property
    def role(self) -> Role | None:
        """The highest role that the scopes amount to."""
        return role_of(self.scopes)

    @property
    def signature(self) -> str:
        """How what they do is signed: the user's name, `a token NAME`, `a token` or `a link`."""
        if self.kind is Kind.USER:
            return self.name
        return f"a {self.kind} {self.name}".rstrip()


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
            give_to_owner(file.fileno(), path.parent)
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
    scopes: frozenset[Scope] | None = None,
    issued: float | None = None,
    expires: float | None = None,
    name: str = "",
) -> str:
    """A token with the scopes of `role`, or with `scopes`; valid until `expires`, and at most as
    long as the secret is. Times in UNIX seconds; `issued`: now. No two are alike. `name` (at most
    64 characters count) is what it signs with."""
    claims: dict[str, object] = {
        "scopes": sorted(role.scopes if scopes is None else scopes),
        "issued": int(time.time() if issued is None else issued),
        "id": secrets.token_hex(8),
    }
    if expires is not None:
        claims["expires"] = int(expires)
    if name:
        claims["name"] = name[:_LONGEST_NAME]
    payload = _pack(json.dumps(claims).encode())
    return f"{payload}.{_pack(_sign(secret, payload))}"


def verify(secret: bytes, token: str) -> Grant | None:
    """What `token` grants, or None if it isn't one of ours or has expired."""
    payload, _, signature = token.partition(".")
    if len(token) > _LONGEST or not token.isascii():
        return None
    try:
        if not hmac.compare_digest(_unpack(signature), _sign(secret, payload)):
            return None
        claims = json.loads(_unpack(payload))
        grant = _granted(claims)
    except (binascii.Error, ValueError, KeyError, TypeError):
        return None
    return grant if grant.expires is None or time.time() < grant.expires else None


def _granted(claims: dict[str, Any]) -> Grant:
    # Tokens minted by version 0.1 name a role instead of scopes.
    scopes = Role(claims["role"]).scopes if "role" in claims else map(Scope, claims["scopes"])
    expires = claims.get("expires")
    return Grant(
        frozenset(scopes),
        float(claims["issued"]),
        None if expires is None else float(expires),
        name=str(claims.get("name", "")),
    )


def _sign(secret: bytes, payload: str) -> bytes:
    return hmac.new(secret, f"outkept bearer\n{payload}".encode(), hashlib.sha256).digest()


def _pack(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unpack(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
