"""Thousands of reactions that wait cost no more than they must, and leave the loop its turns."""

import asyncio
import contextlib
import sys
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import pytest

from outkept.act.policy import Situation
from outkept.app import admission, case, reactions, steps
from outkept.model.silence import Silence
from tests.app.reacting import Yard, yard

pytestmark = pytest.mark.usefixtures("soon")

_ASKING = (reactions, steps, admission, case)
"""What a reading of a series whose reaction waits goes through."""


async def test_asking_again_costs_each_that_waits_the_same_however_many_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "ASK_AGAIN_S", 3600.0)
    costs = []
    for servers in (50, 200):
        async with yard(tmp_path / str(servers)) as one:
            await _waiting(one, servers)
            with _lines(*_ASKING) as ran, _asked(one) as asked:
                for number in range(servers):
                    one.read(f"s{number}", 12)
                await one.until(partial(_are, servers, asked), "all were asked about")
            costs.append(sum(ran.values()) / servers)
    assert costs[1] < 1.5 * costs[0]


async def test_a_stop_that_thousands_wait_for_leaves_the_loop_its_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "ASK_AGAIN_S", 3600.0)
    monkeypatch.setattr(admission, "WOKEN_AT_ONCE", 10)
    async with yard(tmp_path) as one:
        await _waiting(one, 60)
        with _asked(one) as asked:
            await one.guards.stop("moving the racks", "ana")
            await one.told_of("held: all reactions are stopped", 60)
        assert max(asked.values()) <= 10
        assert sum(asked.values()) == 60


async def _waiting(one: Yard, servers: int) -> None:
    """So many reactions wait for a silence to end."""
    now = time.time()
    await one.context.desk.add_silence(Silence(now - 1, now + 3600, "backup", "ana"))
    for number in range(servers):
        one.server(number)
        one.read(f"s{number}", 11)
    await one.told_of("held: it is silenced", servers)


def _are(servers: int, asked: Counter[int]) -> bool:
    return sum(asked.values()) >= servers


@contextlib.contextmanager
def _asked(one: Yard) -> Iterator[Counter[int]]:
    """How often the policy is asked in each turn of the loop."""
    asked: Counter[int] = Counter()
    situation, loop = one.guards.situation, asyncio.get_running_loop()
    turn, over = 0, False

    def turned() -> None:
        nonlocal turn
        turn += 1
        if not over:
            loop.call_soon(turned)

    def counted(*args: Any, **more: Any) -> Situation:
        asked[turn] += 1
        return situation(*args, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(one.guards, "situation", counted)
        loop.call_soon(turned)
        yield asked
    over = True


@contextlib.contextmanager
def _lines(*modules: ModuleType) -> Iterator[Counter[tuple[str, int]]]:
    """How often each line of some modules is run; one that loops, at each turn."""
    ran: Counter[tuple[str, int]] = Counter()
    files = {one.__file__ for one in modules}

    def note(frame: FrameType, what: str, _: object) -> Any:
        file = frame.f_code.co_filename
        if file not in files:
            return None
        ran[file, frame.f_lineno] += what == "line"
        return note

    before = sys.gettrace()
    sys.settrace(note)
    try:
        yield ran
    finally:
        sys.settrace(before)
