"""The websocket, over TCP, from the real listener."""

import asyncio
import json
import random
import socket
import zlib
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from outkept.serve.auth import Role
from outkept.serve.live import MOST_BYTES, MOST_FRAMES, Client, FullError, Hub
from outkept.serve.server import ListenError, ListenRefused, bind
from outkept.serve.websocket import UNAUTHENTICATED
from tests.serve.daemon import DEADLINE, Daemon, bearer, daemon, until
from tests.serve.fleet import Fleet, sensor, server, varied


@pytest.fixture
async def live() -> AsyncIterator[Daemon]:
    async with daemon(varied()) as running:
        yield running


async def frame(socket: ClientConnection, *types: str) -> Any:
    """The next frame of one of these types."""
    async with asyncio.timeout(DEADLINE):
        while True:
            received = json.loads(await socket.recv())
            if received["type"] in types:
                return received


async def until_closed(socket: ClientConnection) -> None:
    """Read on until the other side closes."""
    with suppress(ConnectionClosed):
        async with asyncio.timeout(DEADLINE):
            while True:
                await socket.recv()


def listen(live: Daemon, **more: Any) -> connect:
    options = {"additional_headers": bearer(), "max_size": None, "proxy": None} | more
    return connect(live.live, **options)


async def test_the_first_frame_is_a_snapshot_of_all_servers(live: Daemon) -> None:
    async with listen(live) as client:
        first = json.loads(await client.recv())
    assert first["type"] == "snapshot"
    assert {one["id"] for one in first["servers"]} == set(live.fleet.by_id)
    assert "identity" not in first["servers"][0]


async def test_a_delta_holds_only_what_changed(live: Daemon) -> None:
    server_id = "0000b1c2d3e4"
    async with listen(live) as client:
        snapshot = await frame(client, "snapshot")
        live.fleet.read(server_id, "load", value=7.25)
        delta = await frame(client, "delta")
    assert delta["seq"] == snapshot["seq"] + 1
    (changed,) = delta["servers"]
    assert set(changed) == {"id", "last_seen", "sensors"}
    (load,) = changed["sensors"]
    assert (load["name"], load["value"]) == ("load", 7.25)


async def test_each_delta_is_one_higher_and_they_add_up_to_the_truth(live: Daemon) -> None:
    async with listen(live) as client:
        snapshot = await frame(client, "snapshot")
        known = {one["id"]: one["sensors"][0]["value"] for one in snapshot["servers"]}
        seq = snapshot["seq"]
        for round_ in range(20):
            for server_id in list(live.fleet.by_id)[round_ % 5 :: 5]:
                live.fleet.read(server_id, "load", value=float(round_))
            delta = await frame(client, "delta")
            seq += 1
            assert delta["seq"] == seq
            known |= {one["id"]: one["sensors"][0]["value"] for one in delta["servers"]}
    assert known == {key: one["sensors"][0]["value"] for key, one in live.fleet.by_id.items()}


async def test_many_changes_of_one_server_are_one_change() -> None:
    fleet = varied(1)
    hub = fleet.hub = Hub(fleet)
    with hub.client() as client:
        await client.next()
        for value in range(500):
            fleet.read("0000b1c2d3e4", "load", value=float(value))
        hub.flush()
        frames = [json.loads((await client.next()).text) for _ in range(client.queued[0])]
    (delta,) = [one for one in frames if one["type"] == "delta"]
    assert delta["servers"][0]["sensors"][0]["value"] == 499.0


async def test_sensors_and_servers_that_are_gone_are_named(live: Daemon) -> None:
    first, second = list(live.fleet.by_id)[:2]
    async with listen(live) as client:
        await frame(client, "snapshot")
        sensors = live.fleet.by_id[first]["sensors"]
        left = [one for one in sensors if one["instance"] != "/var"]
        live.fleet.change(first, sensors=left)
        assert (await frame(client, "delta"))["gone"] == {first: [["disk", "/var"]]}
        live.fleet.remove(second)
        assert (await frame(client, "delta"))["removed"] == [second]
        live.fleet.put(server("new", "new.example.net", sensors=[sensor("load", 1.0)]))
        (added,) = (await frame(client, "delta"))["servers"]
    assert added["hostname"] == "new.example.net"
    assert "queued_up" in added


async def test_events_and_stats_are_told(live: Daemon) -> None:
    async with listen(live) as client:
        stats = await frame(client, "stats")
        assert stats["servers"] == 32
        assert stats["sweeps"][0]["range"] == "10.0.0.0/16"
        told = live.fleet.tell("message", "hello")
        assert (await frame(client, "event"))["events"] == [told]


async def test_a_snapshot_is_compressed_once_for_all_who_take_it_so() -> None:
    fleet = varied(40)
    hub = fleet.hub = Hub(fleet)
    with hub.client() as one:
        frame = await one.next()
    assert len(frame.deflated) < len(frame.text) / 4
    plain = zlib.decompressobj(-zlib.MAX_WBITS).decompress(frame.deflated + b"\0\0\xff\xff")
    assert plain.decode() == frame.text


async def test_a_client_that_takes_no_compression_gets_the_same(live: Daemon) -> None:
    async with listen(live) as packed, listen(live, compression=None) as plain:
        assert packed.protocol.extensions
        assert not plain.protocol.extensions
        first, second = await frame(packed, "snapshot"), await frame(plain, "snapshot")
    assert first["servers"] == second["servers"]


async def test_a_client_with_a_narrow_window_gets_nothing_it_cannot_unpack(live: Daemon) -> None:
    narrow = [ClientPerMessageDeflateFactory(server_max_window_bits=9)]
    async with listen(live, compression=None, extensions=narrow) as client:
        assert client.protocol.extensions
        assert (await frame(client, "snapshot"))["servers"]


async def test_what_changes_while_a_snapshot_is_made_is_told_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("outkept.serve.live.SLICE_S", 0.0)
    fleet = varied(30)
    hub = fleet.hub = Hub(fleet)
    ids = list(fleet.by_id)
    with hub.client() as client:
        async with asyncio.TaskGroup() as group:
            making = group.create_task(client.next())
            for number in range(10):
                await asyncio.sleep(0)
                fleet.read(ids[number], "load", value=100.0 + number)
                fleet.put(server(f"new{number}", "new", sensors=[sensor("load", 1.0)]))
                fleet.remove(ids[20 + number])
                hub.flush()
            assert not making.done()
        snapshot = json.loads(making.result().text)
        known = {one["id"]: dict(one) for one in snapshot["servers"]}
        seq = snapshot["seq"]
        while client.queued[0]:
            received = json.loads((await client.next()).text)
            if received["type"] != "delta":
                continue
            seq += 1
            assert received["seq"] == seq
            for one in received["servers"]:
                old = known.get(one["id"], {"sensors": []})
                names = {(s["name"], s["instance"]): s for s in old["sensors"]}
                names |= {(s["name"], s["instance"]): s for s in one.get("sensors", [])}
                known[one["id"]] = old | one | {"sensors": list(names.values())}
            for gone in received["removed"]:
                known.pop(gone, None)
    assert set(known) == set(fleet.by_id)
    for server_id in fleet.by_id:
        assert known[server_id] == fleet.summary(server_id)


async def test_frames_are_encoded_once_for_all_clients() -> None:
    fleet = varied(5)
    hub = fleet.hub = Hub(fleet)
    with hub.client() as one, hub.client() as other:
        assert await one.next() is await other.next()
        fleet.read("0000b1c2d3e4", "load", value=3.0)
        hub.flush()
        await one.next()
        await other.next()
        assert await one.next() is await other.next()


NOISE = random.Random(1).randbytes(100_000).hex()
"""Stays large when it is compressed: what isn't read fills the sockets' buffers soon."""


def _large(value: int) -> Any:
    return server("big", "big", sensors=[sensor("text", f"{value} {NOISE}")])


async def test_a_client_that_falls_behind_gets_a_snapshot_not_a_backlog() -> None:
    fleet = varied(3)
    hub = fleet.hub = Hub(fleet)
    with hub.client() as slow:
        await slow.next()
        for value in range(MOST_FRAMES * 3):
            fleet.read("0000b1c2d3e4", "load", value=float(value))
            hub.flush()
            assert slow.queued[0] <= MOST_FRAMES
        assert hub.fallen_behind == 1
        snapshot = json.loads((await slow.next()).text)
        assert snapshot["type"] == "snapshot"
        assert snapshot["servers"][0]["sensors"][0]["value"] == MOST_FRAMES * 3 - 1
        fleet.read("0000b1c2d3e4", "load", value=0.5)
        hub.flush()
        assert await _seq_of_next_delta(slow) == snapshot["seq"] + 1


async def _seq_of_next_delta(client: Client) -> int:
    while True:
        received = json.loads((await client.next()).text)
        if received["type"] == "delta":
            return int(received["seq"])


async def test_large_frames_count_by_their_size() -> None:
    fleet = varied(1)
    hub = fleet.hub = Hub(fleet)
    with hub.client() as slow:
        await slow.next()
        for value in range(100):
            fleet.put(_large(value))
            hub.flush()
            assert slow.queued[1] <= MOST_BYTES
        assert json.loads((await slow.next()).text)["type"] == "snapshot"


async def test_a_socket_that_is_not_read_neither_grows_nor_holds_up_others(live: Daemon) -> None:
    live.fleet.put(_large(0))
    async with listen(live) as quick, listen(live, max_queue=1) as stuck:
        await frame(quick, "snapshot")
        value = 0
        async with asyncio.timeout(DEADLINE * 3):
            while not live.hub.fallen_behind:
                value += 1
                live.fleet.put(_large(value))
                await frame(quick, "delta", "snapshot")
        live.fleet.put(server("big", "the end"))
        async with asyncio.timeout(DEADLINE * 3):
            names = ""
            while "the end" not in names:
                received = await frame(stuck, "snapshot", "delta")
                names = " ".join(one.get("hostname", "") for one in received["servers"])
        # A goodbye would wait behind what is still unread.
        stuck.transport.abort()


async def test_without_clients_the_hub_keeps_nothing() -> None:
    fleet = varied(2)
    hub = fleet.hub = Hub(fleet)
    with hub.client():
        fleet.read("0000b1c2d3e4", "load", value=3.0)
    fleet.read("0000b1c2d3e4", "load", value=4.0)
    hub.flush()
    with hub.client() as client:
        snapshot = json.loads((await client.next()).text)
    assert snapshot["servers"][0]["sensors"][0]["value"] == 4.0


async def test_the_hub_takes_a_bounded_number_of_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outkept.serve.live.MOST_CLIENTS", 1)
    hub = Hub(varied(1))
    with hub.client(), pytest.raises(FullError), hub.client():
        pass


async def test_a_script_without_a_token_is_refused(live: Daemon) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await listen(live, additional_headers={})
    assert refused.value.response.status_code == 401
    assert refused.value.response.headers["content-type"] == "application/problem+json"


async def test_a_page_without_a_session_is_closed_with_a_code_it_can_see(live: Daemon) -> None:
    origin = live.url.rstrip("/")
    async with listen(live, additional_headers={}, origin=origin) as client:
        with pytest.raises(ConnectionClosed):
            await client.recv()
        assert client.close_code == UNAUTHENTICATED


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
async def test_a_page_from_elsewhere_is_refused(live: Daemon, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await listen(live, origin=origin, additional_headers=bearer(Role.ADMIN))
    assert refused.value.response.status_code == 403


async def test_a_rebound_name_is_refused(live: Daemon) -> None:
    port = httpx.URL(live.url).port
    url = f"ws://evil.example:{port}/api/v1/live"
    with pytest.raises(InvalidStatus) as refused:
        await connect(url, host="127.0.0.1", additional_headers=bearer(), proxy=None)
    assert refused.value.response.status_code == 421


async def test_the_page_listens_with_its_cookie(live: Daemon) -> None:
    headers = {"cookie": "=".join(live.session())}
    async with listen(live, additional_headers=headers, origin=live.url.rstrip("/")) as client:
        assert (await frame(client, "snapshot"))["servers"]


async def test_what_clients_send_is_ignored_and_bounded(live: Daemon) -> None:
    async with listen(live) as client:
        await client.send('{"type": "shutdown"}')
        await client.send(b"\x00\xff")
        await asyncio.wait_for(await client.ping(), DEADLINE)
        assert await frame(client, "stats")
        await client.send("x" * 5000)
        await until_closed(client)
        assert client.close_code == 1009


async def test_a_client_that_leaves_is_forgotten(live: Daemon) -> None:
    async with listen(live) as client:
        await frame(client, "snapshot")
        assert "outkept_live_clients 1.0" in await _metrics(live)
    while "outkept_live_clients 0.0" not in await _metrics(live):
        pass


async def _metrics(live: Daemon) -> str:
    async with httpx.AsyncClient() as client:
        return (await client.get(f"{live.url}metrics")).text


async def test_stopping_ends_all_connections_in_time() -> None:
    async with asyncio.timeout(DEADLINE * 2):
        async with daemon(varied()) as running:
            client = await listen(running)
            await frame(client, "snapshot")
            idle = await asyncio.open_connection("127.0.0.1", httpx.URL(running.url).port)
        await until_closed(client)
        assert await idle[0].read() == b""
        idle[1].close()
        await client.close()


async def test_it_starts_again_on_the_port_it_left() -> None:
    async with daemon(varied(1)) as first:
        port = httpx.URL(first.url).port
        assert port is not None
    async with daemon(varied(1), port=port) as second, httpx.AsyncClient() as client:
        assert (await client.get(f"{second.url}healthz")).text == "ok\n"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.net", ""])
def test_listening_where_others_can_reach_it_is_refused(host: str) -> None:
    with pytest.raises(ListenRefused, match="reached from other machines") as refused:
        bind(host, 0)
    assert "\n" not in str(refused.value)


def test_a_port_in_use_is_one_clear_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match="already in use") as refused:
            bind("127.0.0.1", port)
    assert str(port) in str(refused.value)
    assert "\n" not in str(refused.value)


async def test_nothing_of_ours_is_awake_without_work() -> None:
    fleet = Fleet()
    hub = Hub(fleet)
    with hub.client() as client:
        assert json.loads((await client.next()).text)["servers"] == []
        assert json.loads((await client.next()).text)["type"] == "stats"
        hub.flush()
        while client.queued[0]:
            assert json.loads((await client.next()).text)["type"] == "stats"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.next(), 0.01)
    await until(lambda: not client.queued[0])


async def test_strangers_can_hold_a_bounded_number_of_connections(
    live: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outkept.serve.protocol.MOST_CONNECTIONS", 3)
    port = httpx.URL(live.url).port
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(DEADLINE):
        with suppress(ConnectionError):
            assert await reader.read() == b""
    for _, one in [*held, (reader, writer)]:
        one.close()
    async with httpx.AsyncClient() as client, asyncio.timeout(DEADLINE):
        while True:
            with suppress(httpx.TransportError):
                assert (await client.get(f"{live.url}healthz")).text == "ok\n"
                break


async def test_who_asks_nothing_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outkept.serve.protocol.ASK_WITHIN_S", 0.05)
    async with daemon(varied(1)) as running:
        port = httpx.URL(running.url).port
        silent = await asyncio.open_connection("127.0.0.1", port)
        slow = await asyncio.open_connection("127.0.0.1", port)
        head = b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
        slow[1].write(head + b"{")
        async with asyncio.timeout(DEADLINE):
            for reader, writer in (silent, slow):
                with suppress(ConnectionError):
                    await reader.read()
                writer.close()
        async with listen(running) as client:
            assert await frame(client, "snapshot")
            for _ in range(3):
                assert await frame(client, "stats")
