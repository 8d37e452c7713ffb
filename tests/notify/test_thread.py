"""Blocking calls with a deadline."""

import asyncio
import contextlib
import threading

import pytest

from outkept.notify.thread import OneThread, StillBusyError
from tests.app.harness import until


async def test_what_is_returned_and_raised_comes_back() -> None:
    thread = OneThread("test")
    assert await thread.run(lambda: 7, 5.0) == 7
    with pytest.raises(ZeroDivisionError):
        await thread.run(lambda: 1 // 0, 5.0)


async def test_a_call_that_hangs_is_left_behind_and_is_the_only_one() -> None:
    thread, let_go = OneThread("test"), threading.Event()
    with pytest.raises(TimeoutError):
        await thread.run(let_go.wait, 0.01)
    with pytest.raises(StillBusyError):
        await thread.run(lambda: 7, 5.0)
    let_go.set()

    async def again() -> bool:
        try:
            return await thread.run(lambda: True, 5.0)
        except StillBusyError:
            return False

    assert await until(again, "it comes back")


async def test_what_comes_late_is_handed_over_before_anything_else_is_run() -> None:
    thread, let_go, late = OneThread("test"), threading.Event(), list[bool]()
    with pytest.raises(TimeoutError):
        await thread.run(let_go.wait, 0.01, late.append)
    let_go.set()

    async def seen_by_the_next() -> list[bool]:
        with contextlib.suppress(StillBusyError):
            return await thread.run(lambda: list(late), 5.0)
        return []

    assert await until(seen_by_the_next, "it comes back") == [True]


async def test_what_comes_in_the_instant_its_time_is_over_is_not_lost() -> None:
    loop, let_go, late = asyncio.get_running_loop(), threading.Event(), list[bool]()
    thread = OneThread("instant")

    def hold_the_loop_up() -> None:
        """In its next turn, the loop finds both: that it is done, and that its time is over."""
        let_go.set()
        for one in threading.enumerate():
            if one.name == "instant":
                one.join()
        end = loop.time() + 0.01
        while loop.time() < end:
            pass

    loop.call_soon(hold_the_loop_up)
    with contextlib.suppress(TimeoutError):
        late.append(await thread.run(let_go.wait, 0.01, late.append))
    assert late == [True]
