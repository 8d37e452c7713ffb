"""A deadline that gives what had arrived in time its chance, on the loop that the daemon runs."""

import asyncio
import socket
import time

import pytest
import uvloop

from outkept.ssh import deadline
from outkept.ssh.deadline import Deadline, patience
from outkept.ssh.stalls import Stalls


def test_what_arrived_while_the_loop_was_held_up_is_read_before_the_verdict() -> None:
    async def case() -> list[str]:
        told: list[str] = []
        loop = asyncio.get_running_loop()
        over = loop.create_future()
        pairs = [socket.socketpair() for _ in range(2)]
        (held, holding), (ours, theirs) = pairs

        def hold_up() -> None:
            """While sockets are read: the loop looks at its timers next."""
            held.recv(9)
            theirs.send(b"answer")
            time.sleep(0.1)

        def expire() -> None:
            told.append("over")
            over.set_result(None)

        with held, holding, ours, theirs:
            loop.add_reader(held, hold_up)
            loop.add_reader(ours, lambda: told.append(ours.recv(9).decode()))
            Deadline(loop, 0.05, expire)
            holding.send(b"now")
            async with asyncio.timeout(30):
                await over
            loop.remove_reader(held)
            loop.remove_reader(ours)
        return told

    assert uvloop.run(case()) == ["answer", "over"]
    assert asyncio.run(case()) == ["answer", "over"]


async def test_a_cancelled_deadline_never_comes() -> None:
    told: list[int] = []
    loop = asyncio.get_running_loop()
    cancelled = Deadline(loop, 0.0, lambda: told.append(1))
    later = loop.create_future()
    Deadline(loop, 0.01, lambda: later.set_result(None))
    cancelled.cancel()
    async with asyncio.timeout(30):
        await later
    assert told == []


def test_time_by_which_our_loop_is_behind_does_not_count() -> None:
    """The loop is held up again and again, as by more work than its processor gives."""

    async def case() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        over = loop.create_future()
        began = loop.time()
        stalls = Stalls.of(loop)
        Deadline(loop, 0.2, lambda: over.set_result(loop.time()))
        for _ in range(6):
            time.sleep(0.2)  # noqa: ASYNC251 - a loop that is held up is what this is about
            for _ in range(3):
                await asyncio.sleep(0)
            assert not over.done()
            await asyncio.sleep(0.001)
        async with asyncio.timeout(60):
            ended = await over
        return ended - began, stalls.total

    for took, stalled in (uvloop.run(case()), asyncio.run(case())):
        assert stalled > 0.8
        assert took >= min(0.2 + stalled, 1.0)


async def test_a_deadline_is_not_put_off_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "LONGEST_DELAY_S", 0.1)
    loop = asyncio.get_running_loop()
    stalls = Stalls.of(loop)
    over = loop.create_future()
    Deadline(loop, 0.01, lambda: over.set_result(None))

    def fall_behind() -> None:
        stalls.total += 1.0
        if not over.done():
            loop.call_later(0.001, fall_behind)

    fall_behind()
    async with asyncio.timeout(30):
        await over


async def test_patience_raises_as_a_timeout_does() -> None:
    with pytest.raises(TimeoutError):
        async with patience(0.01):
            await asyncio.get_running_loop().create_future()
