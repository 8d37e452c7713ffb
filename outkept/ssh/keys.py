"""Private keys: loaded once, held in memory, checked before anything is dialled."""

import errno
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from outkept.ssh.errors import KeyProblem

LARGEST_KEY_FILE = 256 * 1024
"""Bytes. An RSA key of 16,384 bits takes 13 KB."""


@dataclass(frozen=True)
class Credentials:
    """What we log in with: the keys of files, then those of the agent at `agent_path`."""

    keys: tuple[asyncssh.SSHKey, ...] = ()
    agent_path: str | None = None


def load_credentials(
    paths: Sequence[Path], *, agent: bool, passphrase: Callable[[Path], str | None]
) -> tuple[Credentials, list[KeyProblem]]:
    """Load the private keys of `paths`, and find the agent if it is to be used.

    `passphrase` is asked for encrypted keys only; None means that there is none. The
    passphrase is neither kept nor logged. Files that can't be used come back as problems,
    the others as credentials. With `agent`, SSH_AUTH_SOCK says where the agent is; none
    running is no problem, for a key file may be all that is wanted.
    """
    keys: list[asyncssh.SSHKey] = []
    problems: list[KeyProblem] = []
    for path in paths:
        try:
            keys.append(_load(path.expanduser(), passphrase))
        except KeyProblem as problem:
            problems.append(problem)
    agent_path = os.environ.get("SSH_AUTH_SOCK") if agent else None
    return Credentials(tuple(keys), agent_path or None), problems


def _load(path: Path, passphrase: Callable[[Path], str | None]) -> asyncssh.SSHKey:
    data = _read(path)
    try:
        return asyncssh.import_private_key(data)
    except asyncssh.KeyEncryptionError as error:
        raise KeyProblem(path, f"is encrypted in a way that can't be read: {error}") from None
    except asyncssh.KeyImportError as error:
        if "passphrase" not in str(error).lower():
            raise KeyProblem(path, _not_a_key(data)) from None
    secret = passphrase(path)
    if secret is None:
        raise KeyProblem(path, "is encrypted and needs a passphrase")
    try:
        return asyncssh.import_private_key(data, secret)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
        raise KeyProblem(path, "the passphrase is wrong") from None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            data = file.read(LARGEST_KEY_FILE + 1)
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise KeyProblem(path, "there is no such file") from None
        raise KeyProblem(path, f"can't be read: {error.strerror}") from None
    if len(data) > LARGEST_KEY_FILE:
        raise KeyProblem(path, "is not a private key: it is too large")
    # OpenSSH refuses such a file as well: whoever can read it can log in everywhere.
    if status.st_uid in (0, os.geteuid()) and stat.S_IMODE(status.st_mode) & 0o077:
        raise KeyProblem(path, f"can be read by others; run: chmod 600 {path}")
    return data


def _not_a_key(data: bytes) -> str:
    if data.startswith((b"ssh-", b"ecdsa-", b"sk-")):
        return "is a public key; name the private one, usually the same name without .pub"
    return "is not a private key in OpenSSH, PEM or PKCS#8 form"
