"""`kill -9` at random moments: what was acknowledged is there, and little else is lost."""

import asyncio
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from outkept.model.action import ActionOutcome
from outkept.model.event import Event, EventType
from outkept.store import Store
from outkept.store.writer import LAZY_S

ROUNDS = 16
TICK_S = 0.1
"""Times on disk are that much earlier at most."""
WRITE = """
import asyncio, random, sys, time
from dataclasses import replace
from pathlib import Path
from outkept.model.action import Action, ActionOutcome
from outkept.model.event import Event, EventType
from outkept.model.reading import Reading, Sample
from outkept.store import Store

def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\\n")
    sys.stdout.flush()

async def events(store):
    while True:
        asked = time.time()
        kept = await store.add_event(Event(asked, EventType.MESSAGE, "x" * 300))
        say("event", kept.id, asked, time.time())

async def actions(store):
    while True:
        action = Action("a", "apache", "true", time.time(), ActionOutcome.INTENDED, "test")
        action = await store.intend(action)
        say("intended", action.id)
        await asyncio.sleep(0.002)
        await store.finish(replace(action, outcome=ActionOutcome.DONE, status=0))
        say("done", action.id)

async def readings(store):
    while True:
        at = time.time()
        store.add_readings(
            Reading("a", f"s{k}", at, (Sample(None, at),)) for k in range(50))
        say("reading", at)
        await asyncio.sleep(0.01)
        if random.random() < 0.01:
            await store.flush()
            say("flushed", at)

async def swift(store):
    # Ten seconds pass in some milliseconds: every second or two an hour is over.
    step = int(sys.argv[2])
    start = float(sys.argv[3])
    while True:
        store.add_readings(
            Reading("swift", f"s{k}", start + step * 10, (Sample(None, float(step)),))
            for k in range(40))
        step += 1
        if step % 6 == 0:
            await store.maintain(start + step * 10)
            say("maintained", step)
        await asyncio.sleep(0.004)

async def main():
    store = Store.open(Path(sys.argv[1]))
    say("open", time.time())
    await asyncio.gather(
        events(store), events(store), actions(store), readings(store), swift(store))

asyncio.run(main())
"""


SWIFT_START = 1_599_998_400.0


def killed_after(directory: Path, readings: int, step: int) -> list[list[str]]:
    """What a writing daemon had acknowledged when it was killed, so many `readings` into its
    work: they are taken by the clock, however fast the disk is. `step` is where its swift clock
    goes on."""
    command = [sys.executable, "-c", WRITE, str(directory), str(step), str(SWIFT_START)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        said = []
        while readings and (line := child.stdout.readline()):
            said.append(line)
            readings -= line.startswith("reading ")
        child.kill()
        said += child.stdout.readlines()
    return [line.split() for line in said if line.endswith("\n")]


async def all_events(store: Store) -> list[Event]:
    found: list[Event] = []
    cursor: str | None = None
    while True:
        page = await store.events(1000, cursor)
        found += page.items
        cursor = page.next
        if cursor is None:
            return found


async def check_swift(store: Store) -> int:
    """Every reading is there exactly once, whatever sealing and rollup were at; how many."""
    last = {each.sensor: each.value for each in await store.last_readings() if each.server != "a"}
    newest = {value for value in last.values() if isinstance(value, float)}
    assert len(newest) <= 1
    steps = int(max(newest, default=-1.0)) + 1
    for first in range(0, steps, 5000):
        from_, to = SWIFT_START + first * 10, SWIFT_START + (first + 5000) * 10
        points = await store.history("swift", f"s{first % 40}", None, from_, to, 5000)
        expected = [(from_ + i * 10, *[float(first + i)] * 3) for i in range(5000)]
        assert points == expected[: steps - first]
    if steps:
        await store.maintain(SWIFT_START + steps * 10 + 7200)
        to = SWIFT_START + steps * 10
        rows = await store.heatmap("s7", SWIFT_START, to, 1)
        assert rows[0].cells == pytest.approx([(steps - 1) / 2], rel=1e-5)
        whole = await store.history("swift", "s9", None, SWIFT_START, to, 1)
        assert whole[0][1:] == pytest.approx((0.0, (steps - 1) / 2, steps - 1.0))
    return steps


def check_lost(said: list[list[str]], kept: float) -> None:
    """Of the readings, at most a second's by their own time stamps. The daemon measures what the
    machine does to it: where its events, each of which waits for the transaction under way and
    for its own, had to wait for long, so had its readings. `kept` is the newest on disk."""
    at = [float(time) for kind, time, *_ in said if kind == "reading"]
    if not at:
        return
    flushed = [float(time) for kind, time, *_ in said if kind == "flushed"]
    assert kept >= max(flushed, default=0.0) - TICK_S
    asked = [(float(line[2]), float(line[3])) for line in said if line[0] == "event"]
    ended = max([float(said[0][1]), *(done for _, done in asked)])
    longest = max([at[-1] - ended, *(done - begun for begun, done in asked)])
    lost = at[-1] - max(kept, at[0])
    assert lost < max(1.0, LAZY_S + 4 * longest) + TICK_S


async def check(directory: Path, said: list[list[str]]) -> int:
    told = {kind: [line[1] for line in said if line[0] == kind] for kind, *_ in said}
    store = Store.open(directory)
    ids = {event.id for event in await all_events(store)}
    assert {int(id) for id in told.get("event", ())} <= ids
    assert ids == set(range(1, len(ids) + 1))

    told_at = time.time()
    closed = await store.close_unfinished(
        told_at, lambda _: Event(told_at, EventType.MESSAGE, "cut off")
    )
    assert all(action.outcome is ActionOutcome.UNKNOWN for action in closed)
    outcomes = {action.id: action.outcome for action in (await store.actions(1000)).items}
    assert ActionOutcome.INTENDED not in outcomes.values()
    done = {int(id) for id in told.get("done", ())}
    intended = {int(id) for id in told.get("intended", ())}
    newest = max(outcomes, default=0)
    assert intended <= set(range(1, newest + 1))
    assert all(outcomes.get(id, ActionOutcome.DONE) is ActionOutcome.DONE for id in done)
    assert all(action.id not in done for action in closed)

    mine = [last.at for last in await store.last_readings() if last.server == "a"]
    check_lost(said, max(mine, default=0.0))
    steps = await check_swift(store)
    await store.close()
    return steps


def test_a_kill_costs_no_event_no_action_and_little_of_the_readings(tmp_path: Path) -> None:
    rng = random.Random(20)
    step = 0
    for _ in range(ROUNDS):
        said = killed_after(tmp_path, rng.randint(1, 200), step)
        step = asyncio.run(check(tmp_path, said))
    assert step > 360, "no hour was rolled up"
