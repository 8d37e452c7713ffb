"""Who may enter simulated servers, and with which keys these prove who they are."""

from collections.abc import Callable

import asyncssh

from outkept.demo.chance import digest
from outkept.demo.characters import Character
from outkept.demo.machines import Machine

_PKCS8_ED25519 = bytes.fromhex("302e020100300506032b657004220420")
"""The fixed DER before an Ed25519 private key's 32 bytes (RFC 8410 §7)."""


def host_key(machine: Machine, generation: int) -> asyncssh.SSHKey:
    """The machine's Ed25519 key: from its secret, so that a fleet of one seed keeps its keys.

    Such a key protects nothing, and need not: the servers are on loopback and run nothing.
    """
    secret = digest(machine.secret, "host key", generation)
    return asyncssh.import_private_key(_PKCS8_ED25519 + secret)


class Locks:
    """The locks of a whole fleet, which open to one client key."""

    def __init__(self, client: asyncssh.SSHKey) -> None:
        self._ours = authorized_keys(client)
        self._strangers = strangers_only()

    def options(
        self, machine: Machine, generation: int, login: Callable[[], asyncssh.SSHServer]
    ) -> asyncssh.SSHServerConnectionOptions:
        """The cheapest algorithms that every client has; one key, and no look at any file."""
        refusing = machine.character is Character.REFUSING_KEY
        return asyncssh.SSHServerConnectionOptions(
            config=None,
            server_factory=login,
            server_version=machine.system.banner,
            server_host_keys=[host_key(machine, generation)],
            authorized_client_keys=self._strangers if refusing else self._ours,
            kex_algs=["curve25519-sha256"],
            encryption_algs=["aes128-gcm@openssh.com"],
            mac_algs=["hmac-sha2-256"],
            compression_algs=["none"],
            password_auth=False,
            kbdint_auth=False,
            gss_host=None,
            gss_kex=False,
            gss_auth=False,
            agent_forwarding=False,
            allow_pty=False,
            encoding=None,
            login_timeout=20,
        )


def strangers_only() -> asyncssh.SSHAuthorizedKeys:
    """Authorized keys that hold a key nobody has, for a server that refuses ours."""
    return authorized_keys(asyncssh.generate_private_key("ssh-ed25519"))


def authorized_keys(key: asyncssh.SSHKey) -> asyncssh.SSHAuthorizedKeys:
    """Authorized keys of this one key."""
    return asyncssh.import_authorized_keys(key.export_public_key("openssh").decode())
