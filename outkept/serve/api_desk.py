"""Endpoints of silences, and of what people say of incidents."""

import time
from collections.abc import Awaitable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from outkept.model.silence import SilenceState
from outkept.serve import shapes, shapes_incidents
from outkept.serve.answers import Answer, Cursor, Limit, paged
from outkept.serve.auth import Grant, Scope
from outkept.serve.desk import DeskError, FullError, NotThereError, NotWrittenError, OverError
from outkept.serve.needs import READ, needs
from outkept.serve.problems import Problem
from outkept.serve.shapes_desk import (
    AcknowledgementRequest,
    NoteRequest,
    Silence,
    SilenceDetail,
    SilenceRequest,
    Silences,
)
from outkept.serve.silencing import silence_of
from outkept.serve.source import Json, Source

ACT = [needs(Scope.ACT)]
_STATUS: dict[type[DeskError], int] = {
    NotThereError: 404,
    OverError: 409,
    FullError: 409,
    NotWrittenError: 503,
}
_MORE: dict[int | str, dict[str, Any]] = {
    code: {"model": shapes.ProblemDetail, "content": {"application/problem+json": {}}}
    for code in (409, 503)
}
Id = Annotated[int, Path(ge=1, lt=1 << 62)]


def add_desk(router: APIRouter, source: Source) -> None:
    """/silences, and what is written to /incidents."""
    _add_silences(router, source)
    _add_incidents(router, source)


def _add_silences(router: APIRouter, source: Source) -> None:
    desk = source.desk

    @router.get("/silences", response_model=Silences, dependencies=READ)
    async def silences(
        limit: Limit = 100, cursor: Cursor = None, state: SilenceState | None = None
    ) -> Response:
        """Silences, the newest first."""
        return await paged(desk.silences(limit, cursor, state))

    @router.post(
        "/silences",
        status_code=201,
        response_model=SilenceDetail,
        dependencies=ACT,
        responses=_MORE,
    )
    async def add_silence(request: Request, wanted: SilenceRequest) -> Response:
        """Have nobody told of something, and nothing react to it, for a time."""
        silence = silence_of(wanted, time.time(), _person(request))
        return Answer(await _done(desk.add_silence(silence)), 201)

    @router.post("/silences/preview", response_model=SilenceDetail, dependencies=ACT)
    async def preview(request: Request, wanted: SilenceRequest) -> Response:
        """What a silence would match, without making it."""
        silence = silence_of(wanted, time.time(), _person(request))
        return Answer(await _done(desk.preview(silence)))

    @router.get("/silences/{id}", response_model=SilenceDetail, dependencies=READ)
    async def silence(id: Id) -> Response:
        """One silence, with what it matches now."""
        return Answer(await _done(desk.silence(id)))

    @router.delete("/silences/{id}", response_model=Silence, dependencies=ACT, responses=_MORE)
    async def end_silence(request: Request, id: Id) -> Response:
        """End a silence now."""
        return Answer(await _done(desk.end_silence(id, _person(request))))


def _add_incidents(router: APIRouter, source: Source) -> None:
    desk = source.desk

    @router.post(
        "/incidents/{id}/acknowledge",
        response_model=shapes_incidents.Incident,
        dependencies=ACT,
        responses=_MORE,
    )
    async def acknowledge(
        request: Request, id: Id, wanted: AcknowledgementRequest | None = None
    ) -> Response:
        """Take an incident on: until it has recovered, nobody is reminded of it, and nothing
        reacts. Whoever does so last has it."""
        comment = (wanted.comment if wanted is not None else None) or ""
        return Answer(await _done(desk.acknowledge(id, _person(request), comment)))

    @router.delete(
        "/incidents/{id}/acknowledge",
        response_model=shapes_incidents.Incident,
        dependencies=ACT,
        responses=_MORE,
    )
    async def withdraw(request: Request, id: Id) -> Response:
        """Nobody has taken it on any more."""
        return Answer(await _done(desk.withdraw(id, _person(request))))

    @router.post(
        "/incidents/{id}/notes",
        status_code=201,
        response_model=shapes_incidents.Incident,
        dependencies=ACT,
        responses=_MORE,
    )
    async def note(request: Request, id: Id, wanted: NoteRequest) -> Response:
        """Write something to an incident, also to one that is over."""
        return Answer(await _done(desk.note(id, _person(request), wanted.text)), 201)


def _person(request: Request) -> str:
    grant: Grant = request.state.grant
    return grant.signature


async def _done(answer: Awaitable[Json]) -> Json:
    try:
        return await answer
    except DeskError as error:
        raise Problem(_STATUS[type(error)], str(error)) from None
