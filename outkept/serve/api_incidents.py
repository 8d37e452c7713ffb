"""Endpoints about incidents: events and reactions of one series, from its leaving normal to its
recovery."""

import time
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from outkept.serve import shapes_incidents as shapes
from outkept.serve.answers import Answer, Cursor, Text, paged
from outkept.serve.needs import READ
from outkept.serve.problems import Problem
from outkept.serve.source import Source


def add_incidents(router: APIRouter, source: Source) -> None:
    """/incidents and one of them."""

    @router.get("/incidents", response_model=shapes.Incidents, dependencies=READ)
    async def incidents(
        limit: Annotated[int, Query(ge=1, le=200, description="most items on a page")] = 50,
        cursor: Cursor = None,
        server: Text = None,
        state: Literal["open", "ended"] | None = None,
        acknowledged: bool | None = None,
    ) -> Response:
        """Incidents: those that are open, the newest first, then the last to end first."""
        found = source.incidents(
            limit, cursor, server=server, state=state, acknowledged=acknowledged
        )
        return await paged(found)

    @router.get("/incidents/{event}", response_model=shapes.IncidentDetail, dependencies=READ)
    async def incident(event: int) -> Response:
        """One incident, by the id of the event that opened it or of any other event of it."""
        found = await source.incident(event, time.time())
        if found is None:
            raise Problem(404, f"event {event} is part of no incident; GET /api/v1/incidents")
        return Answer(found)
