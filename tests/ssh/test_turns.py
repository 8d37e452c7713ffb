"""Logins take turns, for many at once would all be late. Who says nothing is in nobody's way."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import pytest

from outkept.model.server import Endpoint
from outkept.ssh import login
from outkept.ssh.errors import SSHError, TimedOut
from outkept.ssh.stalls import Stalls
from tests.servers import Server, User, running_listener
from tests.ssh.helpers import client_with, connected, eventually, result

FROZEN = b"SSH-2.0-frozen\r\n"


class Frozen:
    """Says `greeting`, and nothing more. `heard` counts the clients that told their version:
    those are past the point where a login waits for its turn."""

    def __init__(self, greeting: bytes) -> None:
        self.greeting = greeting
        self.heard = 0
        self.endpoint = Endpoint("127.0.0.1", 0)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Frozen"]:
        """Listen."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.endpoint = Endpoint("127.0.0.1", server.sockets[0].getsockname()[1])
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self.greeting)
        try:
            await reader.readline()
            self.heard += 1
            while await reader.read(4096):
                pass
        except OSError:
            return
        finally:
            writer.close()


async def test_a_silent_server_takes_nobodys_turn(
    sshd: Server, ssh_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login, "FIRST_WORDS_S", 0.2)
    client = client_with(ssh_user.key, connect_timeout=60.0, handshakes=1)
    async with Frozen(b"").running() as mute, asyncio.TaskGroup() as group:
        silent = [group.create_task(client.connect(mute.endpoint, "nobody")) for _ in range(3)]
        await eventually(lambda: mute.heard == len(silent), "they wait for an answer", 30.0)
        async with connected(client, sshd.endpoint, ssh_user.name) as connection:
            assert result(await connection.run("true", timeout=10)).status == 0
        assert not any(task.done() for task in silent)
        for task in silent:
            task.cancel()


async def test_the_wait_for_a_turn_does_not_count(sshd: Server, ssh_user: User) -> None:
    """The frozen server has its turn until its time is over, and with it would be the time of
    the one that waits."""
    client = client_with(ssh_user.key, connect_timeout=10.0, handshakes=1)
    async with Frozen(FROZEN).running() as frozen, asyncio.TaskGroup() as group:
        first = group.create_task(_ending(client.connect(frozen.endpoint, "nobody")))
        await eventually(lambda: frozen.heard == 1, "it has its turn", 30.0)
        async with connected(client, sshd.endpoint, ssh_user.name) as connection:
            assert connection.lost is None
            assert isinstance(await first, TimedOut)


async def _ending(connecting: Awaitable[object]) -> SSHError:
    with pytest.raises(SSHError) as caught:
        await connecting
    return caught.value


async def test_a_cancelled_login_gives_its_turn_back(sshd: Server, ssh_user: User) -> None:
    client = client_with(ssh_user.key, connect_timeout=60.0, handshakes=1)
    async with Frozen(FROZEN).running() as frozen, asyncio.TaskGroup() as group:
        tasks = [group.create_task(client.connect(frozen.endpoint, "nobody")) for _ in range(2)]
        await eventually(lambda: frozen.heard == 1, "one has its turn, one waits", 30.0)
        for task in tasks:
            task.cancel()
        async with connected(client, sshd.endpoint, ssh_user.name) as connection:
            assert connection.lost is None


async def test_a_login_that_fails_gives_its_turn_back(sshd: Server, ssh_user: User) -> None:
    client = client_with(ssh_user.key, handshakes=1)
    with running_listener(b"SSH-1.5-old\r\n", hang_up=True) as (address, port):
        for _ in range(3):
            with pytest.raises(SSHError):
                await client.connect(Endpoint(address, port), "nobody")
    async with connected(client, sshd.endpoint, ssh_user.name) as connection:
        assert connection.lost is None


async def test_words_that_came_in_a_stall_of_ours_are_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Or the login would take nobody's turn, just when the loop is behind."""
    monkeypatch.setattr(login, "FIRST_WORDS_S", 0.0)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.send(FROZEN)
        assert await login._first_words(ours) == FROZEN
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        assert await login._first_words(ours) == b""


async def test_a_loop_that_is_behind_takes_no_new_logins(
    sshd: Server, ssh_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    stalls = Stalls.of(asyncio.get_running_loop())
    monkeypatch.setattr(login, "LONGEST_WAIT_S", 3600.0)
    monkeypatch.setattr(Stalls, "_look", Stalls._next)
    stalls.lag = 1.0
    client = client_with(ssh_user.key, connect_timeout=60.0)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(client.connect(sshd.endpoint, ssh_user.name))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not waiting.done()
        stalls.lag = 0.0
        async with asyncio.timeout(60):
            connection = await waiting
    await connection.close()
