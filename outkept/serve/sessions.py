"""Pages that are signed in, and links that are spent: `sessions.json`.

A session's id is random and known to the browser alone; its hash is kept. The file is the
daemon's own, so that a restart signs nobody out.
"""

import asyncio
import hashlib
import logging
import secrets
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from outkept.serve import files
from outkept.serve.auth import Role

FILE = "sessions.json"
AGE = 30 * 86400.0
"""Seconds after which a session ends in any case."""
MOST = 1000
"""Sessions at once; one more ends the oldest."""

MOST_OF_USER = 50
"""Of one user: who signs in again and again ends their own oldest, and nobody else's."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is signed in. `user` is empty, and `role` fixed, for one that came by a
    link; else `stamp` is the user's at sign-in. Times are UNIX seconds."""

    hash: str
    user: str
    role: Role
    stamp: str
    created: float
    expires: float


class Sessions:
    """All sessions. Called from one event loop; `save` after each change. They end with the
    secret: those of another one are not taken over."""

    def __init__(self, state: Path | None, secret: bytes = b"") -> None:
        self._of = hashlib.sha256(b"sessions of " + secret).hexdigest()
        self._path = state / FILE if state else None
        self._by_hash: dict[str, Session] = {}
        self._spent: dict[str, float] = {}
        self._saving = asyncio.Lock()
        if self._path:
            self._load(self._path)

    def _load(self, path: Path) -> None:
        """A damaged file costs no more than signing in anew."""
        try:
            content = files.read(path)
            sessions = [_session(entry) for entry in content.get("sessions", [])]
            self._spent = {str(key): float(at) for key, at in content.get("spent", {}).items()}
        except (files.AccessFileError, KeyError, TypeError, ValueError, AttributeError) as error:
            _log.warning("%s: %s; everybody has to sign in anew", path, error)
            return
        if content and content.get("of") != self._of:
            _log.warning("%s: of another secret; everybody has to sign in anew", path)
            self._spent = {}
            return
        self._by_hash = {session.hash: session for session in sessions}

    def begin(self, *, user: str, role: Role, stamp: str) -> str:
        """A new session's id, unlike any before."""
        self._prune()
        id_ = secrets.token_urlsafe(32)
        now = time.time()
        session = Session(_hash(id_), user, role, stamp, now, now + AGE)
        self._by_hash[session.hash] = session
        mine = [one for one in self._by_hash.values() if user and one.user == user]
        for old in mine[:-MOST_OF_USER]:
            del self._by_hash[old.hash]
        while len(self._by_hash) > MOST:
            del self._by_hash[next(iter(self._by_hash))]
        return id_

    def find(self, id_: str) -> Session | None:
        """The session of this id, unless it has ended."""
        session = self._by_hash.get(_hash(id_))
        return session if session is not None and session.expires > time.time() else None

    def end(self, id_: str) -> bool:
        """This session is no more; false if there was none."""
        return self._by_hash.pop(_hash(id_), None) is not None

    def forget(self, session: Session) -> None:
        """This session is no more."""
        self._by_hash.pop(session.hash, None)

    def spend(self, link: str, expires: float) -> bool:
        """Whether this is the first use of the link of this id, which is valid until then."""
        self._prune()
        if link in self._spent:
            return False
        self._spent[link] = expires
        return True

    def all(self) -> list[Session]:
        """The sessions that have not expired, oldest first."""
        self._prune()
        return list(self._by_hash.values())

    async def save(self) -> None:
        """Have what changed on disk. A disk that can't is logged: until the daemon stops, what
        is in memory holds. Cancel-safe."""
        if self._path is None:
            return
        async with self._saving:
            sessions = [asdict(session) for session in self._by_hash.values()]
            content = {"of": self._of, "sessions": sessions, "spent": dict(self._spent)}
            try:
                await asyncio.to_thread(files.write, self._path, content)
            except files.AccessFileError as error:
                _log.error("sessions are not kept over a restart: %s", error)

    def _prune(self) -> None:
        now = time.time()
        self._by_hash = {key: one for key, one in self._by_hash.items() if one.expires > now}
        self._spent = {key: expires for key, expires in self._spent.items() if expires > now}


def _session(entry: dict[str, Any]) -> Session:
    return Session(
        str(entry["hash"]),
        str(entry["user"]),
        Role(entry["role"]),
        str(entry["stamp"]),
        float(entry["created"]),
        float(entry["expires"]),
    )


def _hash(id_: str) -> str:
    return hashlib.sha256(id_.encode("utf-8", "replace")).hexdigest()
