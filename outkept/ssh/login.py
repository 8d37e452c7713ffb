"""From a TCP connection to a logged-in transport. Foreign exceptions end here."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass

import asyncssh

from outkept.model.server import Endpoint
from outkept.ssh.deadline import Deadline
from outkept.ssh.errors import (
    Denied,
    HostKeyRejected,
    Lost,
    NotSSH,
    SSHError,
    TimedOut,
    Unreachable,
    printable,
)
from outkept.ssh.hostkeys import HostKeys
from outkept.ssh.keys import Credentials
from outkept.ssh.knownhosts import fingerprint
from outkept.ssh.stalls import PERIOD_S, Stalls
from outkept.ssh.transport import Transport, reason_of_loss

MOST_KEYS = 6
"""Keys offered in one login. sshd ends the connection after six (MaxAuthTries)."""

FIRST_WORDS_S = 2.0
"""How long the server is given to speak first. Nearly all do at once; a port multiplexer
waits for the client."""

PEEK = 1024

CALM_S = 0.1
"""A loop that is further behind takes no new logins: what is due is read a tenth of a second late
already."""
LONGEST_WAIT_S = 10.0


class Owner(asyncssh.SSHClient):
    """What asyncssh asks during one login: is this host key right, which key comes next."""

    def __init__(self, endpoint: Endpoint, credentials: Credentials, host_keys: HostKeys) -> None:
        self.conn: asyncssh.SSHClientConnection | None = None
        self.host_key = b""
        self.rejected: HostKeyRejected | None = None
        self.transport: Transport | None = None
        self.agent_trouble = ""
        self.offered = 0
        self._endpoint = endpoint
        self._credentials = credentials
        self._host_keys = host_keys
        self._files = list(credentials.keys)
        self._agent: asyncssh.SSHAgentClient | None = None
        self._agent_keys: list[asyncssh.SSHKeyPair] | None = None

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        """Keep the connection, to see how far it came when it fails."""
        self.conn = conn

    def validate_host_public_key(
        self, host: str, addr: str, port: int, key: asyncssh.SSHKey
    ) -> bool:
        """Synchronous on purpose: asyncssh takes a coroutine for a yes."""
        try:
            self._host_keys.check(self._endpoint, key.public_data)
        except HostKeyRejected as rejected:
            self.rejected = rejected
            return False
        self.host_key = key.public_data
        return True

    async def public_key_auth_requested(
        self,
    ) -> Sequence[asyncssh.SSHKey | asyncssh.SSHKeyPair] | None:
        """The next key. A fresh pair each time, for asyncssh notes this server's signature
        algorithm in it, and logins to other servers run at the same time."""
        if self.offered >= MOST_KEYS:
            return None
        self.offered += 1
        if self._files:
            return [self._files.pop(0)]
        if self._agent_keys is None:
            self._agent_keys = await self._ask_agent()
        if self._agent_keys:
            return [self._agent_keys.pop(0)]
        self.offered -= 1
        return None

    async def _ask_agent(self) -> list[asyncssh.SSHKeyPair]:
        path = self._credentials.agent_path
        if path is None:
            return []
        try:
            self._agent = await asyncssh.connect_agent(path)
            have = {key.public_data for key in self._credentials.keys}
            keys = await self._agent.get_keys()
            return [key for key in keys if key.public_data not in have]
        except (OSError, ValueError) as error:
            self.agent_trouble = f"; the agent at {path} gave none: {printable(str(error))}"
            return []

    async def dismiss_agent(self) -> None:
        """The login is over: give the agent's socket back."""
        if self._agent is not None:
            self._agent.close()
            await self._agent.wait_closed()

    def connection_lost(self, exc: Exception | None) -> None:
        """After the login, tell the transport."""
        transport, self.transport = self.transport, None
        if transport is not None:
            transport.lose(reason_of_loss(exc, transport.silence))


@dataclass(frozen=True)
class Login:
    """Everything a login needs but the address; one for all servers.

    `timeout` bounds TCP connect, banner and login together; `keepalive` is the interval of
    the signs of life, both in seconds. After its banner a login waits for its turn, first come
    first served; that time does not count.
    """

    credentials: Credentials
    host_keys: HostKeys
    options: asyncssh.SSHClientConnectionOptions
    timeout: float
    keepalive: float
    turns: asyncio.Semaphore

    async def dial(
        self, endpoint: Endpoint, user: str, sock: socket.socket | None = None
    ) -> Transport:
        """Log in. Raises SSHErrors only. `sock` is a connected socket whose input was only
        peeked at. Cancel-safe: the socket is closed, whatever happens."""
        attempt = _Attempt(self, endpoint, user, sock)
        if sock is None:
            # Before it connects: a server that waits for our login for long gives it up.
            await _calm(asyncio.get_running_loop())
        try:
            async with asyncio.timeout(self.timeout) as deadline:
                await attempt.reach()
                # Who is silent may stay so: a hundred frozen machines must not hold up others.
                turn = _turn(self.turns, deadline) if attempt.words else nullcontext()
                async with turn:
                    return await attempt.log_in()
        except TimeoutError:
            raise attempt.timed_out() from None
        except SSHError:
            raise
        except Exception as error:  # noqa: BLE001 hostile bytes make asyncssh raise anything
            raise attempt.explain(error) from None
        finally:
            await attempt.cleanup()


class _Attempt:
    """One login under way; knows how far it came."""

    def __init__(
        self, login: Login, endpoint: Endpoint, user: str, sock: socket.socket | None
    ) -> None:
        self.login = login
        self.endpoint = endpoint
        self.user = user
        self.sock = sock
        self.phase = "no TCP connection"
        self.words = b""
        self.owner = Owner(endpoint, login.credentials, login.host_keys)
        self.done = False

    async def reach(self) -> None:
        """Connect, and wait for the first words, which stay in the socket."""
        if self.sock is None:
            self.sock = await self._connect()
        self.sock.settimeout(0)
        self.phase = "no SSH banner"
        self.words = await _first_words(self.sock)

    async def log_in(self) -> Transport:
        """Key exchange and authentication."""
        conn = await asyncssh.connect(
            self.endpoint.address,
            self.endpoint.port,
            sock=self.sock,
            config=None,
            options=self.login.options,
            username=self.user,
            client_factory=lambda: self.owner,
            server_host_key_algs=list(self.login.host_keys.algorithms(self.endpoint)),
        )
        # asyncssh starts its keepalives with the first data after the login, which a server
        # that froze by then never sends.
        conn.set_keepalive(self.login.keepalive)
        transport = Transport(conn, fingerprint(self.owner.host_key), self.login.keepalive)
        self.owner.transport = transport
        self.login.host_keys.remember(self.endpoint, self.owner.host_key)
        if conn.is_closed():
            raise Lost("the connection was lost right after the login")
        self.done = True
        return transport

    async def _connect(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.endpoint.address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock = sock
        sock.settimeout(0)
        try:
            await asyncio.get_running_loop().sock_connect(
                sock, (self.endpoint.address, self.endpoint.port)
            )
        except ConnectionRefusedError:
            raise Unreachable("connection refused") from None
        except OSError as error:
            raise Unreachable((error.strerror or str(error)).lower()) from None
        return sock

    def timed_out(self) -> SSHError:
        """Why the deadline passed."""
        if self.phase == "no SSH banner":
            if self._banner():
                self.phase = "no login"
            elif self.words:
                return NotSSH(f"it answered {printable(self.words, 60)!r}, not an SSH banner")
        return TimedOut(f"{self.phase} within {self.login.timeout:g} s")

    def explain(self, error: Exception) -> SSHError:
        """Our own exception for a foreign one."""
        if self.owner.rejected is not None:
            return self.owner.rejected
        if isinstance(error, asyncssh.PermissionDenied):
            self.login.host_keys.remember(self.endpoint, self.owner.host_key)
            return Denied(self._denial())
        if not self._banner():
            return self._no_banner(error)
        if isinstance(error, asyncssh.ConnectionLost | OSError):
            return Lost("the server closed the connection during login")
        return Lost(f"the login failed: {printable(str(error)) or type(error).__name__}")

    def _denial(self) -> str:
        count = self.owner.offered
        if not count:
            trouble = self.owner.agent_trouble
            return f"there is no key to offer for user {self.user}{trouble}"
        keys = "the key was" if count == 1 else f"all {count} keys were"
        return f"{keys} refused for user {self.user}{self.owner.agent_trouble}"

    def _no_banner(self, error: Exception) -> SSHError:
        said = printable(self.words, 60)
        if said.startswith(("Exceeded MaxStartups", "Not allowed at this time")):
            return Lost(f"the server takes no logins now: {said}")
        unfit = (asyncssh.ProtocolError, asyncssh.ProtocolNotSupported)
        if said or isinstance(error, unfit) or self._lines():
            heard = f"it answered {said!r}" if said else "it answered"
            return NotSSH(f"{heard}, not an SSH 2.0 banner")
        return Lost("the server closed the connection before its banner")

    def _lines(self) -> bool:
        # asyncssh doesn't publish that it skipped lines before the banner.
        return bool(getattr(self.owner.conn, "_banner_lines", False))

    def _banner(self) -> bool:
        conn = self.owner.conn
        return conn is not None and bool(conn.get_extra_info("server_version"))

    async def cleanup(self) -> None:
        if not self.done and self.owner.conn is not None:
            self.owner.conn.abort()
        if not self.done and self.sock is not None:
            # The transport's own close, if there is one, comes first in the loop's queue.
            asyncio.get_running_loop().call_soon(self.sock.close)
        await self.owner.dismiss_agent()
        # Without this cycle what is left of a login goes at once, without garbage collection.
        self.owner.conn = None


@asynccontextmanager
async def _turn(turns: asyncio.Semaphore, deadline: asyncio.Timeout) -> AsyncIterator[None]:
    """Wait for a turn while the deadline stands still, and hold it."""
    loop = asyncio.get_running_loop()
    due = deadline.when()
    left = due - loop.time() if due is not None else None
    deadline.reschedule(None)
    async with turns:
        await _calm(loop)
        if left is None:
            yield
            return
        watch = Deadline(loop, left, lambda: deadline.reschedule(loop.time()))
        try:
            yield
        finally:
            watch.cancel()


async def _calm(loop: asyncio.AbstractEventLoop) -> None:
    """Return once the loop keeps up, or has not for LONGEST_WAIT_S: each login, and what comes
    after it, takes a hundred times as long as a reading, and readings come first."""
    stalls = Stalls.of(loop)
    end = loop.time() + LONGEST_WAIT_S
    while stalls.lag > CALM_S and loop.time() < end:  # noqa: ASYNC110 - it is an average
        await asyncio.sleep(PERIOD_S)


async def _first_words(sock: socket.socket) -> bytes:
    """What the server said first, left in the socket; empty if it waits for us."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(sock, readable.set)
    try:
        async with asyncio.timeout(FIRST_WORDS_S):
            await readable.wait()
    except TimeoutError:
        pass  # after a stall of ours they may lie in the socket all the same
    finally:
        loop.remove_reader(sock)
    try:
        return sock.recv(PEEK, socket.MSG_PEEK)
    except OSError:
        return b""
