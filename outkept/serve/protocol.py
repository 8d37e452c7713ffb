"""What uvicorn speaks on our listener: a bounded number of connections, and messages that were
compressed once for all clients.

Compressing for each client would cost what encoding once for all saves, so nothing is compressed
here. A message that comes with its compressed form is sent as that where the browser takes it.
"""

import asyncio
from dataclasses import replace
from typing import Any, cast

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import (
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.typing import ExtensionName, ExtensionParameter

DEFLATED = "deflated"
"""Key of a `websocket.send` message whose bytes are its text, compressed by itself with a window
of 32 KB, as RFC 7692 §7.2.1 has it."""

ENDLESS = "endless"
"""Key of a request's `state` that says that its answer has no end of its own: it isn't waited for
when the server ends."""

_WIDEST = 15

MOST_CONNECTIONS = 1000
"""Of browsers and scripts at once, websockets included."""
ASK_WITHIN_S = 30.0
"""For the first request of a connection to have come as a whole; uvicorn bounds the time between
requests."""


class _AsGiven(PerMessageDeflate):
    """Takes what clients compress; leaves what we send as it is, which RFC 7692 §6 allows."""

    def encode(self, frame: Frame) -> Frame:
        """The frame itself."""
        return frame


class _Marked(Extension):
    """Says of a frame that its data are compressed."""

    name = ExtensionName("permessage-deflate")

    def encode(self, frame: Frame) -> Frame:
        """The frame with RSV1."""
        return replace(frame, rsv1=True)


class _Factory(ServerPerMessageDeflateFactory):
    """Negotiates that each message is compressed by itself: only such can be shared."""

    def __init__(self) -> None:
        super().__init__(server_no_context_takeover=True, client_no_context_takeover=True)

    def process_request_params(
        self, params: Any, accepted_extensions: Any
    ) -> tuple[list[ExtensionParameter], PerMessageDeflate]:
        """The usual negotiation, ending in our extension."""
        answer, agreed = super().process_request_params(params, accepted_extensions)
        ours = _AsGiven(
            agreed.remote_no_context_takeover,
            agreed.local_no_context_takeover,
            agreed.remote_max_window_bits,
            agreed.local_max_window_bits,
        )
        return answer, ours


class PageProtocol(H11Protocol):
    """uvicorn's HTTP protocol, for strangers: before anybody is asked who they are, they could
    use up the file descriptors that servers are read with."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """One more connection. Too many, or silent for ASK_WITHIN_S, it is ended."""
        super().connection_made(transport)  # type: ignore[arg-type]
        if len(self.connections) > MOST_CONNECTIONS:
            self.transport.abort()
        else:
            self.loop.call_later(ASK_WITHIN_S, self._end_unasked)

    def shutdown(self) -> None:
        """The server ends: an answer that would go on is cut off, the others have their time."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete and _is_endless(cycle):
            self.transport.abort()
        else:
            super().shutdown()

    def _end_unasked(self) -> None:
        first: RequestResponseCycle | None = self.cycle
        if self in self.connections and (first is None or first.more_body):
            self.transport.abort()


def _is_endless(cycle: RequestResponseCycle) -> bool:
    return ENDLESS in cycle.scope.get("state", {})


class LiveProtocol(WebSocketsSansIOProtocol):
    """uvicorn's websocket protocol, with prepared messages."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.conn.available_extensions = [_Factory()]

    def shutdown(self) -> None:
        """Say goodbye at the server's end. To a client that has said it already there is
        nothing to say: uvicorn would raise, and leave all other connections open."""
        if self.handshake_complete and self.conn.state is not State.OPEN:
            self.stop_keepalive()
            self.transport.close()
            return
        super().shutdown()

    async def send(self, message: ASGISendEvent) -> None:
        """See the class. A message under way is bounded by the transport's own buffer."""
        deflated = cast("dict[str, Any]", message).pop(DEFLATED, b"")
        if not deflated or not self.handshake_complete or self.close_sent or not self._wide():
            await super().send(message)
            return
        await self.writable.wait()
        if not self.disconnected:
            frame = Frame(Opcode.TEXT, deflated)
            self.transport.write(frame.serialize(mask=False, extensions=[_Marked()]))

    def _wide(self) -> bool:
        """Whether the client's window holds what was compressed with ours."""
        return any(
            isinstance(one, PerMessageDeflate) and one.local_max_window_bits == _WIDEST
            for one in self.conn.extensions
        )
