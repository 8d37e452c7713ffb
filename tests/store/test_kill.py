"""`kill -9` at random moments: what was acknowledged is there, and little else is lost."""

import asyncio
import random
import subprocess
import sys
from pathlib import Path

from outkept.model.action import ActionOutcome
from outkept.model.event import Event
from outkept.store import Store

ROUNDS = 16
WRITE = """
import asyncio, sys, time
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
        kept = await store.add_event(Event(time.time(), EventType.MESSAGE, "x" * 300))
        say("event", kept.id)

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

async def main():
    store = Store.open(Path(sys.argv[1]))
    say("open")
    await asyncio.gather(
        events(store), events(store), actions(store), readings(store), store.maintain(time.time()))

asyncio.run(main())
"""


def killed_after(directory: Path, lines: int) -> list[list[str]]:
    """What a writing daemon had acknowledged when it was killed, some `lines` into its work."""
    command = [sys.executable, "-c", WRITE, str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        said = [child.stdout.readline() for _ in range(lines)]
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


async def check(directory: Path, said: list[list[str]]) -> None:
    told = {kind: [line[1] for line in said[1:] if line[0] == kind] for kind, *_ in said[1:]}
    store = Store.open(directory)
    ids = {event.id for event in await all_events(store)}
    assert {int(id) for id in told.get("event", ())} <= ids
    assert ids == set(range(1, len(ids) + 1))

    closed = await store.close_unfinished(0.0)
    assert all(action.outcome is ActionOutcome.UNKNOWN for action in closed)
    outcomes = {action.id: action.outcome for action in (await store.actions(1000)).items}
    assert ActionOutcome.INTENDED not in outcomes.values()
    done = {int(id) for id in told.get("done", ())}
    intended = {int(id) for id in told.get("intended", ())}
    newest = max(outcomes, default=0)
    assert intended <= set(range(1, newest + 1))
    assert all(outcomes.get(id, ActionOutcome.DONE) is ActionOutcome.DONE for id in done)
    assert all(action.id not in done for action in closed)

    at = [float(text) for text in told.get("reading", ())]
    kept = max((last.at for last in await store.last_readings()), default=0.0)
    # A second, and what a machine with two busy cores may take to commit.
    assert not at or at[-1] - max(kept, at[0]) < 5.0
    await store.close()


def test_a_kill_costs_no_event_no_action_and_little_of_the_readings(tmp_path: Path) -> None:
    rng = random.Random(20)
    for _ in range(ROUNDS):
        said = killed_after(tmp_path, rng.randint(1, 1500))
        asyncio.run(check(tmp_path, said))
