"""Who may enter simulated servers, and with which keys these prove who they are."""

from collections import OrderedDict
from collections.abc import Callable
from copy import copy

import asyncssh

from outkept.demo.chance import digest
from outkept.demo.characters import Character
from outkept.demo.machines import Machine

_PKCS8_ED25519 = bytes.fromhex("302e020100300506032b657004220420")
"""The fixed DER before an Ed25519 private key's 32 bytes (RFC 8410 §7)."""

_LOGIN_GRACE_S = 120
"""OpenSSH's `LoginGraceTime`: thousands who log in at once on a busy machine take their time."""


def host_key(machine: Machine, generation: int) -> asyncssh.SSHKey:
    """The machine's Ed25519 key: from its secret, so that a fleet of one seed keeps its keys.

    Such a key protects nothing, and need not: the servers are on loopback and run nothing.
    """
    secret = digest(machine.secret, "host key", generation)
    return asyncssh.import_private_key(_PKCS8_ED25519 + secret)


class Locks:
    """The locks of a whole fleet, which open to one client key.

    Preparing options takes asyncssh longer than its part of a key exchange, so they are prepared
    once, and each server's are a copy with what is its own.
    """

    def __init__(self, client: asyncssh.SSHKey) -> None:
        self._open = _prepared(authorized_keys(client))
        self._shut = _prepared(strangers_only())

    def options(
        self, machine: Machine, generation: int, login: Callable[[], asyncssh.SSHServer]
    ) -> asyncssh.SSHServerConnectionOptions:
        """A server's options, whose connections are told to what `login` makes."""
        refusing = machine.character is Character.REFUSING_KEY
        options = copy(self._shut if refusing else self._open)
        options.protocol_factory = login
        options.version = machine.system.banner.encode()
        (pair,) = asyncssh.load_keypairs([host_key(machine, generation)])
        options.server_host_keys = OrderedDict({b"ssh-ed25519": pair})
        return options


def _prepared(authorized: asyncssh.SSHAuthorizedKeys) -> asyncssh.SSHServerConnectionOptions:
    """The cheapest algorithms that every client has; one key, and no look at any file."""
    return asyncssh.SSHServerConnectionOptions(
        config=None,
        server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
        authorized_client_keys=authorized,
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
        login_timeout=_LOGIN_GRACE_S,
    )


def strangers_only() -> asyncssh.SSHAuthorizedKeys:
    """Authorized keys that hold a key nobody has, for a server that refuses ours."""
    return authorized_keys(asyncssh.generate_private_key("ssh-ed25519"))


def authorized_keys(key: asyncssh.SSHKey) -> asyncssh.SSHAuthorizedKeys:
    """Authorized keys of this one key."""
    return asyncssh.import_authorized_keys(key.export_public_key("openssh").decode())
