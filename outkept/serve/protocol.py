"""The websocket side of the listener: messages that were compressed once for all clients.

Compressing for each client would cost what encoding once for all saves, so nothing is compressed
here. A message that comes with its compressed form is sent as that where the browser takes it.
"""

from dataclasses import replace
from typing import Any, cast

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import (
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from websockets.frames import Frame, Opcode
from websockets.typing import ExtensionName, ExtensionParameter

DEFLATED = "deflated"
"""Key of a `websocket.send` message whose bytes are its text, compressed by itself with a window
of 32 KB, as RFC 7692 §7.2.1 has it."""

_WIDEST = 15


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


class LiveProtocol(WebSocketsSansIOProtocol):
    """uvicorn's websocket protocol, with prepared messages."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.conn.available_extensions = [_Factory()]

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
