"""One simulated SSH server: listeners, logins, channels. No shell: commands are looked up."""

import asyncio
from collections.abc import Callable

import asyncssh

from outkept.demo.chance import digest
from outkept.demo.characters import Character, Conduct, conduct
from outkept.demo.machines import Machine
from outkept.demo.shell import Answer, SimulatedShell
from outkept.ssh.script import COMMAND

_PKCS8_ED25519 = bytes.fromhex("302e020100300506032b657004220420")
"""The fixed DER before an Ed25519 private key's 32 bytes (RFC 8410 §7)."""
_RESOURCE_SHORTAGE = 2
"""What OpenSSH answers over `MaxSessions`: code 2, "open failed"."""
_CHUNK = b"outkept pts/0 127.0.0.1 still logged in\n" * 800


def host_key(machine: Machine, generation: int) -> asyncssh.SSHKey:
    """The machine's Ed25519 key: from its secret, so that a fleet of one seed keeps its keys.

    Such a key protects nothing, and need not: the servers are on loopback and run nothing.
    """
    secret = digest(machine.secret, "host key", generation)
    return asyncssh.import_private_key(_PKCS8_ED25519 + secret)


class SimulatedServer:
    """The SSH server of one machine on all its addresses.

    `answer` gives what a command prints; `age` the seconds since the fleet's start.
    """

    def __init__(
        self,
        machine: Machine,
        authorized: asyncssh.SSHAuthorizedKeys,
        answer: Callable[[str], Answer],
        age: Callable[[], float],
    ) -> None:
        self.machine = machine
        self.answer = answer
        self.logins: set[Login] = set()
        self._authorized = authorized
        self._age = age
        self._listeners: list[asyncssh.SSHAcceptor] = []
        self._key = -1

    def conduct(self) -> Conduct:
        """How it behaves now."""
        return conduct(self.machine.character, self.machine.seed, self._age())

    async def settle(self, port: int) -> None:
        """Open or close the listeners as the present conduct has it. Raises OSError."""
        now = self.conduct()
        if self._listeners and (not now.present or now.key != self._key):
            await self.close()
        if now.present and not self._listeners:
            self._key = now.key
            await self._listen(port)

    async def _listen(self, port: int) -> None:
        """Listen on all addresses or, when one is taken, on none."""
        options = self._options(self._key)
        try:
            for address in self.machine.addresses:
                listener = await asyncssh.listen(
                    address, port, options=options, config=None, backlog=64
                )
                self._listeners.append(listener)
        except OSError:
            await self.close()
            raise

    async def close(self) -> None:
        """Close listeners and drop connections, as a machine does that loses its power."""
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.close()
        for login in list(self.logins):
            login.abort()
        for listener in listeners:
            await listener.wait_closed()

    def _options(self, key: int) -> asyncssh.SSHServerConnectionOptions:
        """The cheapest algorithms that every client has; one key, and no look at any file."""
        return asyncssh.SSHServerConnectionOptions(
            config=None,
            server_factory=lambda: Login(self),
            server_version=self.machine.system.banner,
            server_host_keys=[host_key(self.machine, key)],
            authorized_client_keys=self._authorized,
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


class Login(asyncssh.SSHServer):
    """One connection."""

    def __init__(self, server: SimulatedServer) -> None:
        self.server = server
        self.open_channels = 0
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self.server.logins.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.logins.discard(self)

    def abort(self) -> None:
        """Drop the connection without a word."""
        if self._connection is not None:
            self._connection.abort()

    async def begin_auth(self, username: str) -> bool:
        """Any user may try. Cancel-safe."""
        if delay := self.server.conduct().login_delay:
            await asyncio.sleep(delay)
        return True

    def session_requested(self) -> "Session":
        if self.open_channels >= self.server.conduct().channels:
            raise asyncssh.ChannelOpenError(_RESOURCE_SHORTAGE, "open failed")
        self.open_channels += 1
        return Session(self)


class Session(asyncssh.SSHServerSession[bytes]):
    """One channel: a single command, answered after the machine's delay, or a shell."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self._command = ""
        self._channel: asyncssh.SSHServerChannel[bytes] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._left = 0
        self._status = 0
        self._paused = False
        self._shell: SimulatedShell | None = None

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._channel = chan

    def connection_lost(self, exc: Exception | None) -> None:
        self._channel = None
        self._login.open_channels -= 1
        if self._timer is not None:
            self._timer.cancel()
        if self._shell is not None:
            self._shell.close()

    def exec_requested(self, command: str) -> bool:
        self._command = command
        return True

    def session_started(self) -> None:
        if self._command == COMMAND and self._channel is not None:
            self._shell = SimulatedShell(self._login.server, self._channel)
            return
        delay = self._login.server.conduct().delay
        if delay:
            self._timer = asyncio.get_running_loop().call_later(delay, self._answer)
        else:
            self._answer()

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        if self._shell is not None:
            self._shell.read(data)

    def eof_received(self) -> bool:
        if self._shell is not None and self._channel is not None:
            self._channel.exit(0)
        return True  # the client's end of input doesn't end the command

    def signal_received(self, signal: str) -> None:
        if self._channel is not None:
            self._channel.exit_with_signal(signal)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        # Not from within: asyncssh calls this while it flushes its own buffer.
        asyncio.get_running_loop().call_soon(self._flood)

    def _answer(self) -> None:
        answer = self._login.server.answer(self._command)
        if self._channel is None or answer.never:
            return
        self._left, self._status = answer.flood, answer.status
        self._channel.write(answer.stdout)
        if answer.stderr:
            self._channel.write_stderr(answer.stderr)
        self._flood()

    def _flood(self) -> None:
        """Write on until the reader is behind; exit once everything is written."""
        while self._channel is not None and self._left > 0 and not self._paused:
            chunk = _CHUNK[: self._left]
            self._left -= len(chunk)
            self._channel.write(chunk)
        if self._channel is not None and self._left <= 0:
            self._channel.exit(self._status)


def strangers_only() -> asyncssh.SSHAuthorizedKeys:
    """Authorized keys that hold a key nobody has, for a server that refuses ours."""
    return authorized_keys(asyncssh.generate_private_key("ssh-ed25519"))


def authorized_keys(key: asyncssh.SSHKey) -> asyncssh.SSHAuthorizedKeys:
    """Authorized keys of this one key."""
    return asyncssh.import_authorized_keys(key.export_public_key("openssh").decode())


def authorized_for(
    character: Character, ours: asyncssh.SSHAuthorizedKeys
) -> asyncssh.SSHAuthorizedKeys:
    """Whose key a server of this character takes."""
    return strangers_only() if character is Character.REFUSING_KEY else ours
