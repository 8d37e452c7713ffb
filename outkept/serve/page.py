"""The page's shell and its files, and what machines ask: metrics, health, readiness."""

from collections.abc import Iterator
from pathlib import Path

from fastapi import FastAPI, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

from outkept import __version__
from outkept.serve.access import SESSION_AGE, Access
from outkept.serve.live import Hub
from outkept.serve.problems import problem
from outkept.serve.source import Source


class _Files(StaticFiles):
    """Files that a browser keeps and asks about by ETag: an upgrade shows at once."""

    async def get_response(self, path: str, scope: object) -> Response:
        response = await super().get_response(path, scope)  # type: ignore[arg-type]
        response.headers["cache-control"] = "no-cache"
        return response


def add_page(app: FastAPI, access: Access, dashboard: Path) -> None:
    """Serve the dashboard's folder: its shell at `/`, its files below `/assets` and `/vendor`."""
    templates = Environment(
        loader=FileSystemLoader(dashboard), autoescape=True, undefined=StrictUndefined
    )
    shell = templates.get_template("page.html.j2")
    for folder in ("assets", "vendor"):
        if (dashboard / folder).is_dir():
            app.mount(f"/{folder}", _Files(directory=dashboard / folder))

    @app.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    async def page() -> Response:
        html = shell.render(version=__version__)
        response = Response(html, media_type="text/html; charset=utf-8")
        response.set_cookie(
            access.cookie,
            access.new_session(),
            max_age=int(SESSION_AGE),
            httponly=True,
            samesite="strict",
        )
        return response


class _Families(Collector):
    def __init__(self, source: Source, hub: Hub) -> None:
        self._source = source
        self._hub = hub

    def collect(self) -> Iterator[Metric]:
        yield from self._source.metrics()
        yield from self._hub.metrics()


def add_probes(app: FastAPI, source: Source, hub: Hub) -> None:
    """/metrics, /healthz and /readyz; they need no token, as only loopback is listened on."""
    registry = CollectorRegistry()
    registry.register(_Families(source, hub))

    @app.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        encoder, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encoder(registry), headers={"content-type": content_type})

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> Response:
        return PlainTextResponse("ok\n")

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> Response:
        waiting_for = source.ready()
        return problem(503, waiting_for) if waiting_for else PlainTextResponse("ok\n")
