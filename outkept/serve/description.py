"""What the API says of itself, at /api/v1/openapi.json. Few ask, so it is made when one does."""

import asyncio
from typing import Any

from fastapi import FastAPI

from outkept.serve.encode import encode
from outkept.serve.shapes import ProblemDetail

_PROBLEM = ProblemDetail.__name__

ERRORS: dict[int | str, dict[str, Any]] = {
    code: {
        "content": {
            "application/problem+json": {"schema": {"$ref": f"#/components/schemas/{_PROBLEM}"}}
        }
    }
    for code in (401, 403, 404, 422)
}
"""What every endpoint may answer instead: the `responses` of a router. By reference, as FastAPI
would make a validator of a model, for each code of each route."""


class Description:
    """The description of an application in JSON."""

    def __init__(self) -> None:
        self._making = asyncio.Lock()
        self._text: bytes | None = None

    async def of(self, app: FastAPI) -> bytes:
        """Made in a thread at the first call, for it takes a third of a second; who calls
        meanwhile waits for the same. Cancelling one call lets the next make it."""
        async with self._making:
            if self._text is None:
                self._text = await asyncio.to_thread(_describe, app)
        return self._text


def _describe(app: FastAPI) -> bytes:
    description = app.openapi()
    # FastAPI keeps what it made; the text is all that is needed.
    app.openapi_schema = None
    description["components"]["schemas"][_PROBLEM] = ProblemDetail.model_json_schema()
    return encode(description).encode("ascii")
