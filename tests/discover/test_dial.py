"""Sockets that failed and connect again, and systems where they can't."""

import asyncio
import socket
from collections import Counter
from contextlib import AsyncExitStack

import pytest

import outkept.discover.dial
from outkept.discover.dial import MOST_SPARE
from outkept.discover.endpoints import endpoints
from outkept.discover.ready import _Selector
from outkept.discover.sweep import Pace, Sweep
from outkept.model.address import AddressOutcome, AddressState
from outkept.model.ranges import Range, parse_span, subtract
from outkept.model.server import Endpoint
from tests.discover.listeners import PORT, descriptors, range_of, speaking

BANNER = b"SSH-2.0-Test\r\n"
SERVERS = [f"127.33.{third}.{last}" for third in range(4) for last in (7, 90, 91, 255)]


@pytest.fixture(params=["the best there is", "what every system has"])
def watch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "what every system has":
        monkeypatch.setattr(outkept.discover.dial, "watch", _Selector)


@pytest.mark.usefixtures("watch")
async def test_servers_among_refused_addresses_are_all_found() -> None:
    states: dict[str, AddressState] = {}

    async def visit(endpoint: Endpoint, sock: socket.socket | None) -> AddressState:
        assert sock is not None
        with sock:
            assert sock.getpeername() == (endpoint.address, endpoint.port)
            assert sock.recv(100) == BANNER
        return AddressState(endpoint, AddressOutcome.SERVER, "", 0.0)

    def report(state: AddressState) -> None:
        states[state.endpoint.address] = state

    before = descriptors()
    async with AsyncExitStack() as listeners:
        for address in SERVERS:
            await listeners.enter_async_context(speaking(address, BANNER))
        pace = Pace(rate=0, timeout=20.0)
        await Sweep(range_of("127.33.0.0/22"), visit, report, pace=pace).run()
    servers = [a for a, state in states.items() if state.outcome is AddressOutcome.SERVER]
    assert sorted(servers) == sorted(SERVERS)
    assert len(states) == 1024
    assert {s.reason for s in states.values()} == {"", "connection refused"}
    async with asyncio.timeout(20):
        while descriptors() > before:  # noqa: ASYNC110 - the listeners' ends close by and by
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("watch")
async def test_no_more_sockets_are_kept_than_are_needed() -> None:
    before, most = descriptors(), 0

    def report(state: AddressState) -> None:
        nonlocal most
        most = max(most, descriptors())

    async def visit(endpoint: Endpoint, sock: socket.socket | None) -> AddressState:
        raise AssertionError

    pace = Pace(rate=0, in_flight=50, timeout=20.0)
    await Sweep(range_of("127.34.0.0/23"), visit, report, pace=pace).run()
    assert most - before < 50 + MOST_SPARE
    assert descriptors() == before


def test_endpoints_are_those_of_the_range_whatever_its_holes() -> None:
    spans = [parse_span(text) for text in ("10.0.0.0/24", "172.16.0.9", "fd00::/121")]
    swept = Range("", subtract(spans, [parse_span("10.0.0.7-99")]), (22, PORT))
    expected = [Endpoint(swept.address(i), p) for i in range(len(swept)) for p in swept.ports]
    assert Counter(endpoints(swept, 5)) == Counter(expected)
