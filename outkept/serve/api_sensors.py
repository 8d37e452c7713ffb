"""Endpoints about one sensor across the fleet."""

import time
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from outkept.serve import shapes_sensors as shapes
from outkept.serve.answers import BAD_CURSOR, Answer, Cursor, From, Limit, Text, To, listed
from outkept.serve.needs import READ
from outkept.serve.problems import Problem
from outkept.serve.source import Source

DAY_S = 86400.0
MOST_COLUMNS = 500


def add_sensors(router: APIRouter, source: Source) -> None:
    """The endpoints below /sensors."""

    # A name may have slashes, so what comes after it is told apart first.
    @router.get(
        "/sensors/{name:path}/servers", response_model=shapes.SensorServers, dependencies=READ
    )
    async def sensor_servers(
        name: str,
        supported: bool | None = None,
        reason: Text = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        """Which servers have a sensor, by hostname, and why the others don't."""
        try:
            found = source.sensor_servers(name, limit, cursor, supported=supported, reason=reason)
        except ValueError:
            raise BAD_CURSOR from None
        if found is None:
            raise _no_sensor(name)
        return listed(found)

    @router.get("/sensors/{name:path}/heatmap", response_model=shapes.HeatMap, dependencies=READ)
    async def heatmap(
        name: str,
        from_: From = None,
        to: To = None,
        columns: Annotated[int, Query(ge=1, le=MOST_COLUMNS)] = 96,
        rows: Annotated[int, Query(ge=1, le=1000, description="most rows")] = 100,
        order: Literal["highest", "lowest", "name"] = "highest",
    ) -> Response:
        """A sensor's values over time on all servers; without `to` until now, without `from` the
        day before `to`."""
        end = time.time() if to is None else to
        start = end - DAY_S if from_ is None else from_
        if not start < end:
            raise Problem(422, "query.from: must be earlier than `to` (both in UNIX seconds)")
        try:
            return Answer(await source.heatmap(name, start, end, columns, rows, order))
        except ValueError as error:
            raise Problem(422, f"query.columns: {error}") from None

    @router.get("/sensors/{name:path}", response_model=shapes.SensorDefinition, dependencies=READ)
    async def sensor(name: str) -> Response:
        """A sensor's definition and its coverage."""
        found = await source.sensor(name)
        if found is None:
            raise _no_sensor(name)
        return Answer(found)

    @router.get("/sensors", response_model=shapes.Sensors, dependencies=READ)
    async def sensors() -> Response:
        """The sensors of the library, by name. There is only one page."""
        return listed((await source.sensors(), None))


def _no_sensor(name: str) -> Problem:
    return Problem(404, f"no sensor is called {name[:80]!r}; GET /api/v1/sensors lists them")
