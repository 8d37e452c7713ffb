"""Endpoints that have the library's commands run on servers."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from outkept.serve import shapes_control as shapes
from outkept.serve.answers import Answer, listed
from outkept.serve.auth import Scope
from outkept.serve.control import (
    ChangedError,
    Control,
    ControlError,
    FullError,
    Selection,
    UnknownError,
    Wanted,
)
from outkept.serve.lines import Lines
from outkept.serve.needs import READ, access_of, needs
from outkept.serve.problems import Problem, problem
from outkept.serve.source import Source

ACT = [needs(Scope.ACT)]
FULL_WAIT = 10
"""Seconds after which to try again where there is no room."""

RunId = Annotated[str, Path(max_length=64)]


def add_control(router: APIRouter, source: Source) -> None:
    """/runs and one of them."""
    control = source.control

    @router.post(
        "/runs",
        status_code=202,
        response_model=shapes.Run,
        responses={
            200: {"model": shapes.RunPreview, "description": "with `preview`: nothing runs"},
            409: {"description": "not what was confirmed; `preview` is what would run now"},
        },
        dependencies=ACT,
    )
    async def start_run(request: Request, body: shapes.RunRequest) -> Response:
        """Run a sensor's reaction or fallback on servers, or show what would run."""
        wanted = _wanted(body)
        try:
            if body.preview:
                return Answer(await control.preview(wanted))
            return Answer(await control.start(wanted, request.state.grant.signature), 202)
        except ChangedError as error:
            return problem(409, str(error), preview=error.preview)
        except ControlError as error:
            raise _problem(error) from None

    @router.get("/runs", response_model=shapes.Runs, dependencies=READ)
    async def runs() -> Response:
        """The last runs, newest first. They are kept in memory; what ran is in /actions."""
        return listed((control.runs(), None))

    @router.get("/runs/{run_id}", response_model=shapes.Run, dependencies=READ)
    async def run(run_id: RunId) -> Response:
        """One run, with what the servers printed."""
        return Answer(_found(control.detail(run_id), run_id))

    @router.get(
        "/runs/{run_id}/live",
        status_code=200,
        response_class=Lines,
        responses={200: {"model": shapes.Line, "content": {Lines.media_type: {}}}},
        dependencies=READ,
    )
    async def live(request: Request, run_id: RunId) -> Response:
        """A run as it comes along: a line of JSON for each thing that happens, until its end."""
        return _followed(control, request, run_id)

    @router.delete("/runs/{run_id}", response_model=shapes.Run, dependencies=ACT)
    async def stop_run(request: Request, run_id: RunId) -> Response:
        """Let nothing more of a run begin. What runs already goes on to its end."""
        return Answer(_found(control.stop(run_id, request.state.grant.signature), run_id))


def _wanted(body: shapes.RunRequest) -> Wanted:
    servers = body.servers if body.select is None else _selection(body.select)
    if servers is None or (body.servers and body.select):
        raise Problem(422, "body: name the servers by `servers` or by `select`, one of them")
    if not body.preview and not body.reason:
        raise Problem(422, "body.reason: say why; it is kept with what is run")
    return Wanted(
        body.sensor,
        body.instance,
        body.step,
        servers,
        # It becomes part of an event's one line.
        " ".join(body.reason.split()),
        body.override,
        body.confirm,
    )


def _selection(select: shapes.Select) -> Selection:
    if not (select.names or select.q or select.status or select.labels):
        raise Problem(422, "body.select: it is empty; for all servers write names: ['*']")
    return Selection(select.names, select.q, select.status, select.labels)


def _followed(control: Control, request: Request, run_id: str) -> Response:
    access = access_of(request)

    def allowed() -> bool:
        grant = access.grant(request.headers)
        return grant is not None and Scope.READ in grant.scopes

    try:
        following = control.follow(run_id)
    except FullError as error:
        raise _problem(error) from None
    if following is None:
        raise _no_run(run_id)
    return Lines(following, allowed)


def _found(view: dict[str, object] | None, run_id: str) -> dict[str, object]:
    if view is None:
        raise _no_run(run_id)
    return view


def _no_run(run_id: str) -> Problem:
    return Problem(404, f"no run has the id {run_id[:80]!r}; GET /api/v1/runs lists those kept")


def _problem(error: ControlError) -> Problem:
    if isinstance(error, FullError):
        return Problem(503, str(error), {"retry-after": str(FULL_WAIT)})
    return Problem(404 if isinstance(error, UnknownError) else 422, str(error))
