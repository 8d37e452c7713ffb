"""One simulated SSH server: listeners, logins, channels. No shell: commands are looked up."""

import asyncio
from collections.abc import Iterable

import asyncssh
from asyncssh.packet import SSHPacketLogger

from outkept.demo.answers import Household
from outkept.demo.characters import Conduct, conduct
from outkept.demo.door import Guest, listen
from outkept.demo.hostkeys import Locks
from outkept.demo.shell import Answer, SimulatedShell
from outkept.demo.weather import CALM, Refusal, Weather
from outkept.ssh.script import COMMAND

_RESOURCE_SHORTAGE = 2
"""What OpenSSH answers over `MaxSessions`: code 2, "open failed"."""
_TURNED_AWAY = b"Exceeded MaxStartups\r\n"
"""What OpenSSH says over `MaxStartups`, and hangs up."""
_CHUNK = b"outkept pts/0 127.0.0.1 still logged in\n" * 800


class SimulatedServer:
    """The SSH server of one machine on all its addresses, in a given weather.

    It listens itself after `settle`, or somebody hands it its connections by `enter`.
    """

    def __init__(self, household: Household, locks: Locks, weather: Weather = CALM) -> None:
        self.machine = household.machine
        self.responder = household.responder
        self.latency = weather.distance(self.machine.seed)
        self._household = household
        self._locks = locks
        self._weather = weather
        self._age = household.clock.age
        self._guests: set[Guest] = set()
        self._listeners: list[asyncio.Server] = []
        self._key = 0
        self._options: asyncssh.SSHServerConnectionOptions | None = None

    def answer(self, command: str) -> Answer:
        """What a command prints."""
        return self.responder(command)()

    def conduct(self) -> Conduct:
        """How it behaves now."""
        return conduct(self.machine.character, self.machine.seed, self._age())

    def delay(self, commands: Iterable[str], count: int) -> float:
        """Seconds that `count` commands take, one after the other."""
        seconds = self.conduct().delay * count
        if self._weather.slow:
            seed, age = self.machine.seed, self._age()
            seconds += sum(self._weather.delay(seed, command, age) for command in commands)
        return seconds

    def refuses(self) -> Refusal | None:
        """What the weather makes it refuse now."""
        return self._weather.refuses(self.machine.seed, self._age())

    async def settle(self, port: int) -> None:
        """Open or close the listeners as the present conduct has it. Raises OSError."""
        now = self.conduct()
        if self._listeners and (not now.present or now.key != self._key):
            await self.close()
        if now.present and not self._listeners:
            self._key, self._options = now.key, None
            await self._listen(port)

    async def _listen(self, port: int) -> None:
        """Listen on all addresses or, when one is taken, on none."""
        try:
            for address in self.machine.addresses:
                self._listeners.append(await listen(lambda _: self, address, port))
        except OSError:
            await self.close()
            raise

    async def close(self) -> None:
        """Close listeners and drop connections, as a machine does that loses its power."""
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener.close()
        self.drop()
        for listener in listeners:
            await listener.wait_closed()

    def drop(self) -> None:
        """Drop every connection, as a network does that is cut."""
        for guest in list(self._guests):
            guest.abort()

    # What the door asks.

    def enter(self, transport: asyncio.Transport) -> asyncio.Protocol | None:
        """The SSH side of a new connection; None if it was turned away."""
        if self.refuses() is Refusal.CONNECTIONS:
            transport.write(_TURNED_AWAY)
            transport.close()
            return None
        if self._options is None:
            self._options = self._locks.options(self.machine, self._key, lambda: Login(self))
        return _Connection(asyncio.get_running_loop(), self._options)

    def expect(self, guest: Guest) -> None:
        """Remember a connection, to be dropped."""
        self._guests.add(guest)

    def forget(self, guest: Guest) -> None:
        """It is over."""
        self._guests.discard(guest)


class _Connection(asyncssh.SSHServerConnection):
    """asyncssh's own, without two things that a fleet can't afford."""

    async def reload_config(self) -> None:
        """Once the user is known, asyncssh builds its options anew, in a thread; ours are the
        same for all users. Cancel-safe: does nothing."""

    def send_packet(
        self, pkttype: int, *args: bytes, handler: SSHPacketLogger | None = None
    ) -> None:
        """asyncssh puts an empty packet before each, a remedy for CBC ciphers, of which a fleet
        has none. No sshd sends such packets, and each costs both sides as much as an answer."""
        if pkttype != asyncssh.constants.MSG_IGNORE:
            super().send_packet(pkttype, *args, handler=handler)


class Login(asyncssh.SSHServer):
    """One connection."""

    def __init__(self, server: SimulatedServer) -> None:
        self.server = server
        self.open_channels = 0
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self.server.expect(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.forget(self)

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
        full = self.open_channels >= self.server.conduct().channels
        if full or self.server.refuses() is Refusal.CHANNELS:
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
        if delay := self._login.server.delay((self._command,), 1):
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
