"""The known_hosts format (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT") as values, without files."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from outkept.model.server import Endpoint

LONGEST_LINE = 64 * 1024
"""Characters. A line with an RSA key of 16,384 bits takes 3 KB."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line that binds `key` (in SSH wire form) to the hosts that `pattern` names."""

    pattern: str
    key: bytes
    marker: str = ""
    comment: str = ""

    @property
    def plain(self) -> bool:
        """Whether the pattern is a list of literal names, to be found by lookup."""
        return not any(sign in self.pattern for sign in "*?!|")

    def names(self, name: str) -> bool:
        """Whether the pattern covers `name` (`10.0.0.1` or `[10.0.0.1]:2222`)."""
        if self.pattern.startswith("|"):
            return _hash_matches(self.pattern, name)
        parts = self.pattern.split(",")
        if any(part.startswith("!") and _glob(part[1:], name) for part in parts):
            return False
        return any(_glob(part, name) for part in parts)


def parse(text: str) -> Iterator[Line]:
    """The lines of a file. Comments and what we can't read are left out, as ssh does."""
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line.startswith("#") or len(line) > LONGEST_LINE:
            continue
        marker = ""
        if line.startswith("@"):
            marker, _, line = line.partition(" ")
        fields = line.split(None, 3)
        if len(fields) < 3 or (key := _decoded(fields[2])) is None:
            continue
        if key_type(key) == fields[1]:
            yield Line(fields[0], key, marker, fields[3] if len(fields) > 3 else "")


def name_of(endpoint: Endpoint) -> str:
    """How known_hosts writes the endpoint."""
    if endpoint.port == 22:
        return endpoint.address
    return f"[{endpoint.address}]:{endpoint.port}"


def line_for(endpoint: Endpoint, key: bytes, comment: str) -> str:
    """The line, with its newline, that binds `key` to `endpoint`."""
    encoded = base64.b64encode(key).decode("ascii")
    return f"{name_of(endpoint)} {key_type(key)} {encoded} {comment}\n"


def key_type(key: bytes) -> str:
    """The type of a key in SSH wire form (RFC 4253 §6.6); empty if it is not one."""
    size = int.from_bytes(key[:4], "big")
    if len(key) < 4 or not 0 < size <= min(64, len(key) - 4):
        return ""
    return key[4 : 4 + size].decode("ascii", "replace")


def fingerprint(key: bytes) -> str:
    """`TYPE SHA256:…`, as ssh-keygen -l prints it."""
    digest = base64.b64encode(hashlib.sha256(key).digest()).decode("ascii").rstrip("=")
    return f"{key_type(key)} SHA256:{digest}"


def fingerprints(keys: Iterable[bytes]) -> str:
    """The fingerprints of several keys, in a stable order."""
    return ", ".join(sorted({fingerprint(key) for key in keys}))


def _decoded(field: str) -> bytes | None:
    try:
        return base64.b64decode(field, validate=True)
    except (binascii.Error, ValueError):
        return None


def _hash_matches(pattern: str, name: str) -> bool:
    _, _, rest = pattern.partition("|1|")
    salt, _, digest = (_decoded(part) for part in rest.partition("|"))
    if not salt or not digest:
        return False
    # SHA-1 is what the format has; it hides names, it does not authenticate.
    return hmac.compare_digest(hmac.digest(salt, name.encode(), "sha1"), digest)


def _glob(pattern: str, name: str) -> bool:
    if "*" not in pattern and "?" not in pattern:
        return pattern.lower() == name.lower()
    expression = "".join(
        ".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern.lower()
    )
    return re.fullmatch(expression, name.lower()) is not None
