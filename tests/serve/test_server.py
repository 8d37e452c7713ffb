"""The listener's end: it comes, whatever the clients are in the middle of."""

import asyncio
import gc
import socket
import warnings

from starlette.types import Receive, Scope, Send
from websockets.client import ClientProtocol
from websockets.uri import parse_uri

from outkept.serve.server import bind, serve

DEADLINE = 20.0
MORE_THAN_A_SOCKET_HOLDS = "x" * 16_000_000


async def test_it_ends_while_a_client_that_takes_nothing_more_says_goodbye() -> None:
    left = asyncio.Event()
    sent = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "websocket"
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": MORE_THAN_A_SOCKET_HOLDS})
        sent.set()
        while (await receive())["type"] != "websocket.disconnect":
            pass
        left.set()

    listener = bind("127.0.0.1", 0)
    address = listener.getsockname()
    listening = asyncio.Event()
    async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(serve(app, listener, ready=listening.set))
        await listening.wait()
        with socket.create_connection(address) as client:
            talk = ClientProtocol(parse_uri(f"ws://127.0.0.1:{address[1]}/"), max_size=None)
            talk.send_request(talk.connect())
            client.sendall(b"".join(talk.data_to_send()))
            await sent.wait()
            talk.receive_data(await asyncio.to_thread(client.recv, 4096))
            talk.send_close(1001)
            client.sendall(b"".join(talk.data_to_send()))
            await left.wait()
            serving.cancel()
            await asyncio.wait([serving])
    assert serving.cancelled()


async def test_what_is_accepted_as_it_ends_is_closed() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError(f"nobody asked for {scope}")

    listener = bind("127.0.0.1", 0)
    address = listener.getsockname()
    listening = asyncio.Event()
    async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(serve(app, listener, ready=listening.set))
        await listening.wait()
        with socket.socket() as client, warnings.catch_warnings():
            warnings.simplefilter("error", ResourceWarning)

            def end() -> None:
                """In the turn in which it gets to know, it accepts somebody."""
                serving.cancel()
                client.connect(address)

            asyncio.get_running_loop().call_soon(end)
            await asyncio.wait([serving])
            client.settimeout(DEADLINE)
            assert client.recv(1) == b""
            gc.collect()
    assert serving.cancelled()
