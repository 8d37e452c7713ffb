"""What every request passes before the application, and every response after it."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from outkept.serve.access import Access
from outkept.serve.place import peer_of
from outkept.serve.problems import problem

LARGEST_BODY = 64 * 1024
"""Bytes; the largest body any endpoint has a use for is a line."""

_CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)

_HEADERS = {
    "content-security-policy": _CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Guard:
    """Wraps the whole application, its error pages included: refuses peers that have no
    business here, names that aren't ours and bodies without a bound, and gives each response
    its security headers."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        answer = _secured(send)
        refusal = self._refusal(peer_of(scope), Headers(scope=scope))
        if refusal is None:
            await self._app(scope, receive, answer)
        else:
            await problem(*refusal)(scope, receive, answer)

    def _refusal(self, peer: str, headers: Headers) -> tuple[int, str] | None:
        place = self._access.place
        if not place.admits(peer):
            return 403, "this listener is for the reverse proxy named in dashboard.proxy"
        if not place.host_is_ours(headers):
            ours = place.origin or "localhost or its listen address"
            return 421, f"this Host name is not this daemon's; use {ours}"
        if "transfer-encoding" in headers:
            return 411, "send the body with a Content-Length"
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            return 413, f"the body is larger than {LARGEST_BODY} bytes"
        return None


def _secured(send: Send) -> Send:
    async def answer(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers.setdefault("cache-control", "no-store")
        await send(message)

    return answer
