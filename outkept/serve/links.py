"""Links that sign a browser in once: short tokens, signed with the state directory's secret."""

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
import time
from dataclasses import dataclass

from outkept.serve.auth import Role

AGE = 3600.0
"""Seconds in which a link must be opened."""

_ROLES = tuple(Role)
_PAYLOAD = struct.Struct(">BI8s")
_SIGNED_BYTES = 16
"""Half of SHA-256 (RFC 2104 §5 allows no less): a link should fit on a line of a terminal."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link by which somebody may come in. `id` is the same however its token is written:
    base64 leaves a few ways. `expires` is UNIX seconds."""

    id: str
    role: Role
    expires: float


def link_token(secret: bytes, role: Role = Role.ADMIN, *, expires: float | None = None) -> str:
    """The token of a link that signs in as `role`; no two are alike. `expires`: UNIX seconds,
    AGE from now if it isn't given. For whoever can read the state directory."""
    until = int(time.time() + AGE if expires is None else expires)
    payload = _PAYLOAD.pack(_ROLES.index(role), until, secrets.token_bytes(8))
    return base64.urlsafe_b64encode(payload + _sign(secret, payload)).rstrip(b"=").decode()


def read_link(secret: bytes, token: str) -> Link | None:
    """What a link's token says; None if it has expired or isn't one of ours. Whether it was
    used before is for the sessions to say."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    payload, signature = raw[: _PAYLOAD.size], raw[_PAYLOAD.size :]
    if len(payload) < _PAYLOAD.size or not hmac.compare_digest(signature, _sign(secret, payload)):
        return None
    role, expires, _ = _PAYLOAD.unpack(payload)
    if expires <= time.time():
        return None
    return Link(payload.hex(), _ROLES[role], float(expires))


def link_of(base: str, token: str) -> str:
    """The link that signs in with `token` at the daemon with this URL."""
    return f"{base.rstrip('/')}/?token={token}"


def _sign(secret: bytes, payload: bytes) -> bytes:
    return hmac.digest(secret, b"outkept link\n" + payload, hashlib.sha256)[:_SIGNED_BYTES]
