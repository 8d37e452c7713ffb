"""/api/v1/live: the hub's frames to one client, over a websocket."""

import asyncio

from fastapi import FastAPI, WebSocket
from starlette.websockets import WebSocketDisconnect

from outkept.serve.access import Access
from outkept.serve.auth import Scope
from outkept.serve.live import Client, FullError, Hub
from outkept.serve.problems import problem
from outkept.serve.protocol import DEFLATED

UNAUTHENTICATED = 4401
"""Close code for a browser, which can't see the status of a refused handshake."""

TRY_AGAIN_LATER = 1013

LOOK_EVERY = 1.0
"""Seconds between two looks at whether a client's token or session still holds."""

_PAUSE = 0.05
"""Seconds between two incoming frames we read. We have no use for any; a flood of them waits
in the client's own buffers."""


def add_live(app: FastAPI, hub: Hub, access: Access) -> None:
    """Give `app` the websocket of the contract."""

    @app.websocket("/api/v1/live")
    async def live(socket: WebSocket) -> None:
        from_browser = "origin" in socket.headers
        if from_browser and not access.origin_is_ours(socket.headers):
            await socket.send_denial_response(
                problem(403, "this page was not served by this daemon")
            )
        elif _may_read(access, socket):
            await _serve(socket, hub, access)
        elif from_browser:
            await socket.accept()
            await socket.close(UNAUTHENTICATED, "open the page anew to sign in")
        else:
            known = access.grant(socket.headers) is not None
            await socket.send_denial_response(
                problem(403, f"this needs the scope {Scope.READ}")
                if known
                else problem(401, "send Authorization: Bearer TOKEN; `outkept token` prints one")
            )


def _may_read(access: Access, socket: WebSocket) -> bool:
    grant = access.grant(socket.headers)
    return grant is not None and Scope.READ in grant.scopes


async def _serve(socket: WebSocket, hub: Hub, access: Access) -> None:
    await socket.accept()
    try:
        with hub.client() as client:
            async with asyncio.TaskGroup() as tasks:
                sender = tasks.create_task(_send(socket, client))
                gone = tasks.create_task(_until_gone(socket))
                ended = tasks.create_task(_until_signed_out(socket, access))
                await asyncio.wait((gone, ended), return_when=asyncio.FIRST_COMPLETED)
                for task in (sender, gone, ended):
                    task.cancel()
            if gone.cancelled():
                await socket.close(UNAUTHENTICATED, "signed out")
    except FullError as full:
        await socket.close(TRY_AGAIN_LATER, str(full))


async def _send(socket: WebSocket, client: Client) -> None:
    """Sending waits while the client's buffers are full; the listener's TCP_USER_TIMEOUT ends
    a connection whose peer takes nothing at all."""
    try:
        while True:
            frame = await client.next()
            await socket.send(
                {"type": "websocket.send", "text": frame.text, DEFLATED: frame.deflated}
            )
    except WebSocketDisconnect:
        return


async def _until_gone(socket: WebSocket) -> None:
    message = await socket.receive()
    while message["type"] != "websocket.disconnect":
        await asyncio.sleep(_PAUSE)
        message = await socket.receive()


async def _until_signed_out(socket: WebSocket, access: Access) -> None:
    while _may_read(access, socket):  # noqa: ASYNC110 - another process may revoke it
        await asyncio.sleep(LOOK_EVERY)
