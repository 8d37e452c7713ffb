"""Order, missed ticks and stuck servers, with a link whose answers the test decides."""

import asyncio
import heapq

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outkept.model.command import CommandOutcome, FailureKind
from outkept.ssh import channels
from outkept.ssh.channels import ChannelPool, Job, Priority
from outkept.ssh.errors import ChannelRefused
from outkept.ssh.limit import ChannelLimit
from outkept.ssh.occupant import Occupant
from outkept.ssh.scope import Scope
from tests.ssh.helpers import eventually, failure


class DecidedLink:
    """Runs one command when told to; refuses while `refusing`."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}
        self.refusing = False
        self.given_up = ""

    async def execute(self, occupant: Occupant) -> None:
        occupant.begin()
        if self.refusing:
            raise ChannelRefused("open failed")
        self.ran.append(occupant.command)
        if (gate := self.gates.get(occupant.command)) is not None:
            await gate.wait()

    async def round_trip(self) -> None:
        await asyncio.sleep(0)

    def round_trip_s(self) -> float | None:
        return None

    def give_up(self, reason: str) -> None:
        self.given_up = reason


def pool_of(link: DecidedLink, scope: Scope, limit: int = 1) -> ChannelPool:
    return ChannelPool(link, scope, ChannelLimit(bound=limit), lambda wanted: "")


def job(name: str, outcomes: dict[str, CommandOutcome], priority: int, due: float) -> Job:
    def done(answered: Job, outcome: CommandOutcome) -> None:
        outcomes[answered.key] = outcome

    return Job(name, name, 30.0, Priority(priority), due, None, done)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5)), max_size=30))
def test_jobs_run_by_priority_then_due_then_arrival(asked: list[tuple[int, int]]) -> None:
    async def run() -> None:
        link, scope = DecidedLink(), Scope("test")
        link.gates["first"] = asyncio.Event()
        pool = pool_of(link, scope)
        outcomes: dict[str, CommandOutcome] = {}
        pool.submit(job("first", outcomes, 0, 0.0))
        for number, (priority, due) in enumerate(asked):
            pool.submit(job(str(number), outcomes, priority, float(due)))
        link.gates["first"].set()
        await eventually(lambda: len(outcomes) == len(asked) + 1, "all are answered")
        ranked = [(priority, due, number) for number, (priority, due) in enumerate(asked)]
        heapq.heapify(ranked)
        expected = [str(heapq.heappop(ranked)[2]) for _ in asked]
        assert link.ran == ["first", *expected]
        assert pool.stats().busy == 0
        await scope.aclose()

    asyncio.run(run())


async def test_a_refused_job_keeps_its_place_at_the_front() -> None:
    link, scope = DecidedLink(), Scope("test")
    pool = pool_of(link, scope)
    outcomes: dict[str, CommandOutcome] = {}
    link.refusing = True
    for number in range(5):
        pool.submit(job(str(number), outcomes, 2, float(number)))
    await eventually(lambda: pool.stats().refused, "the first open is refused")
    link.refusing = False
    await eventually(lambda: len(outcomes) == 5, "all are answered")
    assert link.ran == ["0", "1", "2", "3", "4"]
    await scope.aclose()


async def test_a_server_that_refuses_every_channel_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channels, "STUCK_S", 0.2)
    link, scope = DecidedLink(), Scope("test")
    link.refusing = True
    pool = pool_of(link, scope)
    outcomes: dict[str, CommandOutcome] = {}
    pool.submit(job("waits", outcomes, 2, 0.0))
    await eventually(lambda: link.given_up, "the connection is given up")
    assert link.given_up == "the server refuses every channel"
    assert pool.stats().refused < 20
    pool.close(link.given_up)
    await eventually(lambda: outcomes, "it is answered")
    assert failure(outcomes["waits"]).kind is FailureKind.LOST
    await scope.aclose()


async def test_a_cancelled_job_that_waits_is_answered_and_gone() -> None:
    link, scope = DecidedLink(), Scope("test")
    link.gates["first"] = asyncio.Event()
    pool = pool_of(link, scope)
    outcomes: dict[str, CommandOutcome] = {}
    jobs = [job(name, outcomes, 2, 0.0) for name in ("first", "second", "third")]
    for each in jobs:
        pool.submit(each)
    await eventually(lambda: link.ran, "the first runs")
    pool.cancel(jobs[1])
    assert failure(outcomes["second"]).kind is FailureKind.CANCELLED
    assert not failure(outcomes["second"]).started
    link.gates["first"].set()
    await eventually(lambda: len(outcomes) == 3, "the others are answered")
    assert link.ran == ["first", "third"]
    await scope.aclose()


async def test_closing_the_scope_answers_what_a_link_still_holds() -> None:
    link, scope = DecidedLink(), Scope("test")
    link.gates["held"] = asyncio.Event()
    pool = pool_of(link, scope)
    outcomes: dict[str, CommandOutcome] = {}
    pool.submit(job("held", outcomes, 2, 0.0))
    await eventually(lambda: link.ran, "it runs")
    pool.close("closed")
    await scope.aclose()
    assert failure(outcomes["held"]).kind is FailureKind.LOST
    assert pool.stats().busy == 0


async def test_no_interval_however_short_grows_the_queue() -> None:
    link, scope = DecidedLink(), Scope("test")
    link.gates["tick"] = asyncio.Event()
    pool = pool_of(link, scope)
    outcomes: dict[str, CommandOutcome] = {}
    taken = [pool.submit(job("tick", outcomes, 2, 0.0)) for _ in range(1000)]
    assert taken.count(True) == 1
    assert pool.stats().missed == 999
    assert pool.stats().queued <= 1
    link.gates["tick"].set()
    await eventually(lambda: outcomes, "it is answered")
    await scope.aclose()


async def test_more_jobs_than_may_wait_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "MOST_WAITING", 3)
    link, scope = DecidedLink(), Scope("test")
    link.gates["0"] = asyncio.Event()
    pool = pool_of(link, scope)
    outcomes: dict[str, CommandOutcome] = {}
    taken = [pool.submit(job(str(number), outcomes, 2, 0.0)) for number in range(6)]
    assert taken == [True, True, True, True, False, False]
    link.gates["0"].set()
    await eventually(lambda: len(outcomes) == 4, "what was taken is answered")
    await scope.aclose()


async def test_a_scope_ends_its_children_and_logs_what_failed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scope = Scope("10.0.0.1")

    async def fail() -> None:
        raise ValueError("a bug")

    scope.spawn(fail(), "load")
    waiting = scope.spawn(asyncio.Event().wait(), "disk")
    await eventually(lambda: len(scope) == 1, "the failed child is gone")
    assert "10.0.0.1: load failed: ValueError('a bug')" in caplog.text
    await scope.aclose()
    assert waiting.cancelled()
    assert len(scope) == 0
    with pytest.raises(RuntimeError, match="closed"):
        scope.spawn(fail(), "late")
