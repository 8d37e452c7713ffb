"""Endpoint of overrides: which servers they touch."""

from fastapi import APIRouter
from starlette.responses import Response

from outkept.serve.answers import Text, listed
from outkept.serve.needs import READ
from outkept.serve.problems import Problem
from outkept.serve.shapes_overrides import Overrides
from outkept.serve.source import Source


def add_overrides(router: APIRouter, source: Source) -> None:
    """/overrides."""

    @router.get("/overrides", response_model=Overrides, dependencies=READ)
    async def overrides(server: Text = None) -> Response:
        """The configuration's overrides in their order, each with the servers it touches; of one
        server (an id), those that touch it. There is only one page."""
        found = await source.overrides(server)
        if found is None:
            raise Problem(404, f"no server has the id {(server or '')[:80]!r}")
        return listed((found, None))
