"""Whole sweeps of a loopback subnet with real servers in it."""

import asyncio
import contextlib
import http.server
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from outkept.discover.identity import NO_ANSWER
from outkept.model.address import AddressOutcome as Outcome
from outkept.model.server import Endpoint
from tests.discover.crawling import Crawl, client_of
from tests.discover.listeners import range_of
from tests.servers import (
    Server,
    User,
    free_port,
    generate_key,
    machine,
    program,
    running_dropbear,
    running_listener,
    running_sshd,
    until,
)
from tests.servers.process import listening


@pytest.fixture
def crawl(ssh_user: User, client_key: Path) -> Crawl:
    return Crawl(client_of(client_key), ssh_user.name)


class Quiet(http.server.BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Requests are not news here."""


@contextlib.contextmanager
def running_web_server(address: str, port: int) -> Iterator[None]:
    server = http.server.ThreadingHTTPServer((address, port), Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def mixed_subnet(folder: Path) -> Iterator[int]:
    """127.41.0.1 to .9, each with something else on the port that is given."""
    port = free_port("127.41.0.1")
    stranger = generate_key(folder / "stranger")
    with contextlib.ExitStack() as stack:
        for server in (
            running_sshd(addresses=["127.41.0.1"], port=port),
            running_sshd(addresses=["127.41.0.2"], port=port, authorized_keys=[stranger]),
            running_web_server("127.41.0.3", port),
            running_listener(address="127.41.0.4", port=port),
            running_listener(b"220 mail ESMTP\r\n", address="127.41.0.5", port=port),
            running_sshd(addresses=["127.41.0.6"], port=port, force_command="echo no shell here"),
            running_listener(
                b"Exceeded MaxStartups\r\n", address="127.41.0.7", port=port, hang_up=True
            ),
            running_listener(address="127.41.0.8", port=port, hang_up=True),
            running_dropbear(address="127.41.0.9", port=port),
        ):
            stack.enter_context(server)
        yield port


async def test_every_address_of_a_mixed_subnet_ends_with_its_reason(
    crawl: Crawl, tmp_path: Path
) -> None:
    with mixed_subnet(tmp_path) as port:
        (progress,) = await crawl.sweep(range_of("127.41.0.0/28", ports=[port]))
    expected = {
        1: (Outcome.SERVER, ""),
        2: (Outcome.REFUSED_KEY, f"the key was refused for user {crawl.user}"),
        3: (Outcome.NOT_SSH, "it answers, but not with an SSH banner"),
        4: (Outcome.TIMED_OUT, "it accepts the connection, but sends no SSH banner in 4 s"),
        5: (Outcome.NOT_SSH, "220 mail ESMTP"),
        6: (Outcome.ERROR, NO_ANSWER),
        7: (Outcome.ERROR, "its MaxStartups is reached: 'Exceeded MaxStartups'"),
        8: (Outcome.ERROR, "before its banner (MaxStartups, TCP wrappers or a firewall)"),
        9: (Outcome.SERVER, ""),
    }
    for last in range(16):
        state = crawl.states[f"127.41.0.{last}:{port}"]
        outcome, reason = expected.get(last, (Outcome.SILENT, "connection refused"))
        assert state.outcome is outcome, state
        assert reason in state.reason
    assert progress.found == 2
    assert progress.done == 16
    (server,) = crawl.servers()
    assert {e.address for e in server.endpoints} == {"127.41.0.1", "127.41.0.9"}
    refused = crawl.states[f"127.41.0.2:{port}"]
    assert refused.refusals == 1
    assert refused.retry_at > time.time() + 50


async def test_two_machines_become_two_servers(crawl: Crawl) -> None:
    port = free_port("127.42.0.1")
    with (
        machine("alpha", machine_id="a" * 32, addresses=["127.42.0.1", "127.42.0.3"], port=port),
        machine("beta", addresses=["127.42.0.2"], port=port),
    ):
        await crawl.sweep(range_of("127.42.0.0/29", ports=[port]))
    alpha, beta = crawl.servers()
    assert alpha.identity.hostname == "alpha"
    assert alpha.identity.machine_id == "a" * 32
    assert {e.address for e in alpha.endpoints} == {"127.42.0.1", "127.42.0.3"}
    assert [e.address for e in beta.endpoints] == ["127.42.0.2"]


async def test_one_sshd_on_several_addresses_and_ports_is_one_server(crawl: Crawl) -> None:
    port, other = free_port("127.43.0.1"), free_port("127.43.0.2")
    addresses = ["127.43.0.1", "127.43.0.2", "::1"]
    with running_sshd(
        addresses=addresses, port=port, options=[f"ListenAddress 127.43.0.1:{other}"]
    ):
        await crawl.sweep(
            range_of("127.43.0.0/30", ports=[port, other]), range_of("::1", ports=[port])
        )
    (server,) = crawl.servers()
    assert set(server.endpoints) == {
        *(Endpoint(address, port) for address in addresses),
        Endpoint("127.43.0.1", other),
    }
    assert server.identity.hostname == socket.gethostname()


async def test_clones_that_run_at_once_stay_apart(crawl: Crawl, tmp_path: Path) -> None:
    port, key = free_port("127.44.0.1"), generate_key(tmp_path / "host")
    with (
        machine("one", machine_id="c" * 32, host_keys=[key], addresses=["127.44.0.1"], port=port),
        machine("two", machine_id="c" * 32, host_keys=[key], addresses=["127.44.0.2"], port=port),
    ):
        await crawl.sweep(range_of("127.44.0.0/30", ports=[port]))
    one, two = crawl.servers()
    assert one.identity.host_key == two.identity.host_key
    assert one.identity.machine_id == two.identity.machine_id
    assert one.id != two.id


async def test_machines_that_reboot_and_swap_addresses_keep_their_histories(
    crawl: Crawl, tmp_path: Path
) -> None:
    port = free_port("127.45.0.1")
    keys = {name: generate_key(tmp_path / name) for name in ("left", "right")}
    ids = {"left": "1" * 32, "right": "2" * 32}
    swept = range_of("127.45.0.1-127.45.0.2", ports=[port])

    async def boot(left: str, right: str) -> None:
        with contextlib.ExitStack() as stack:
            for name, address in (("left", left), ("right", right)):
                server = machine(
                    name,
                    machine_id=ids[name],
                    host_keys=[keys[name]],
                    addresses=[address],
                    port=port,
                )
                stack.enter_context(server)
            await crawl.sweep(swept)

    await boot("127.45.0.1", "127.45.0.2")
    before = {s.identity.hostname: s.id for s in crawl.servers()}
    await boot("127.45.0.2", "127.45.0.1")
    after = {s.identity.hostname: (s.id, s.endpoints) for s in crawl.servers()}
    assert after == {
        "left": (before["left"], (Endpoint("127.45.0.2", port),)),
        "right": (before["right"], (Endpoint("127.45.0.1", port),)),
    }


async def test_another_machine_with_another_key_at_a_known_address_is_rejected(
    crawl: Crawl,
) -> None:
    port = free_port("127.46.0.1")
    swept = range_of("127.46.0.1", ports=[port])
    for name in ("before", "after"):
        with machine(name, addresses=["127.46.0.1"], port=port):
            await crawl.sweep(swept)
    state = crawl.states[f"127.46.0.1:{port}"]
    assert state.outcome is Outcome.HOST_KEY_REJECTED
    assert state.reason.count("SHA256:") == 2
    assert [s.identity.hostname for s in crawl.servers()] == ["before"]


@contextlib.contextmanager
def running_sshd_with_one_startup(address: str, folder: Path) -> Iterator[Server]:
    """Of two MaxStartups lines OpenSSH 9.2 takes the last, and that is `running_sshd`'s own."""
    port = free_port(address)
    key = generate_key(folder / "host")
    config = folder / "sshd_config"
    config.write_text(f"ListenAddress {address}:{port}\nHostKey {key}\nMaxStartups 1\n")
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    command = [program("sshd"), "-D", "-e", "-f", str(config), "-o", "PidFile=none"]
    with listening(command, address, port, folder / "log") as server:
        until(lambda: not server.sessions(), "the first connection is over")
        yield server


async def test_an_sshd_at_its_max_startups_is_an_error_that_says_so(
    crawl: Crawl, tmp_path: Path
) -> None:
    with running_sshd_with_one_startup("127.47.0.1", tmp_path) as server:
        reader, writer = await asyncio.open_connection("127.47.0.1", server.port)
        try:
            await reader.readline()
            await crawl.sweep(range_of("127.47.0.1", ports=[server.port]))
        finally:
            writer.close()
            await writer.wait_closed()
    (state,) = crawl.states.values()
    assert state.outcome is Outcome.ERROR
    assert "MaxStartups" in state.reason


async def test_a_frozen_sshd_times_out(crawl: Crawl) -> None:
    with running_sshd(addresses=["127.47.0.2"]) as server:
        server.freeze()
        await crawl.sweep(range_of("127.47.0.2", ports=[server.port]))
    (state,) = crawl.states.values()
    assert state.outcome is Outcome.TIMED_OUT


async def test_a_machine_that_forgets_us_between_sweeps_is_refused_and_rests_longer(
    crawl: Crawl, tmp_path: Path
) -> None:
    stranger = generate_key(tmp_path / "stranger")
    with running_sshd(addresses=["127.47.0.3"], authorized_keys=[stranger]) as server:
        swept = range_of("127.47.0.3", ports=[server.port])
        await crawl.sweep(swept)
        await crawl.sweep(swept)
    (state,) = crawl.states.values()
    assert (state.outcome, state.refusals) == (Outcome.REFUSED_KEY, 2)
    assert state.retry_at > time.time() + 80
