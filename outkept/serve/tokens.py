"""API tokens with a name, which can be listed and revoked: `tokens.json`.

TokenError
"""

import hashlib
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from outkept.serve import files
from outkept.serve.auth import Grant, Kind, Scope

FILE = "tokens.json"
MOST = 1000
PREFIX = "outkept_"
"""By which people and secret scanners tell such a token."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}", re.ASCII)


class TokenError(Exception):
    """What was asked for can't be done. One line that says what to do."""


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token, of which only its hash is kept. Times are UNIX seconds; `expires` None: never."""

    name: str
    scopes: frozenset[Scope]
    hash: str
    created: float
    expires: float | None

    @property
    def grant(self) -> Grant:
        """What it allows while it is valid."""
        return Grant(self.scopes, self.created, self.expires, Kind.TOKEN, self.name)


class Tokens:
    """The tokens of a state directory; None: there are none."""

    def __init__(self, state: Path | None) -> None:
        self._file = files.Watched(state / FILE if state else None, _parse)

    def load(self) -> Mapping[str, ApiToken]:
        """All of them, by hash. Raises files.AccessFileError."""
        return self._file.load()

    def all(self) -> list[ApiToken]:
        """All of them, by name, as of now; the expired ones too."""
        return sorted(self._file.current().values(), key=lambda token: token.name)

    def grant(self, token: str) -> Grant | None:
        """What this token allows, as of now."""
        found = self._file.current().get(_hash(token))
        if found is None or (found.expires is not None and found.expires <= time.time()):
            return None
        return found.grant


def _parse(content: files.Json) -> Mapping[str, ApiToken]:
    tokens = [_token(entry) for entry in content.get("tokens", [])]
    return {token.hash: token for token in tokens}


def _token(entry: dict[str, Any]) -> ApiToken:
    expires = entry["expires"]
    return ApiToken(
        str(entry["name"]),
        frozenset(map(Scope, entry["scopes"])),
        str(entry["hash"]),
        float(entry["created"]),
        None if expires is None else float(expires),
    )


def create(state: Path, name: str, scopes: frozenset[Scope], expires: float | None) -> str:
    """A new token; it can't be shown again. `expires`: UNIX seconds, None: never.

    Raises TokenError, files.AccessFileError.
    """
    if not _NAME.fullmatch(name):
        raise TokenError(
            f"{name[:80]!r} can't be a token's name; use up to 64 letters, digits, '.', '_',"
            " '-' and '@', the first a letter or digit"
        )
    token = f"{PREFIX}{secrets.token_urlsafe(32)}"
    with files.editing(state):
        kept = list(Tokens(state).load().values())
        if any(one.name == name for one in kept):
            raise TokenError(
                f"there is a token {name!r} already; revoke it first: outkept token --revoke {name}"
            )
        if len(kept) >= MOST:
            raise TokenError(f"there are {MOST} tokens already; revoke one first")
        _save(state, [*kept, ApiToken(name, scopes, _hash(token), time.time(), expires)])
    return token


def revoke(state: Path, name: str) -> None:
    """The token is no more. Raises TokenError, files.AccessFileError."""
    with files.editing(state):
        kept = Tokens(state).load().values()
        left = [one for one in kept if one.name != name]
        if len(left) == len(kept):
            raise TokenError(
                f"there is no token {name[:80]!r}; `outkept token --list` names them; one without"
                " a name ends with the state directory's file `secret` alone"
            )
        _save(state, left)


def _save(state: Path, tokens: list[ApiToken]) -> None:
    entries = [asdict(token) | {"scopes": sorted(token.scopes)} for token in tokens]
    files.write(state / FILE, {"tokens": entries})


def _hash(token: str) -> str:
    # As long and random as it is, a token needs no slow hash.
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
