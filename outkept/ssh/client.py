"""The client: what all connections have in common, and the way to a new one."""

import asyncio
import logging
import socket

import asyncssh
from asyncssh.kex import get_default_kex_algs

from outkept.model.server import Endpoint
from outkept.ssh.connection import Connection
from outkept.ssh.hostkeys import HostKeys
from outkept.ssh.keys import Credentials
from outkept.ssh.login import Login
from outkept.ssh.transport import KEEPALIVES

HANDSHAKES_AT_ONCE = 32
"""Logins under way at once, among servers that have said their banner: each takes 4 to 9 ms of
CPU, and a thousand at a time would make all of them miss their deadline. Who is silent takes
nobody's turn."""

CIPHERS = (
    "aes128-gcm@openssh.com",  # authenticated, and 40 % cheaper for us than chacha20
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
)

KEX = (
    "curve25519-sha256",  # the cheapest for both sides
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
)
"""Key exchanges that come first, in this order; the others follow in asyncssh's order."""

# Commands are logged at INFO, and may hold what nobody should read in a log.
asyncssh.set_log_level(logging.WARNING)


class Client:
    """Logs in to servers with one set of credentials and host keys.

    `connect_timeout` (seconds) bounds TCP connect, banner and login together, but for the time
    in which a login waits for its turn, as `handshakes` are under way at once. `channels` is
    the configured upper bound on channels per connection. `keepalive` is the interval of
    signs of life in seconds; a frozen server is noticed after three of them.
    """

    def __init__(
        self,
        credentials: Credentials,
        host_keys: HostKeys,
        *,
        connect_timeout: float,
        channels: int | None = None,
        keepalive: float = 5.0,
        handshakes: int = HANDSHAKES_AT_ONCE,
    ) -> None:
        self._channels = channels
        self._login = Login(
            credentials,
            host_keys,
            _options(keepalive),
            connect_timeout,
            keepalive,
            asyncio.Semaphore(handshakes),
        )

    async def connect(
        self,
        endpoint: Endpoint,
        user: str,
        *,
        sock: socket.socket | None = None,
        channel_limit: int | None = None,
    ) -> Connection:
        """Log in to `endpoint` as `user`. Raises the SSHError tree only.

        `sock` is a connected TCP socket to it whose banner was only peeked at; it is ours from
        now on. `channel_limit` is what was learned of this server's channels earlier.
        Cancel-safe: the socket is closed.
        """
        transport = await self._login.dial(endpoint, user, sock)
        return Connection(
            endpoint,
            user,
            transport,
            lambda: self._login.dial(endpoint, user),
            bound=self._channels,
            learned=channel_limit,
        )

    def trusts(self, endpoint: Endpoint, host_key: str) -> bool:
        """Whether a key (`TYPE SHA256:…`) is known for `endpoint` now: a file of known hosts that
        was changed since is read again."""
        return self._login.host_keys.trusts(endpoint, host_key)


def _options(keepalive: float) -> asyncssh.SSHClientConnectionOptions:
    """Options without anything from ~/.ssh, the environment or a default key file."""
    return asyncssh.SSHClientConnectionOptions(
        config=None,
        # Not None, which would skip the check, nor [], which would read the user's file.
        known_hosts=([], [], []),
        # Not [], which would load default keys: the owner is asked for each key instead.
        client_keys=None,
        agent_path=None,
        username="nobody",
        preferred_auth=["publickey"],
        compression_algs=["none"],
        encryption_algs=list(CIPHERS),
        kex_algs=_key_exchanges(),
        x509_trusted_certs=None,
        x509_trusted_cert_paths=[],
        gss_host=None,
        keepalive_interval=keepalive,
        keepalive_count_max=KEEPALIVES,
        login_timeout=0,
        tcp_keepalive=True,
    )


def _key_exchanges() -> list[str]:
    """All that asyncssh has here but group exchange, which blocks the loop for 350 ms, checking
    a prime that the server chose. The dearest of the others takes 15 ms."""
    here = [name.decode() for name in get_default_kex_algs()]
    fit = [name for name in here if not name.startswith(("gss-", "diffie-hellman-group-exchange"))]
    return [*(name for name in KEX if name in fit), *(name for name in fit if name not in KEX)]
