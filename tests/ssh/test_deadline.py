"""A deadline that gives what had arrived in time its chance, on the loop that the daemon runs."""

import asyncio
import socket
import time

import uvloop

from outkept.ssh.deadline import Deadline


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
    deadline = Deadline(loop, 0.0, lambda: told.append(1))
    later = loop.create_future()
    Deadline(loop, 0.01, lambda: later.set_result(None))
    deadline.cancel()
    async with asyncio.timeout(30):
        await later
    assert told == []
