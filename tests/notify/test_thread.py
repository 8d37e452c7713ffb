"""Blocking calls with a deadline."""

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
