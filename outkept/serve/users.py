"""Who has a password: names, roles and password hashes, in `users.json`.

UserError
"""

import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from outkept.serve import files, passwords
from outkept.serve.auth import Role

FILE = "users.json"
MOST = 1000

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}", re.ASCII)


class UserError(Exception):
    """What was asked for can't be done. One line that says what to do."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who signs in. `stamp` changes with role and password: a session carries the one
    that it began with, and ends with it. `changed` is UNIX seconds."""

    name: str
    role: Role
    password: str
    stamp: str
    changed: float


def normal(name: str) -> str:
    """A name as it is kept: in small letters, so that no two users look alike."""
    return name.strip().lower()


class Users:
    """The users of a state directory; None: there are none."""

    def __init__(self, state: Path | None) -> None:
        self._file = files.Watched(state / FILE if state else None, _parse)

    def load(self) -> Mapping[str, User]:
        """All of them, by name. Raises files.AccessFileError."""
        return self._file.load()

    def all(self) -> Mapping[str, User]:
        """All of them, by name, as of now."""
        return self._file.current()

    def get(self, name: str) -> User | None:
        """The user of this name, as of now."""
        return self.all().get(name)


def _parse(content: files.Json) -> Mapping[str, User]:
    users = [_user(entry) for entry in content.get("users", [])]
    return {user.name: user for user in users}


def _user(entry: dict[str, Any]) -> User:
    return User(
        str(entry["name"]),
        Role(entry["role"]),
        str(entry["password"]),
        str(entry["stamp"]),
        float(entry["changed"]),
    )


def add(state: Path, name: str, role: Role, password: str) -> User:
    """A new user. Takes a tenth of a second to hash. Raises UserError, files.AccessFileError."""
    name = checked_name(name)
    hashed = _hashed(name, password)
    with files.editing(state):
        users = dict(Users(state).load())
        if name in users:
            raise UserError(
                f"there is a user {name!r} already; see `outkept user password` and `user role`"
            )
        if len(users) >= MOST:
            raise UserError(f"there are {MOST} users already; remove one first")
        users[name] = User(name, role, hashed, _stamp(), time.time())
        _save(state, users)
        return users[name]


def set_role(state: Path, name: str, role: Role) -> User:
    """Give a user another role. Raises like `add`."""
    return _change(state, name, role=role)


def set_password(state: Path, name: str, password: str) -> User:
    """Give a user another password. Raises like `add`."""
    return _change(state, name, password=_hashed(normal(name), password))


def remove(state: Path, name: str) -> None:
    """A user is no more. Raises like `add`."""
    with files.editing(state):
        users = dict(Users(state).load())
        del users[_known(users, name)]
        _save(state, users)


def known(state: Path, name: str) -> str:
    """The name of a user that there is. Raises UserError, files.AccessFileError."""
    return _known(Users(state).load(), name)


def checked_name(name: str) -> str:
    """The name as it is kept. Raises UserError if it can't be one."""
    name = normal(name)
    if not _NAME.fullmatch(name):
        raise UserError(
            f"{name[:80]!r} can't be a user's name; use up to 64 letters, digits, '.', '_',"
            " '-' and '@', the first a letter or digit"
        )
    return name


def checked_password(name: str, password: str) -> str:
    """The password itself. Raises UserError if it is easily guessed, or no password."""
    if not passwords.SHORTEST <= len(password) <= passwords.LONGEST:
        raise UserError(
            f"a password has {passwords.SHORTEST} to {passwords.LONGEST} characters; choose another"
        )
    if normal(password) == name or len(set(password)) < passwords.SHORTEST // 2:
        raise UserError("this password is easily guessed; choose another")
    return password


def _hashed(name: str, password: str) -> str:
    return passwords.hashed(checked_password(name, password))


def _change(state: Path, name: str, **changes: Any) -> User:
    with files.editing(state):
        users = dict(Users(state).load())
        name = _known(users, name)
        users[name] = replace(users[name], stamp=_stamp(), changed=time.time(), **changes)
        _save(state, users)
        return users[name]


def _known(users: Mapping[str, User], name: str) -> str:
    name = normal(name)
    if name not in users:
        raise UserError(f"there is no user {name[:80]!r}; `outkept user list` names them")
    return name


def _save(state: Path, users: Mapping[str, User]) -> None:
    files.write(state / FILE, {"users": [asdict(user) for user in users.values()]})


def _stamp() -> str:
    return secrets.token_hex(8)
