"""The TLS certificate: loaded at start, and again when a renewal has replaced its files."""

import asyncio
import logging
import ssl
from pathlib import Path

from outkept.serve.errors import CertificateError

LOOK_EVERY = 60.0
"""Seconds between two looks at whether the files were replaced."""

_log = logging.getLogger(__name__)


class Certificate:
    """A certificate chain and its private key, both PEM files without a passphrase."""

    def __init__(self, chain: Path, key: Path) -> None:
        """Raises CertificateError."""
        self._chain = chain
        self._key = key
        self.context = self._loaded(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        self._seen = self._identity()

    async def renew(self, every: float = LOOK_EVERY) -> None:
        """Load files that were replaced, for new connections, until cancelled. Ones that can't
        be loaded are logged, and what was loaded before stays in use."""
        while True:
            await asyncio.sleep(every)
            self.look()

    def look(self) -> None:
        """Load the files if they were replaced since they were last loaded."""
        seen = self._identity()
        if seen == self._seen:
            return
        self._seen = seen
        try:
            # A pair that doesn't match must not half replace the one in use.
            self._loaded(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
            self._loaded(self.context)
        except CertificateError as error:
            _log.error("the certificate loaded before stays in use: %s", error)

    def _loaded(self, context: ssl.SSLContext) -> ssl.SSLContext:
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            # An empty passphrase instead of a prompt on the daemon's terminal.
            context.load_cert_chain(self._chain, self._key, password="")
        except ssl.SSLError as error:
            raise CertificateError(
                f"dashboard.tls: {self._chain} and {self._key} are no certificate with its key"
                f" ({error.reason or error}); name PEM files without a passphrase"
            ) from None
        except OSError as error:
            raise CertificateError(
                f"dashboard.tls: {self._chain} or {self._key} can't be read: {error.strerror}"
            ) from None
        return context

    def _identity(self) -> list[tuple[int, int, int] | None]:
        return [_identity(path) for path in (self._chain, self._key)]


def _identity(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
