import asyncio
import os
import socket
import time
from collections.abc import Callable

import pytest
import uvloop

from outkept.discover.sweep import Pace, Sweep
from outkept.model.address import AddressOutcome, AddressState
from outkept.model.ranges import Range
from outkept.model.server import Endpoint
from tests.discover.listeners import PORT, descriptors, range_of, speaking

QUICK = Pace(rate=0, timeout=20.0)
BANNER = b"SSH-2.0-Test\r\n"


async def found(endpoint: Endpoint, sock: socket.socket | None) -> AddressState:
    """A visit that reads the banner that the sweep must have left, and is content."""
    assert sock
    with sock:
        assert sock.recv(100) == BANNER
    return AddressState(endpoint, AddressOutcome.SERVER, "it is one", time.time(), server="id")


class Results(dict[str, AddressState]):
    def __call__(self, state: AddressState) -> None:
        assert str(state.endpoint) not in self, "an endpoint is reported once"
        self[str(state.endpoint)] = state


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - there is nothing to wait on
            await asyncio.sleep(0.005)


async def test_every_refused_address_is_silent_with_its_reason() -> None:
    results = Results()
    before = descriptors()
    progress = await Sweep(range_of("127.30.0.0/22"), found, results, pace=QUICK).run()
    assert len(results) == 1024
    assert {s.outcome for s in results.values()} == {AddressOutcome.SILENT}
    assert {s.reason for s in results.values()} == {"connection refused"}
    assert progress.done == progress.total == 1024
    assert progress.outcomes == {"silent": 1024}
    assert progress.finished is not None
    assert progress.rate > 0
    assert descriptors() == before


async def test_a_server_is_visited_on_the_connection_that_showed_its_banner() -> None:
    results = Results()
    async with speaking("127.31.0.3", BANNER):
        progress = await Sweep(range_of("127.31.0.0/29"), found, results, pace=QUICK).run()
    assert progress.found == 1
    assert results[f"127.31.0.3:{PORT}"].outcome is AddressOutcome.SERVER
    assert progress.outcomes == {"silent": 7, "server": 1}


async def test_a_server_that_waits_for_its_client_is_visited_on_a_new_connection() -> None:
    given: list[socket.socket | None] = []

    async def visit(endpoint: Endpoint, sock: socket.socket | None) -> AddressState:
        given.append(sock)
        return AddressState(endpoint, AddressOutcome.SERVER, "", 0.0)

    async with speaking("127.31.8.1", BANNER, after_the_client=True):
        pace = Pace(timeout=1.0)
        await Sweep(range_of("127.31.8.1"), visit, Results(), pace=pace).run()
    assert given == [None]


async def test_a_web_server_is_not_ssh() -> None:
    results = Results()
    async with speaking("127.31.8.2", b"HTTP/1.1 400 Bad Request\r\n", after_the_client=True):
        await Sweep(range_of("127.31.8.2"), found, results, pace=Pace(timeout=1.0)).run()
    (state,) = results.values()
    assert state.outcome is AddressOutcome.NOT_SSH
    assert "400 Bad Request" in state.reason


async def test_ipv6_is_swept() -> None:
    results = Results()
    async with speaking("::1", BANNER):
        await Sweep(range_of("::1"), found, results, pace=QUICK).run()
    assert results[f"[::1]:{PORT}"].outcome is AddressOutcome.SERVER


async def test_all_ports_of_an_address_are_swept() -> None:
    results = Results()
    async with speaking("127.31.1.1", BANNER), speaking("127.31.1.1", BANNER, PORT + 1):
        swept = range_of("127.31.1.0/30", ports=(PORT, PORT + 1))
        progress = await Sweep(swept, found, results, pace=QUICK).run()
    assert progress.total == 8
    assert progress.found == 2


async def test_the_order_is_random_and_a_seed_repeats_it() -> None:
    async def order(seed: int) -> list[str]:
        tried: list[str] = []

        def note(endpoint: Endpoint, now: float) -> AddressState:
            tried.append(endpoint.address)
            return AddressState(endpoint, AddressOutcome.SILENT, "not tried", now)

        swept = range_of("127.31.2.0/26")
        await Sweep(swept, found, Results(), skip=note, seed=seed, pace=QUICK).run()
        return tried

    first = await order(1)
    assert first == await order(1)
    assert first != sorted(first)
    assert first != await order(2)


async def test_a_skipped_endpoint_counts_with_its_remembered_outcome() -> None:
    remembered = AddressState(
        Endpoint("127.31.3.2", PORT), AddressOutcome.REFUSED_KEY, "refused", 1.0, 1, 9e12
    )
    results = Results()
    async with speaking("127.31.3.2", BANNER):
        progress = await Sweep(
            range_of("127.31.3.0/30"),
            found,
            results,
            skip=lambda e, now: remembered if e == remembered.endpoint and now < 9e12 else None,
            pace=QUICK,
        ).run()
    assert progress.outcomes == {"silent": 3, "refused key": 1}
    assert len(results) == 3


@pytest.mark.parametrize(
    ("words", "outcome", "part"),
    [
        (b"", AddressOutcome.TIMED_OUT, "sends no SSH banner in 0.2 s"),
        (b"220 mail ESMTP\r\n", AddressOutcome.NOT_SSH, "220 mail ESMTP"),
        (b"Not allowed at this time\r\n", AddressOutcome.ERROR, "PerSourcePenalties"),
    ],
    ids=["silent listener", "mail", "penalty"],
)
async def test_what_is_not_a_server_says_why(
    words: bytes, outcome: AddressOutcome, part: str
) -> None:
    results = Results()
    before = descriptors()
    async with speaking("127.31.4.1", words):
        await Sweep(range_of("127.31.4.1"), found, results, pace=Pace(timeout=0.2)).run()
    (state,) = results.values()
    assert state.outcome is outcome
    assert part in state.reason
    assert (state.retry_at > time.time() + 50) == (b"Not allowed" in words)
    await until(lambda: descriptors() <= before)


async def test_an_address_that_never_answers_is_silent_after_the_timeout() -> None:
    """A listener whose backlog is full drops what comes; so does a firewall."""
    results = Results()
    with socket.socket() as listener:
        listener.bind(("127.31.5.1", PORT))
        listener.listen(0)
        with socket.create_connection(("127.31.5.1", PORT)):
            await Sweep(range_of("127.31.5.1"), found, results, pace=Pace(timeout=0.2)).run()
    (state,) = results.values()
    assert state.outcome is AddressOutcome.SILENT
    assert state.reason == "no answer in 0.2 s"


async def test_a_visit_that_takes_too_long_times_out() -> None:
    async def hang(endpoint: Endpoint, sock: socket.socket | None) -> AddressState:
        assert sock
        with sock:
            await asyncio.sleep(3600)
        raise AssertionError

    results = Results()
    async with speaking("127.31.6.1", BANNER):
        pace = Pace(timeout=20.0, visit_timeout=0.1)
        await Sweep(range_of("127.31.6.1"), hang, results, pace=pace).run()
    (state,) = results.values()
    assert state.outcome is AddressOutcome.TIMED_OUT


async def test_a_visit_that_raises_costs_only_its_own_address(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def clumsy(endpoint: Endpoint, sock: socket.socket | None) -> AddressState:
        assert sock
        sock.close()
        if endpoint.address.endswith(".1"):
            raise ZeroDivisionError
        return AddressState(endpoint, AddressOutcome.SERVER, "", 0.0)

    results = Results()
    async with speaking("127.31.7.1", BANNER), speaking("127.31.7.2", BANNER):
        progress = await Sweep(range_of("127.31.7.0/30"), clumsy, results, pace=QUICK).run()
    assert progress.outcomes == {"silent": 2, "server": 1, "error": 1}
    assert "ZeroDivisionError" in caplog.text


async def test_logins_are_bounded_and_all_get_their_turn() -> None:
    now = most = 0

    async def visit(endpoint: Endpoint, sock: socket.socket | None) -> AddressState:
        nonlocal now, most
        now += 1
        most = max(most, now)
        assert sock
        with sock:
            await asyncio.sleep(0.005)
        now -= 1
        return AddressState(endpoint, AddressOutcome.SERVER, "", 0.0)

    async with speaking("0.0.0.0", BANNER):
        pace = Pace(rate=0, logins=3, timeout=20.0)
        progress = await Sweep(range_of("127.32.0.0/26"), visit, Results(), pace=pace).run()
    assert progress.found == 64
    assert most == 3


async def test_no_more_sockets_than_allowed_are_in_flight() -> None:
    counts: list[int] = []
    before = descriptors()

    def count(endpoint: Endpoint, now: float) -> None:
        counts.append(descriptors() - before)

    # The kernel accepts, nobody speaks: each connection stays until its timeout.
    with socket.create_server(("0.0.0.0", PORT), backlog=100):
        pace = Pace(rate=0, in_flight=4, timeout=0.1)
        sweep = Sweep(range_of("127.32.1.0/28"), found, Results(), skip=count, pace=pace)
        await sweep.run()
    listener_and_selector = 2
    assert len(counts) == 16
    assert max(counts) == listener_and_selector + 3, "asked before the fourth was opened"


async def test_the_rate_is_kept() -> None:
    """A lower bound of the time it takes does not depend on how busy the machine is."""
    began = time.monotonic()
    pace = Pace(rate=500.0, timeout=1.0)
    progress = await Sweep(range_of("127.33.0.0/25"), found, Results(), pace=pace).run()
    assert progress.done == 128
    assert time.monotonic() - began >= (128 - 500 * 0.02 - 1) / 500.0


async def test_without_descriptors_it_waits_instead_of_failing() -> None:
    results = Results()
    hoard: list[int] = []
    waiting = asyncio.Event()

    def skip(endpoint: Endpoint, now: float) -> None:
        if not hoard:
            _take_all_descriptors(hoard)
        waiting.set()

    sweep = Sweep(range_of("127.33.1.0/27"), found, results, skip=skip, pace=QUICK)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(sweep.run())
        await waiting.wait()
        try:
            for _ in range(50):
                await asyncio.sleep(0)
            assert sweep.progress.done == 0
        finally:
            for fd in hoard:
                os.close(fd)
            hoard[:] = [-1]
    assert {s.reason for s in results.values()} == {"connection refused"}
    assert len(results) == 32


def _take_all_descriptors(hoard: list[int]) -> None:
    while True:
        try:
            hoard.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:
            return


async def test_a_cancelled_sweep_closes_every_socket() -> None:
    before = descriptors()
    inside = 0
    closed: list[str] = []

    async def visit(endpoint: Endpoint, sock: socket.socket | None) -> AddressState:
        nonlocal inside
        assert sock
        with sock:
            inside += 1
            try:
                await asyncio.sleep(3600)
            finally:
                closed.append(endpoint.address)
        raise AssertionError

    swept = range_of("127.34.0.64/26", ports=(PORT, PORT + 1))
    async with speaking("0.0.0.0", BANNER), speaking("127.34.0.77", b"", PORT + 1):
        pace = Pace(rate=0, logins=2, timeout=30.0)
        sweep = Sweep(swept, visit, Results(), pace=pace)
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(sweep.run())
            await until(lambda: inside == 2)
            task.cancel()
        assert len(closed) == 2
        assert sweep.progress.finished is not None
        await until(lambda: descriptors() <= before + 2)
    await until(lambda: descriptors() <= before)


async def test_a_report_that_raises_ends_the_sweep() -> None:
    def broken(state: AddressState) -> None:
        raise ZeroDivisionError

    before = descriptors()
    with pytest.raises(ExceptionGroup, match="unhandled errors"):
        await Sweep(range_of("127.35.0.0/24"), found, broken, pace=QUICK).run()
    assert descriptors() == before


async def test_an_empty_range_is_done_at_once() -> None:
    progress = await Sweep(Range("nothing", ()), found, Results()).run()
    assert (progress.total, progress.done, progress.left_s) == (0, 0, 0.0)


async def test_progress_shows_rate_and_time_left() -> None:
    pace = Pace(rate=200.0, timeout=1.0)
    sweep = Sweep(range_of("127.36.0.0/24"), found, Results(), pace=pace)
    assert sweep.progress.left_s is None
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(sweep.run())
        await until(lambda: sweep.progress.left_s is not None)
        middle = sweep.progress
        task.cancel()
    assert 0 < middle.done < 256
    assert middle.left_s is not None
    assert middle.left_s > 0


def test_it_sweeps_on_uvloop_as_well() -> None:
    results = Results()

    async def sweep() -> None:
        async with speaking("127.37.0.5", BANNER), speaking("127.37.0.6", b""):
            await Sweep(range_of("127.37.0.0/26"), found, results, pace=Pace(timeout=2.0)).run()

    uvloop.run(sweep())
    outcomes = [state.outcome.value for state in results.values()]
    assert sorted(set(outcomes)) == ["server", "silent", "timed out"]
    assert outcomes.count("silent") == 62
