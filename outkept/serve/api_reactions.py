"""Endpoints about reactions as a whole: how they stand, the kill switch, latches."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from outkept.serve import shapes_reactions as shapes
from outkept.serve.answers import Answer
from outkept.serve.auth import Scope
from outkept.serve.needs import READ, needs
from outkept.serve.problems import Problem
from outkept.serve.reactions import NotKeptError
from outkept.serve.source import Source

ACT = [needs(Scope.ACT)]


def add_reactions(router: APIRouter, source: Source) -> None:
    """/reactions, the kill switch under it, and its latches."""
    reactions = source.reactions

    @router.get("/reactions", response_model=shapes.Reactions, dependencies=READ)
    async def show() -> Response:
        """The mode, whether all reactions are stopped, what is latched, what runs and waits, and
        how much of each bound is used."""
        return Answer(reactions.view())

    @router.put("/reactions/stop", response_model=shapes.Reactions, dependencies=ACT)
    async def stop(request: Request, wanted: shapes.StopRequest) -> Response:
        """Stop all reactions at once, those that wait for their turn too, until a person resumes
        them. What runs already goes on to its end."""
        try:
            await reactions.stop(wanted.reason, request.state.grant.signature)
        except NotKeptError as error:
            raise Problem(503, str(error)) from None
        return Answer(reactions.view())

    @router.delete("/reactions/stop", response_model=shapes.Reactions, dependencies=ACT)
    async def resume(request: Request) -> Response:
        """Let reactions run again. Nothing is made up for: what was held stays undone."""
        try:
            await reactions.resume(request.state.grant.signature)
        except NotKeptError as error:
            raise Problem(503, str(error)) from None
        return Answer(reactions.view())

    @router.delete(
        "/reactions/latches/{server_id}/{name:path}",
        response_model=shapes.Reactions,
        dependencies=ACT,
    )
    async def release(request: Request, server_id: str, name: str) -> Response:
        """Let the reactions of a sensor that is latched on a server run again."""
        try:
            released = await reactions.release(server_id, name, request.state.grant.signature)
        except NotKeptError as error:
            raise Problem(503, str(error)) from None
        if not released:
            raise Problem(
                404,
                f"the reactions of {name[:80]!r} are not latched on server {server_id[:80]!r};"
                " GET /api/v1/reactions lists the latches",
            )
        return Answer(reactions.view())
