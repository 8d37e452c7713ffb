"""The page's shell and its files, and what machines ask: metrics, health, readiness."""

from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from outkept import __version__
from outkept.serve.access import Access
from outkept.serve.auth import Scope
from outkept.serve.live import Hub
from outkept.serve.needs import local_or
from outkept.serve.problems import problem
from outkept.serve.source import Source


class _Files(StaticFiles):
    """Files that a browser keeps and asks about by ETag: an upgrade shows at once."""

    async def get_response(self, path: str, scope: object) -> Response:
        response = await super().get_response(path, scope)  # type: ignore[arg-type]
        response.headers["cache-control"] = "no-cache"
        return response


def add_page(app: FastAPI, access: Access, dashboard: Path) -> None:
    """Serve the dashboard's folder: its shell at `/`, for those who are signed in, the form to
    sign in at `/login`, its files below `/assets` and `/vendor`.

    `/?token=…` is a link that signs in once. The redirect to `/` takes its token out of the
    address, and with it out of the browser's history.
    """
    templates = Environment(
        loader=FileSystemLoader(dashboard), autoescape=True, undefined=StrictUndefined
    )
    shell = templates.get_template("page.html.j2")
    form = templates.get_template("login.html.j2")
    for folder in ("assets", "vendor"):
        if (dashboard / folder).is_dir():
            app.mount(f"/{folder}", _Files(directory=dashboard / folder))

    @app.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    async def page(request: Request) -> Response:
        # Programs that look before they open a link must not use it up.
        if "token" in request.query_params and request.method == "GET":
            return await _by_link(access, request)
        if access.grant(request.headers) is None:
            return RedirectResponse("/login", 303)
        return _html(shell.render(version=__version__))

    @app.get("/login", include_in_schema=False)
    async def login(request: Request) -> Response:
        spent = request.query_params.get("link") == "spent"
        return _html(form.render(spent=spent, has_users=bool(access.users.all())))


async def _by_link(access: Access, request: Request) -> Response:
    session = await access.redeem(request.query_params["token"])
    if session is None:
        # Who is signed in already needn't be told that a link can't do it again.
        known = access.grant(request.headers) is not None
        return RedirectResponse("/" if known else "/login?link=spent", 303)
    await access.sign_out(request.headers)
    response = RedirectResponse("/", 303)
    access.set_cookie(response, session)
    return response


def _html(text: str) -> Response:
    return Response(text, media_type="text/html; charset=utf-8")


class _Taken(Collector):
    """Families that were made already: making them gives the loop its turn now and then."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Sequence[Metric]:
        return self._families


def add_probes(app: FastAPI, source: Source, hub: Hub) -> None:
    """/metrics, /healthz and /readyz. They need no token on this machine."""
    guarded = [local_or(Scope.READ)]

    @app.get("/metrics", include_in_schema=False, dependencies=guarded)
    async def metrics(request: Request) -> Response:
        encoder, content_type = choose_encoder(request.headers.get("accept", ""))
        registry = CollectorRegistry()
        registry.register(_Taken([*await source.metrics(), *hub.metrics()]))
        return Response(encoder(registry), headers={"content-type": content_type})

    @app.get("/healthz", include_in_schema=False, dependencies=guarded)
    async def healthz() -> Response:
        return PlainTextResponse("ok\n")

    @app.get("/readyz", include_in_schema=False, dependencies=guarded)
    async def readyz() -> Response:
        waiting_for = source.ready()
        return problem(503, waiting_for) if waiting_for else PlainTextResponse("ok\n")
