"""Every error of the API as a problem detail (RFC 9457)."""

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from outkept.serve.encode import encode

_log = logging.getLogger(__name__)


class Problem(HTTPException):
    """An answer that isn't what was asked for. `detail` says what is wrong and what to do."""

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, detail, headers)


def problem(
    status: int, detail: str, headers: dict[str, str] | None = None, **more: Any
) -> Response:
    """The response for an error. `more` are extension members (RFC 9457 §3.2)."""
    body = {"type": "about:blank", "title": _title(status), "status": status, "detail": detail}
    return Response(
        encode(body | more), status, headers=headers, media_type="application/problem+json"
    )


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def install(app: FastAPI) -> None:
    """Make `app` answer all its errors as problem details."""
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _failed)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = error.detail
    if not isinstance(error, Problem):
        detail = f"{request.method} {request.url.path}: {error.detail}"[:300]
    return problem(error.status_code, detail, dict(error.headers or {}))


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [
        {"where": ".".join(str(part) for part in one["loc"])[:200], "what": one["msg"][:200]}
        for one in error.errors()[:20]
    ]
    detail = "; ".join(f"{one['where']}: {one['what']}" for one in errors)
    return problem(422, detail, errors=errors)


async def _failed(request: Request, error: Exception) -> Response:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(500, "the daemon failed to answer; its log says why")
