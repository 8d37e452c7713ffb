"""Endpoints about notices: what was told to whom, how the targets stand, and a test of one."""

from fastapi import APIRouter
from starlette.responses import Response

from outkept.model.notice import DeliveryState
from outkept.serve import shapes_notices as shapes
from outkept.serve.answers import Answer, Cursor, Limit, Text, listed, paged
from outkept.serve.auth import Scope
from outkept.serve.needs import READ, needs
from outkept.serve.problems import Problem
from outkept.serve.source import Source


def add_notices(router: APIRouter, source: Source) -> None:
    """/notices and /targets."""

    @router.get("/notices", response_model=shapes.Notices, dependencies=READ)
    async def notices(
        limit: Limit = 100,
        cursor: Cursor = None,
        target: Text = None,
        state: DeliveryState | None = None,
    ) -> Response:
        """Notices, newest first: waiting, sent or given up."""
        word = None if state is None else state.value
        return await paged(source.notices.page(limit, cursor, target=target, state=word))

    @router.get("/targets", response_model=shapes.Targets, dependencies=READ)
    async def targets() -> Response:
        """Those who are told, and whether notices reach them. There is only one page."""
        return listed((source.notices.targets(), None))

    @router.post(
        "/targets/{name}/test", response_model=shapes.Tested, dependencies=[needs(Scope.ACT)]
    )
    async def test(name: str) -> Response:
        """Send a test to a target and wait for what comes of it."""
        try:
            error = await source.notices.test(name)
        except KeyError:
            raise Problem(
                404, f"no target is called {name[:80]!r}; GET /api/v1/targets lists them"
            ) from None
        return Answer({"target": name, "sent": not error, "error": error})
