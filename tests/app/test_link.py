"""The link, with connections that only say whether they were closed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import cast

from outkept.app.context import Context
from outkept.app.fleet import Fleet
from outkept.app.sessions import Sessions
from outkept.poll.link import Link
from outkept.ssh.connection import Connection
from tests.app.harness import until
from tests.store.values import server


class FakeConnection:
    """Is lost when it is told so."""

    def __init__(self) -> None:
        self.closed = False
        self.gone = asyncio.Event()

    async def close(self) -> None:
        self.closed = True


def _as_connection(fake: FakeConnection) -> Connection:
    return cast(Connection, fake)


class Bench:
    """A link whose dials wait for their answer, and whose sessions last until the loss."""

    def __init__(self) -> None:
        self.dials: asyncio.Queue[asyncio.Future[Connection | float]] = asyncio.Queue()
        self.held: list[Connection] = []
        self.link = Link(self._dial, self._session)

    async def _dial(self) -> Connection | float:
        answer: asyncio.Future[Connection | float] = asyncio.get_running_loop().create_future()
        await self.dials.put(answer)
        return await answer

    async def _session(self, connection: Connection) -> None:
        self.held.append(connection)
        await cast(FakeConnection, connection).gone.wait()

    def holds(self, fake: FakeConnection) -> Callable[[], bool]:
        """Whether it is this connection that is being used."""
        return lambda: self.held[-1:] == [_as_connection(fake)]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        """The link at work."""
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.link.run())
            yield task
            task.cancel()


async def test_a_dialled_connection_is_held_and_closed_when_it_is_lost() -> None:
    bench, first, second = Bench(), FakeConnection(), FakeConnection()
    async with bench.running():
        (await bench.dials.get()).set_result(_as_connection(first))
        await until(bench.holds(first), "it is held")
        first.gone.set()
        (await bench.dials.get()).set_result(_as_connection(second))
        await until(bench.holds(second), "the next is held")
        assert first.closed
    assert second.closed


async def test_a_connection_offered_during_a_failing_dial_is_taken() -> None:
    bench, offered = Bench(), FakeConnection()
    async with bench.running():
        dial = await bench.dials.get()
        assert bench.link.offer(_as_connection(offered))
        dial.set_result(3600.0)
        await until(bench.holds(offered), "it is held")


async def test_of_two_connections_one_is_held_and_the_other_closed() -> None:
    bench, dialled, offered = Bench(), FakeConnection(), FakeConnection()
    async with bench.running():
        dial = await bench.dials.get()
        assert bench.link.offer(_as_connection(offered))
        assert not bench.link.offer(_as_connection(FakeConnection()))
        dial.set_result(_as_connection(dialled))
        await until(bench.holds(dialled), "it is held")
        assert offered.closed
        assert not dialled.closed


async def test_an_offer_ends_the_wait_between_two_dials() -> None:
    bench, offered = Bench(), FakeConnection()
    async with bench.running():
        (await bench.dials.get()).set_result(3600.0)
        await until(lambda: bench.link.offer(_as_connection(offered)), "it is offered")
        await until(bench.holds(offered), "it is held")


async def test_a_link_that_holds_one_takes_no_other() -> None:
    bench, first = Bench(), FakeConnection()
    async with bench.running():
        (await bench.dials.get()).set_result(_as_connection(first))
        await until(bench.holds(first), "it is held")
        assert not bench.link.offer(_as_connection(FakeConnection()))


async def test_a_link_that_ends_closes_what_it_was_offered() -> None:
    bench, offered = Bench(), FakeConnection()
    async with bench.running():
        await bench.dials.get()
        assert bench.link.offer(_as_connection(offered))
    assert offered.closed


async def test_a_link_that_was_cancelled_before_it_began_closes_what_it_was_offered() -> None:
    bench, offered = Bench(), FakeConnection()
    assert bench.link.offer(_as_connection(offered))
    await bench.link.end()
    assert offered.closed


async def test_a_link_that_is_over_takes_nothing_until_it_runs_again() -> None:
    bench, later = Bench(), FakeConnection()
    async with bench.running():
        await bench.dials.get()
    assert not bench.link.offer(_as_connection(FakeConnection()))
    async with bench.running():
        await bench.dials.get()
        assert bench.link.offer(_as_connection(later))
    assert later.closed


async def test_nobody_is_dialled_once_the_sessions_are_over() -> None:
    sessions = Sessions(cast(Context, SimpleNamespace(fleet=Fleet())))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(sessions.run())
        await asyncio.sleep(0)
        running.cancel()
    live = Fleet().put(server())
    # A login that ends now finds no task group to begin in.
    sessions._start(live)
    assert live.link is None
