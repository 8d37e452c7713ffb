"""The whole application: API, websocket, page and probes behind one guard."""

from pathlib import Path

from fastapi import FastAPI
from starlette.types import ASGIApp

from outkept import __version__
from outkept.serve.access import Access
from outkept.serve.admission import create_admission_router
from outkept.serve.api import create_router
from outkept.serve.guard import Guard
from outkept.serve.live import Hub
from outkept.serve.me import create_me_router
from outkept.serve.page import add_page, add_probes
from outkept.serve.problems import install
from outkept.serve.source import Source
from outkept.serve.websocket import add_live


def create_app(source: Source, hub: Hub, access: Access, dashboard: Path) -> ASGIApp:
    """What uvicorn serves. `dashboard` is the folder with the page's shell and files.

    Takes a tenth of a second, so that no request does; describing the API, which takes longer,
    waits until somebody asks for it.
    """
    app = FastAPI(
        title="Outkept",
        version=__version__,
        description="Servers, their readings, events and reactions. `/api/v1/live` is a websocket.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.access = access
    install(app)
    for router in (
        create_router(source, access),
        create_me_router(access),
        create_admission_router(access),
    ):
        # `include_router` would make each route a second time, when the first request comes.
        app.router.routes.extend(router.routes)
    add_live(app, hub, access)
    add_probes(app, source, hub)
    add_page(app, access, dashboard)
    return Guard(app, access)
