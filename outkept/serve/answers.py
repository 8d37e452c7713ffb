"""How endpoints read their parameters and write their answers."""

from collections.abc import Awaitable
from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from outkept.model.event import EventType
from outkept.serve.encode import encode
from outkept.serve.problems import Problem
from outkept.serve.source import Page

Limit = Annotated[int, Query(ge=1, le=1000, description="most items on a page")]
Cursor = Annotated[str | None, Query(max_length=1000, description="`next` of the page before")]
Text = Annotated[str | None, Query(max_length=300)]
From = Annotated[float | None, Query(alias="from", ge=0, le=1e11, description="UNIX seconds")]
Types = Annotated[
    list[EventType] | None, Query(max_length=len(EventType), description="any of these")
]
To = Annotated[float | None, Query(ge=0, le=1e11, description="UNIX seconds")]

BAD_CURSOR = Problem(422, "query.cursor: not a cursor of this list; leave it out to start over")


class Answer(Response):
    """A JSON answer, encoded the way the live frames are."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return encode(content).encode("ascii")


def listed(page: Page) -> Response:
    """A page of a list as the contract has it."""
    items, following = page
    return Answer({"items": items, "next": following})


async def paged(answer: Awaitable[Page]) -> Response:
    """The page that is awaited, or what is wrong with its cursor."""
    try:
        return listed(await answer)
    except ValueError:
        raise BAD_CURSOR from None
