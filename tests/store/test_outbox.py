"""The outbox: what was decided and what was told are one, also after `kill -9`."""

import asyncio
import random
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from outkept.model.event import Event, EventType
from outkept.model.level import Level
from outkept.model.notice import Delivery, DeliveryState, Told, Urgency
from outkept.store import outbox
from outkept.store.outbox import Outbox
from outkept.store.store import Store

NOW = 1_700_000_000.0


def delivery(number: int, target: str = "ops", at: float = NOW) -> Delivery:
    return Delivery(
        target,
        at,
        f"key{number}",
        f"ALARM {number}",
        "a body\nof two lines",
        Urgency.ALARM,
        (number,),
        ({"labels": {"alertname": "disk"}},),
    )


def told(level: Level = Level.ALARMED) -> dict[str, Told]:
    return {"ops": Told(level, NOW, NOW + 1, True, 2)}


async def opened(store: Store, sensor: str = "disk") -> int:
    kept = await store.add_event(Event(NOW, EventType.WARNED, "web1: warned", "a", sensor))
    return kept.id


async def test_what_is_put_waits_with_all_it_says(store: Store) -> None:
    box = Outbox(store)
    accepted = await box.put([delivery(1), delivery(2, "boss")], {}, (), NOW)
    assert [one.id for one in accepted.deliveries] == [1, 2]
    assert await box.waiting() == list(accepted.deliveries)
    assert replace(accepted.deliveries[0], id=0) == delivery(1)


async def test_what_is_put_twice_is_there_once(store: Store) -> None:
    box = Outbox(store)
    (first,) = (await box.put([delivery(1)], {}, (), NOW)).deliveries
    await box.save(replace(first, state=DeliveryState.SENT, finished_at=NOW, attempts=1))
    (again,) = (await box.put([delivery(1)], {}, (), NOW)).deliveries
    assert (again.id, again.state) == (first.id, DeliveryState.SENT)
    assert await box.waiting() == []
    (other,) = (await box.put([delivery(1, "boss")], {}, (), NOW)).deliveries
    assert other.id != first.id


async def test_open_incidents_come_back_with_what_was_told_of_them(store: Store) -> None:
    box = Outbox(store)
    first, second = await opened(store, "disk"), await opened(store, "load")
    await store.add_event(Event(NOW, EventType.ALARMED, "web1: alarmed", "a", "disk"))
    await store.add_event(Event(NOW, EventType.NOT_MENDED, "web1: not mended", "a", "disk"))
    await box.put([], {first: told()}, (), NOW)
    untold = await box.untold()
    assert [one.incident.id for one in untold] == [first, second]
    assert untold[0].told == told()
    assert (untold[0].text, untold[0].unmended) == ("web1: alarmed", 1)
    assert (untold[1].text, untold[1].unmended, untold[1].told) == ("web1: warned", 0, {})


async def test_an_end_that_somebody_has_yet_to_hear_comes_back_until_it_is_forgotten(
    store: Store,
) -> None:
    box = Outbox(store)
    first, second = await opened(store, "disk"), await opened(store, "load")
    await box.put([], {first: told()}, (), NOW)
    for sensor in ("disk", "load"):
        await store.add_event(Event(NOW, EventType.RECOVERED, f"{sensor} is well", "a", sensor))
    (one,) = await box.untold()
    assert (one.incident.id, one.text) == (first, "disk is well")
    assert one.incident.ended is not None
    await box.put([], {}, [first, second], NOW)
    assert await box.untold() == []


async def test_what_ended_with_its_server_says_so(store: Store) -> None:
    box = Outbox(store)
    first, _ = await opened(store, "disk"), await opened(store, "load")
    await box.put([], {first: told()}, (), NOW)
    for server, at in (("b", NOW + 1), ("a", NOW + 1), ("a", NOW + 2)):
        text = f"{server} removed"
        await store.add_event(Event(at, EventType.REMOVED, text, server))
    (one,) = await box.untold()
    assert (one.incident.id, one.text) == (first, "a removed")


async def test_when_too_many_wait_the_oldest_are_given_up(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MOST_WAITING", 3)
    box = Outbox(store)
    await box.put([delivery(number) for number in range(3)], {}, (), NOW)
    await box.put([delivery(9, "boss")], {}, (), NOW)
    accepted = await box.put([delivery(3), delivery(4)], {}, (), NOW)
    assert accepted.dropped == {"ops": frozenset({1, 2})}
    assert [one.title for one in await box.waiting()] == [
        "ALARM 2",
        "ALARM 9",
        "ALARM 3",
        "ALARM 4",
    ]
    page = await box.page(10, None, state=DeliveryState.GIVEN_UP)
    assert [one.id for one in page.items] == [2, 1]
    assert all(one.error and one.finished_at == NOW for one in page.items)


async def test_pages_are_newest_first_and_can_be_narrowed_down(store: Store) -> None:
    box = Outbox(store)
    await box.put([delivery(n, "ops" if n % 2 else "boss") for n in range(7)], {}, (), NOW)
    first = await box.page(2, None, target="ops")
    assert [one.title for one in first.items] == ["ALARM 5", "ALARM 3"]
    second = await box.page(2, first.next, target="ops")
    assert [one.title for one in second.items] == ["ALARM 1"]
    assert second.next is None
    with pytest.raises(ValueError, match="cursor"):
        await box.page(2, "x")


async def test_what_was_finished_long_ago_is_trimmed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = Outbox(store)
    kept = (await box.put([delivery(n, at=NOW + n) for n in range(6)], {}, (), NOW)).deliveries
    for one in kept[:5]:
        await box.save(replace(one, state=DeliveryState.SENT, finished_at=NOW))
    assert await box.last_sent() == {"ops": NOW}
    assert not await box.trim(NOW)
    assert await box.trim(NOW + outbox.KEPT_S + 1.5)
    assert [one.id for one in (await box.page(10, None)).items] == [6, 5, 4, 3]
    monkeypatch.setattr(outbox, "MOST_NOTICES", 2)
    assert await box.trim(NOW)
    assert [one.id for one in (await box.page(10, None)).items] == [6, 5]
    assert not await box.trim(NOW)


async def test_what_was_told_of_an_incident_that_is_no_longer_kept_is_trimmed(
    store: Store,
) -> None:
    box = Outbox(store)
    kept = await opened(store)
    await box.put([], {kept: told(), 999: told()}, (), NOW)
    await box.trim(NOW)
    assert await store.read(_told) == [kept]


DECIDE = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from outkept.model.level import Level
from outkept.model.notice import Delivery, DeliveryState, Told, Urgency
from outkept.store.outbox import Outbox
from outkept.store.store import Store

async def main():
    store = Store.open(Path(sys.argv[1]))
    box = Outbox(store)
    number = int(sys.argv[2])
    for one in await box.waiting():
        print("sent", one.key, flush=True)
        await box.save(replace(one, state=DeliveryState.SENT, finished_at=1.0))
    while True:
        number += 1
        one = Delivery("ops", 1.0, f"{number}", "t", "b", Urgency.ALARM, (number,))
        told = {number: {"ops": Told(Level.ALARMED, 1.0, 1.0)}}
        (kept,) = (await box.put([one], told, (), 1.0)).deliveries
        print("decided", kept.key, flush=True)
        print("sent", kept.key, flush=True)
        await box.save(replace(kept, state=DeliveryState.SENT, finished_at=1.0))

asyncio.run(main())
"""


def killed(directory: Path, start: int, lines: int) -> list[list[str]]:
    """What a process that decides and sends had said when it was killed."""
    command = [sys.executable, "-c", DECIDE, str(directory), str(start)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        said = [child.stdout.readline() for _ in range(lines)]
        child.kill()
        said += child.stdout.readlines()
    return [line.split() for line in said if line.endswith("\n")]


def test_what_was_decided_is_sent_once_or_more_whenever_it_is_killed(tmp_path: Path) -> None:
    chance = random.Random(5)
    directory = tmp_path / "state"
    decided, sent = set[str](), Counter[str]()
    for round_ in range(8):
        for word, key in killed(directory, 10_000 * round_, chance.randrange(1, 60)):
            decided |= {key} if word == "decided" else set()
            sent[key] += word == "sent"

    async def rest() -> tuple[set[str], set[int]]:
        store = Store.open(directory)
        box = Outbox(store)
        try:
            waiting = {one.key for one in await box.waiting()}
            return waiting, set(await store.read(_told))
        finally:
            await store.close()

    waiting, remembered = asyncio.run(rest())
    assert decided <= sent.keys() | waiting
    # What is remembered as told is on its way, and what is on its way is remembered.
    assert {int(key) for key in decided | waiting} <= remembered
    assert {str(incident) for incident in remembered} <= sent.keys() | waiting
    assert max(sent.values()) <= 3


def _told(connection: object) -> list[int]:
    rows = connection.execute("SELECT incident FROM told")  # type: ignore[attr-defined]
    return [row[0] for row in rows]
