"""The JSON API of the contract, under /api/v1."""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.responses import Response

from outkept.model.event import EventQuery
from outkept.model.level import ServerStatus
from outkept.serve import paging, shapes_discovery, shapes_events, shapes_servers
from outkept.serve.access import Access
from outkept.serve.answers import (
    BAD_CURSOR,
    Answer,
    Cursor,
    From,
    Limit,
    Text,
    To,
    Types,
    listed,
    paged,
)
from outkept.serve.api_control import add_control
from outkept.serve.api_desk import add_desk
from outkept.serve.api_discovery import add_discovery
from outkept.serve.api_incidents import add_incidents
from outkept.serve.api_notices import add_notices
from outkept.serve.api_overrides import add_overrides
from outkept.serve.api_reactions import add_reactions
from outkept.serve.api_sensors import add_sensors
from outkept.serve.auth import Scope
from outkept.serve.description import ERRORS, Description
from outkept.serve.needs import READ, needs, stated
from outkept.serve.problems import Problem
from outkept.serve.source import Json, Source


def create_router(source: Source, access: Access) -> APIRouter:
    """All endpoints, reading from `source`, for whom `access` lets in."""

    described = [
        Depends(HTTPBearer(auto_error=False, description="`outkept token` prints one")),
        Depends(APIKeyCookie(name=access.cookie, auto_error=False, description="the page's")),
    ]
    router = APIRouter(
        prefix="/api/v1", dependencies=[Depends(stated), *described], responses=ERRORS
    )
    _add_servers(router, source)
    _add_lists(router, source)
    add_sensors(router, source)
    add_discovery(router, source)
    add_incidents(router, source)
    add_desk(router, source)
    add_control(router, source)
    add_reactions(router, source)
    add_notices(router, source)
    add_overrides(router, source)

    @router.post(
        "/sweeps",
        status_code=202,
        response_model=shapes_discovery.Sweeps,
        dependencies=[needs(Scope.SWEEP)],
    )
    async def start_sweep(wanted: shapes_discovery.SweepRequest) -> Response:
        """Sweep a configured range now."""
        try:
            started = await source.start_sweep(wanted.range)
        except KeyError:
            raise Problem(
                404, f"no range {wanted.range!r} is configured; GET /api/v1/sweeps lists them"
            ) from None
        return Answer({"items": started, "next": None}, 202)

    description = Description()

    @router.get("/openapi.json", include_in_schema=False, dependencies=READ)
    async def openapi(request: Request) -> Response:
        return Response(await description.of(request.app), media_type="application/json")

    return router


def _add_servers(router: APIRouter, source: Source) -> None:
    @router.get("/servers", response_model=shapes_servers.Servers, dependencies=READ)
    async def servers(
        status: ServerStatus | None = None,
        q: Text = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        """Servers by hostname. `q` is looked for in hostname, id, addresses and labels."""
        found: list[Json] = [{"hostname": name, "id": id_} for name, id_ in source.find(status, q)]
        try:
            names, following = paging.page(found, _by_name, limit, cursor)
        except ValueError:
            raise BAD_CURSOR from None
        # Only these are made: all of a large fleet would hold up the readings.
        page = [summary for one in names if (summary := source.summary(one["id"]))]
        return listed((page, following))

    @router.get(
        "/servers/{server_id}", response_model=shapes_servers.ServerDetail, dependencies=READ
    )
    async def server(server_id: str) -> Response:
        """One server, with its endpoints, identity and the sensors it does not support."""
        found = source.server(server_id)
        if found is None:
            raise Problem(404, f"no server has the id {server_id[:80]!r}")
        return Answer(found)

    @router.get(
        "/servers/{server_id}/sensors/{name:path}/history",
        response_model=shapes_servers.History,
        dependencies=READ,
    )
    async def history(
        server_id: str,
        name: str,
        instance: Text = None,
        from_: From = None,
        to: To = None,
        points: Annotated[int, Query(ge=1, le=5000)] = 300,
    ) -> Response:
        """A series' history; without `to` until now, without `from` the hour before `to`."""
        end = time.time() if to is None else to
        start = end - 3600 if from_ is None else from_
        if not start < end:
            raise Problem(422, "query.from: must be earlier than `to` (both in UNIX seconds)")
        found = await source.history(server_id, name, instance, start, end, points)
        if found is None:
            raise Problem(404, f"server {server_id[:80]!r} has no series of sensor {name[:80]!r}")
        return Answer({"points": found})


def _add_lists(router: APIRouter, source: Source) -> None:
    @router.get("/events", response_model=shapes_events.Events, dependencies=READ)
    async def events(
        limit: Limit = 100,
        cursor: Cursor = None,
        server: Text = None,
        sensor: Text = None,
        type: Types = None,
        q: Annotated[str | None, Query(max_length=200)] = None,
        from_: From = None,
        to: To = None,
    ) -> Response:
        """Events, newest first. `type` may be given several times; `sensor` is a name, or
        `name[instance]`; `q` is looked for in the message."""
        wanted = EventQuery(server, sensor, tuple(type or ()), from_, to, q or None)
        return await paged(source.events(limit, cursor, wanted))

    @router.get("/actions", response_model=shapes_events.Actions, dependencies=READ)
    async def actions(limit: Limit = 100, cursor: Cursor = None, server: Text = None) -> Response:
        """Reactions that ran, or would have, newest first."""
        return await paged(source.actions(limit, cursor, server=server))

    @router.get("/addresses", response_model=shapes_discovery.Addresses, dependencies=READ)
    async def addresses(
        limit: Limit = 100, cursor: Cursor = None, outcome: Text = None, reason: Text = None
    ) -> Response:
        """How each swept address ended, newest first."""
        return await paged(source.addresses(limit, cursor, outcome=outcome, reason=reason))

    @router.get("/sweeps", response_model=shapes_discovery.Sweeps, dependencies=READ)
    async def sweeps(limit: Limit = 100, cursor: Cursor = None) -> Response:
        """Sweeps, newest first."""
        try:
            found = paging.page(source.sweeps(), _by_start, limit, cursor, newest_first=True)
        except ValueError:
            raise BAD_CURSOR from None
        return listed(found)

    @router.get("/stats", response_model=shapes_servers.Stats, dependencies=READ)
    async def stats() -> Response:
        """Counters of the last 24 hours."""
        return Answer(source.stats())


def _by_name(server: Json) -> paging.Position:
    return [server["hostname"].casefold(), server["id"]]


def _by_start(sweep: Json) -> paging.Position:
    return [sweep["started"], sweep["id"]]
