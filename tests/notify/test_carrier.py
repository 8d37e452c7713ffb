"""One target's worker: retries, failing and working again, giving up."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from outkept.model.notice import Delivery, DeliveryState, Urgency
from outkept.notify import carrier as carriers
from outkept.notify.carrier import Carrier
from outkept.notify.queue import Retries
from outkept.notify.target import DeliveryError
from tests.app.harness import until

QUICK = Retries(give_up_after=3600.0, first=0.02, longest=0.05)


class DiskFullError(Exception):
    """What the box of these tests raises."""


@dataclass
class Place:
    """A target that fails as it is told to: by `fault`, which is given the title."""

    kind: str = "test"
    fault: Callable[[str], str] = lambda _: ""
    sent: list[str] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)

    def send(self, delivery: Delivery) -> None:
        self.tried.append(delivery.title)
        if error := self.fault(delivery.title):
            raise DeliveryError(error)
        self.sent.append(delivery.title)


@dataclass
class Box:
    """Keeps what became of deliveries; the first `full` writes find the disk full."""

    full: int = 0
    saved: list[Delivery] = field(default_factory=list)

    async def save(self, delivery: Delivery) -> None:
        if self.full:
            self.full -= 1
            raise DiskFullError
        self.saved.append(delivery)


@dataclass
class Work:
    """A carrier at work for the time of `async with`."""

    place: Place = field(default_factory=Place)
    box: Box = field(default_factory=Box)
    retries: Retries = QUICK
    timeout: float = 5.0
    told: list[str] = field(default_factory=list)

    async def __aenter__(self) -> Carrier:
        carrier = Carrier(
            "ops",
            self.place,
            self.box,
            self.told.append,
            timeout=self.timeout,
            retries=self.retries,
            save_failed=DiskFullError,
        )
        self._group = asyncio.TaskGroup()
        await self._group.__aenter__()
        self._task = self._group.create_task(carrier.run())
        return carrier

    async def __aexit__(self, *error: object) -> None:
        self._task.cancel()
        await self._group.__aexit__(None, None, None)


def delivery(number: int, *incidents: int, ago: float = 0.0) -> Delivery:
    at = time.time() - ago
    title = f"n{number}"
    return Delivery("ops", at, title, title, "", Urgency.ALARM, incidents, id=number)


async def test_a_notice_is_sent_and_written_down_as_sent() -> None:
    work = Work()
    async with work as carrier:
        carrier.add([delivery(1), delivery(2)])
        await until(lambda: len(work.box.saved) == 2, "both are sent")
        assert carrier.state().queued == 0
        state = carrier.state()
        assert state.last_sent is not None
        assert (state.sent, state.failed, state.given_up) == (2, 0, 0)
    assert [(one.state, one.attempts) for one in work.box.saved] == [(DeliveryState.SENT, 1)] * 2
    assert work.told == []


async def test_one_failure_is_chance_and_two_are_told_and_so_is_the_end() -> None:
    failing = True
    work = Work(Place(fault=lambda _: "no way" if failing else ""))
    async with work as carrier:
        carrier.add([delivery(1, 7)])
        await until(lambda: work.told, "it is told")
        assert work.told == ["notices to ops fail: no way"]
        state = carrier.state()
        assert (state.error, state.queued) == ("no way", 1)
        assert state.failing_since is not None
        failing = False
        await until(lambda: len(work.told) == 2, "the end is told")
        assert work.told[1].startswith("notices to ops arrive again after ")
        state = carrier.state()
        assert (state.failing_since, state.sent) == (None, 1)
    assert state.failed == len(work.place.tried) - 1
    assert state.failed > 1


async def test_a_target_that_fails_in_a_way_of_its_own_is_tried_again_and_quoted_nowhere() -> None:
    class Broken(Place):
        def send(self, delivery: Delivery) -> None:
            self.tried.append(delivery.title)
            if len(self.tried) < 3:
                raise UnicodeError("t0psecret")

    work = Work(Broken())
    async with work as carrier:
        carrier.add([delivery(1)])
        await until(lambda: carrier.state().last_sent, "it is sent in the end")
    assert work.told[0] == "notices to ops fail: it failed with UnicodeError"


async def test_what_is_sent_after_its_time_is_taken_as_sent_and_not_sent_again() -> None:
    let_go = threading.Event()

    class Slow(Place):
        def send(self, delivery: Delivery) -> None:
            self.tried.append(delivery.title)
            let_go.wait()
            super().send(delivery)

    work = Work(Slow(), timeout=0.02)
    async with work as carrier:
        carrier.add([delivery(1), delivery(2)])
        await until(lambda: work.told, "it is told that it hangs")
        assert work.place.tried == ["n1"]
        let_go.set()
        await until(lambda: len(work.place.sent) == 2, "both are sent")
        await until(lambda: not carrier.state().queued, "both are taken as sent")
        assert carrier.state().error == ""
        assert carrier.state().sent == 2
    assert work.place.sent == ["n1", "n2"]
    written = [one for one in work.box.saved if one.state is DeliveryState.SENT]
    assert [(one.id, one.error) for one in written] == [(1, ""), (2, "")]
    assert work.told[1].startswith("notices to ops arrive again after ")


async def test_what_is_never_taken_holds_up_only_what_is_about_the_same() -> None:
    work = Work(Place(fault=lambda title: "bad" if title == "n1" else ""))
    async with work as carrier:
        carrier.add([delivery(1, 7), delivery(2, 7), delivery(3, 8)])
        await until(lambda: "n3" in work.place.sent, "the other is sent")
        await until(lambda: work.place.tried.count("n1") > 3, "it is tried again")
    assert work.place.sent == ["n3"]


async def test_what_was_tried_for_too_long_is_given_up_and_told() -> None:
    retries = replace(QUICK, give_up_after=600.0, least=2)
    work = Work(Place(fault=lambda title: "bad" if title == "n1" else ""), retries=retries)
    async with work as carrier:
        carrier.add([delivery(1, 7, ago=1000.0), delivery(2, 7)])
        await until(lambda: work.place.sent, "what waited behind it is sent")
        assert carrier.state().given_up == 1
    given_up = [one for one in work.box.saved if one.state is DeliveryState.GIVEN_UP]
    assert [(one.id, one.error) for one in given_up] == [(1, "bad")]
    assert "1 notice to ops given up after 10m" in work.told


async def test_what_was_dropped_for_room_is_not_sent_and_told() -> None:
    work = Work(Place(fault=lambda _: "down"))
    async with work as carrier:
        carrier.add([delivery(1), delivery(2)])
        await until(lambda: work.place.tried, "it is tried")
        carrier.add([delivery(3)], {1, 2})
        state = carrier.state()
        assert (state.queued, state.given_up) == (1, 2)
    assert "2 notices to ops given up: too many wait" in work.told


async def test_a_full_disk_sends_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carriers, "SAVE_AGAIN_S", 0.01)
    work = Work(box=Box(full=5))
    async with work as carrier:
        carrier.add([delivery(1)])
        await until(lambda: work.box.saved, "it is written down")
    assert work.place.tried == ["n1"]


async def test_what_comes_late_says_so() -> None:
    bodies = list[str]()

    class Late(Place):
        def send(self, delivery: Delivery) -> None:
            bodies.append(delivery.body)

    work = Work(Late())
    async with work as carrier:
        carrier.add([delivery(1, ago=4 * 3600.0), delivery(2)])
        await until(lambda: len(bodies) == 2, "both are sent")
    assert bodies == ["\n(delayed by 4h: it could not be sent before)", ""]


async def test_a_test_that_succeeds_has_what_waits_tried_at_once() -> None:
    failing = True
    slow = Retries(first=3600.0, longest=3600.0)
    work = Work(Place(fault=lambda _: "down" if failing else ""), retries=slow)
    async with work as carrier:
        carrier.add([delivery(1)])
        await until(lambda: carrier.state().error, "it fails")
        carrier.add([delivery(2)])
        assert await carrier.test(delivery(0)) == "down"
        failing = False
        assert await carrier.test(delivery(0)) == ""
        await until(lambda: "n2" in work.place.sent, "what waits is tried")


async def test_what_was_left_behind_is_taken_up() -> None:
    work = Work()
    left = replace(delivery(1), attempts=3, error="down")
    carrier = Carrier(
        "ops",
        work.place,
        work.box,
        work.told.append,
        timeout=5.0,
        retries=QUICK,
        save_failed=DiskFullError,
    )
    carrier.recall([left], 12.0)
    state = carrier.state()
    assert (state.queued, state.error, state.last_sent) == (1, "down", 12.0)
    assert state.failing_since == left.at
