"""Which host keys are trusted where: trust on first use, or strict, in a known_hosts file."""

import logging
import os
from pathlib import Path

from outkept.model.server import Endpoint
from outkept.ssh import knownhosts
from outkept.ssh.errors import HostKeyFileError, HostKeyRejected
from outkept.ssh.knownhosts import Line, fingerprint, fingerprints, name_of

log = logging.getLogger(__name__)

OURS = "outkept"
"""The comment on the lines we append, so that people know where they come from."""

_ALGORITHMS = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"),
}
"""Key types in the order of preference, and the signature algorithms of each (RFC 8332)."""


_Stamp = tuple[int, int, int]


class HostKeys:
    """The host keys we trust, in OpenSSH's known_hosts format. One daemon writes the file.

    Trust on first use: an unknown endpoint is accepted and remembered. A known endpoint with
    another key is accepted only if that very key is trusted for another endpoint: a machine we
    know has moved here, and proves it by holding the private key. Strict: only what the file
    says of that endpoint. `@revoked` is honoured in both; `@cert-authority` lines are skipped.

    Lines are appended in one write each, so a killed daemon loses none and tears none. They
    are not synced: after a power cut the last ones may be trusted on first use once more.
    A user's own lines are never rewritten.
    """

    def __init__(self, path: Path | None, *, strict: bool) -> None:
        """Read `path`; None keeps everything in memory. Raises HostKeyFileError if the file
        can't be read, or, when it has to be, written."""
        self.strict = strict
        self._path = path
        self._exact: dict[str, list[bytes]] = {}
        self._patterns: list[Line] = []
        self._revoked: list[Line] = []
        self._places: dict[bytes, set[str]] = {}
        self._read: _Stamp | None = None
        if path is not None:
            self._load(path)

    def check(self, endpoint: Endpoint, key: bytes) -> None:
        """Accept `key` (in SSH wire form) for `endpoint`, or raise HostKeyRejected. Sync and
        quick; remembers nothing: `remember` does, once the key exchange has proved the key.

        Before a key is rejected, a file that was changed meanwhile is read again: so
        `ssh-keygen -R` is how a person accepts a new key, and needs no restart.
        """
        try:
            self._check(endpoint, key)
        except HostKeyRejected:
            if not self._reloaded():
                raise
            self._check(endpoint, key)

    def trusts(self, endpoint: Endpoint, key: str) -> bool:
        """Whether `key` (`TYPE SHA256:…`) is known for `endpoint` by what the file says now, and
        not revoked there. A key that would only be trusted on first use is not."""
        self._reloaded()
        name = name_of(endpoint)
        if any(fingerprint(line.key) == key and line.names(name) for line in self._revoked):
            return False
        known = self._known(name) or (self._known(endpoint.address) if endpoint.port != 22 else [])
        return any(fingerprint(one) == key for one in known)

    def _check(self, endpoint: Endpoint, key: bytes) -> None:
        name, offered = name_of(endpoint), fingerprint(key)
        if any(line.key == key and line.names(name) for line in self._revoked):
            raise HostKeyRejected("its host key is revoked", expected="", offered=offered)
        known = self._known(name)
        if key in known or (not known and self._known_without_port(endpoint, key)):
            return
        if not known and not self.strict:
            return
        if not known:
            reason = "its host key is not in known_hosts, and only known keys are accepted"
            raise HostKeyRejected(reason, expected="", offered=offered)
        if not self.strict and self._places.get(key, set()) - {name}:
            return
        expected = fingerprints(known)
        reason = f"its host key changed: {expected} was expected, {offered} was offered"
        if self._path is not None:
            reason += f"; if that is right, run: ssh-keygen -R '{name}' -f '{self._path}'"
        raise HostKeyRejected(reason, expected=expected, offered=offered)

    def remember(self, endpoint: Endpoint, key: bytes) -> None:
        """Trust `key` for `endpoint` from now on, unless it is or we are strict. A file that
        can't be written any more is logged; the key is then remembered until the end."""
        name = name_of(endpoint)
        if self.strict or key in self._known(name):
            return
        self._add(Line(name, key))
        if self._path is not None:
            try:
                unchanged = _stamp(self._path) == self._read
                _append(self._path, knownhosts.line_for(endpoint, key, OURS))
                if unchanged:
                    self._read = _stamp(self._path)
            except OSError as error:
                log.error(
                    "%s can't be written: %s; host keys met now are forgotten at the end",
                    self._path,
                    error.strerror,
                )

    def algorithms(self, endpoint: Endpoint) -> tuple[str, ...]:
        """Signature algorithms to offer `endpoint`: those of the key types known for it first,
        so that a server which was given a key of another type raises no false alarm."""
        types = {knownhosts.key_type(key) for key in self._known(name_of(endpoint))}
        ranked = sorted(_ALGORITHMS, key=lambda kind: kind not in types)
        return tuple(algorithm for kind in ranked for algorithm in _ALGORITHMS[kind])

    def _known(self, name: str) -> list[bytes]:
        known = self._exact.get(name, [])
        if self._patterns:
            known = known + [line.key for line in self._patterns if line.names(name)]
        return known

    def _known_without_port(self, endpoint: Endpoint, key: bytes) -> bool:
        # As ssh does: an entry for the bare address vouches for its other ports, but a
        # different key there is no contradiction.
        return endpoint.port != 22 and key in self._known(endpoint.address)

    def _reloaded(self) -> bool:
        """Read the file again if it was changed since. One that can't be read changes
        nothing: what was trusted still is, and nothing more."""
        if self._path is None or _stamp(self._path) == self._read:
            return False
        before = self._exact, self._patterns, self._revoked, self._places
        self._exact, self._patterns, self._revoked, self._places = {}, [], [], {}
        try:
            self._load(self._path)
        except HostKeyFileError as error:
            log.error("%s", error)
            self._exact, self._patterns, self._revoked, self._places = before
            return False
        return True

    def _load(self, path: Path) -> None:
        self._read = _stamp(path)
        try:
            text = path.read_text("utf-8", "replace")
        except FileNotFoundError:
            text = ""
        except OSError as error:
            raise HostKeyFileError(f"{path} can't be read: {error.strerror}") from None
        for line in knownhosts.parse(text):
            self._add(line)
        if not self.strict:
            _check_writable(path)

    def _add(self, line: Line) -> None:
        if line.marker == "@revoked":
            self._revoked.append(line)
        elif line.marker:
            return
        elif line.plain:
            for name in line.pattern.split(","):
                self._exact.setdefault(name, []).append(line.key)
                self._places.setdefault(line.key, set()).add(name)
        else:
            self._patterns.append(line)
            self._places.setdefault(line.key, set()).add(line.pattern)


def _check_writable(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise HostKeyFileError(
            f"{path} can't be written: {error.strerror}; host keys are remembered there"
        ) from None


def _append(path: Path, line: str) -> None:
    with path.open("ab+", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(size - 1)
            if file.read(1) != b"\n":
                line = "\n" + line
        file.write(line.encode())


def _stamp(path: Path) -> _Stamp | None:
    """What tells a changed file from the one that was read; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
