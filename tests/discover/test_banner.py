import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outkept.discover.banner import MOST_BYTES, Banner, NoBanner, judge, read_banner
from outkept.model.address import AddressOutcome as Outcome

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    """Both ends of a TCP connection: ours, which does not block, and the server's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


async def test_the_banner_is_seen_and_left_in_the_socket(pair: Pair) -> None:
    ours, theirs = pair
    theirs.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\nrest")
    assert await read_banner(ours, 5) == Banner("SSH-2.0-OpenSSH_9.2p1 Debian-2")
    assert ours.recv(100) == b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\nrest"


async def test_lines_before_the_banner_are_passed_over(pair: Pair) -> None:
    ours, theirs = pair
    theirs.sendall(b"Welcome\r\nto this host\r\nSSH-1.99-x\n")
    assert await read_banner(ours, 5) == Banner("SSH-1.99-x")


async def test_a_banner_in_pieces_is_waited_for_without_spinning(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = pair
    looks = 0

    def counted(data: bytes, *, ended: bool) -> Banner | NoBanner | None:
        nonlocal looks
        looks += 1
        return judge(data, ended=ended)

    monkeypatch.setattr("outkept.discover.banner.judge", counted)
    theirs.sendall(b"SSH-2.0-")
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(read_banner(ours, 5))
        while not looks:  # noqa: ASYNC110 - there is nothing to wait on
            await asyncio.sleep(0)
        for _ in range(200):
            await asyncio.sleep(0)
        assert looks == 1
        theirs.sendall(b"slow\r\n")
    assert reading.result() == Banner("SSH-2.0-slow")
    assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT) == 1


async def test_a_listener_that_never_speaks_times_out(pair: Pair) -> None:
    verdict = await read_banner(pair[0], 0.05)
    assert isinstance(verdict, NoBanner)
    assert verdict.outcome is Outcome.TIMED_OUT
    assert verdict.reason == "it accepts the connection, but sends no SSH banner in 0.05 s"


async def test_a_talker_without_a_banner_is_not_ssh_at_the_deadline(pair: Pair) -> None:
    ours, theirs = pair
    theirs.sendall(b"login: ")
    verdict = await read_banner(ours, 0.05)
    assert isinstance(verdict, NoBanner)
    assert verdict.outcome is Outcome.NOT_SSH
    assert "'login:'" in verdict.reason


async def test_a_reset_before_the_banner_is_an_error(pair: Pair) -> None:
    ours, theirs = pair
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    theirs.close()
    verdict = await read_banner(ours, 5)
    assert isinstance(verdict, NoBanner)
    assert verdict.outcome is Outcome.ERROR
    assert "reset" in verdict.reason


@pytest.mark.parametrize(
    ("sent", "outcome", "part"),
    [
        (b"", Outcome.ERROR, "before its banner (MaxStartups"),
        (b"SSH-2.0-Open", Outcome.ERROR, "within its banner"),
        (b"Exceeded MaxStartups\r\n", Outcome.ERROR, "its MaxStartups is reached"),
        (b"Not allowed at this time\r\n", Outcome.ERROR, "PerSourcePenalties"),
        (b"Not allowed at this time", Outcome.ERROR, "PerSourcePenalties"),
        (b"SSH-1.5-old\r\n", Outcome.NOT_SSH, "speaks no SSH 2"),
        (b"Goodbye\r\n", Outcome.NOT_SSH, "'Goodbye'"),
        (b"HTTP/1.1 400 Bad Request\r\n", Outcome.NOT_SSH, "400 Bad Request"),
    ],
)
async def test_a_server_that_closes_is_understood(
    pair: Pair, sent: bytes, outcome: Outcome, part: str
) -> None:
    ours, theirs = pair
    theirs.sendall(sent)
    theirs.close()
    verdict = await read_banner(ours, 5)
    assert isinstance(verdict, NoBanner)
    assert verdict.outcome is outcome
    assert part in verdict.reason
    assert verdict.penalised == (b"Not allowed" in sent)


async def test_a_server_that_waits_for_its_client_is_spoken_to(pair: Pair) -> None:
    ours, theirs = pair
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(read_banner(ours, 1))
        greeting = await asyncio.to_thread(theirs.recv, 100)
        theirs.sendall(b"SSH-2.0-shy\r\n")
    assert greeting.startswith(b"SSH-2.0-")
    assert reading.result() == Banner("SSH-2.0-shy", spoiled=True)


async def test_a_server_that_hangs_up_when_greeted_is_not_ssh(pair: Pair) -> None:
    ours, theirs = pair
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(read_banner(ours, 1))
        await asyncio.to_thread(theirs.recv, 100)
        theirs.close()
    verdict = reading.result()
    assert isinstance(verdict, NoBanner)
    assert verdict.outcome is Outcome.NOT_SSH


async def test_a_flood_without_a_banner_ends_at_eight_kilobytes(pair: Pair) -> None:
    ours, theirs = pair
    theirs.sendall(b"x" * (MOST_BYTES + 10))
    verdict = await read_banner(ours, 5)
    assert isinstance(verdict, NoBanner)
    assert verdict.outcome is Outcome.NOT_SSH


async def test_a_database_greeting_is_not_ssh_at_once() -> None:
    verdict = judge(b"J\0\0\0\x0a8.0.36\0", ended=False)
    assert isinstance(verdict, NoBanner)
    assert verdict.outcome is Outcome.NOT_SSH


async def test_a_cancelled_wait_leaves_the_socket_usable(pair: Pair) -> None:
    ours, theirs = pair
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(read_banner(ours, 60), 0.01)
    theirs.sendall(b"SSH-2.0-late\r\n")
    assert await read_banner(ours, 5) == Banner("SSH-2.0-late")


@given(data=st.binary(max_size=MOST_BYTES + 5))
def test_whatever_arrives_is_judged_once_it_has_ended(data: bytes) -> None:
    verdict = judge(data, ended=True)
    assert verdict is not None
    text = verdict.text if isinstance(verdict, Banner) else verdict.reason
    assert text.isprintable()


@given(data=st.binary(max_size=200), cut=st.integers(0, 200))
def test_a_verdict_on_a_part_is_the_verdict_on_the_whole(data: bytes, cut: int) -> None:
    early = judge(data[:cut], ended=False)
    if isinstance(early, Banner):
        assert judge(data, ended=True) == early
