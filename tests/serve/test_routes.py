"""Every route against everybody who may ask it. A new route that states no need fails here."""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute

from outkept.serve.access import Access
from outkept.serve.auth import Role, Scope, mint
from outkept.serve.guard import Guard
from outkept.serve.http import create_app
from outkept.serve.live import Hub
from outkept.serve.needs import Need, needed, stated
from tests.serve.daemon import DASHBOARD, SECRET, bearer
from tests.serve.fleet import varied

BASE = "http://127.0.0.1:8844"
FOR_EVERYBODY = {
    ("GET", "/"),
    ("HEAD", "/"),
    ("GET", "/login"),
    ("GET", "/api/v1/session"),
    ("POST", "/api/v1/session"),
    ("DELETE", "/api/v1/session"),
}
"""They check themselves what they must; each has tests of its own."""
PROBES = {("GET", "/metrics"), ("GET", "/healthz"), ("GET", "/readyz")}
"""For everybody on this machine; tests/serve/test_elsewhere.py asks them from elsewhere."""

VALUES = {"server_id": "0000b1c2d3e4", "name": "load"}


def application() -> Guard:
    fleet = varied()
    app = create_app(fleet, Hub(fleet), Access(SECRET, "127.0.0.1"), DASHBOARD)
    assert isinstance(app, Guard)
    return app


def routes(router: Any, prefix: str = "") -> Iterator[tuple[str, str, APIRoute]]:
    """Method, path and route of each that FastAPI serves, those of included routers too."""
    for route in router.routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from routes(inner, prefix + route.include_context.prefix)
        elif isinstance(route, APIRoute):
            for method in route.methods or ():
                yield method, prefix + route.path, route


APP = application()
"""One for all tests: to describe fifty routes takes half a second."""
ROUTES = {(method, path): route for method, path, route in routes(APP._app)}
API = sorted(key for key in ROUTES if key[1].startswith("/api/"))


def need(key: tuple[str, str]) -> Need | None:
    return needed(ROUTES[key].dependencies)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=APP, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        yield client


async def ask(client: httpx.AsyncClient, key: tuple[str, str], **more: Any) -> httpx.Response:
    method, path = key
    path = re.sub(r"\{(\w+)[^}]*\}", lambda match: VALUES.get(match[1], "x"), path)
    return await client.request(method, path, json={} if method == "POST" else None, **more)


def test_the_table_has_the_routes_of_the_contract() -> None:
    assert len(API) > 10
    assert ("POST", "/api/v1/sweeps") in API


@pytest.mark.parametrize("key", API, ids=" ".join)
def test_every_route_of_the_api_states_what_it_needs(key: tuple[str, str]) -> None:
    assert need(key) is not None, (
        f"{key} states no need: add dependencies=READ or dependencies=[needs(Scope.…)],"
        " from outkept.serve.needs"
    )


def test_nothing_outside_the_api_is_served_but_what_is_known_here() -> None:
    assert set(ROUTES) - set(API) == {key for key in FOR_EVERYBODY if key not in API} | PROBES


def test_only_what_is_known_here_is_for_everybody() -> None:
    open_ = {key for key in API if (found := need(key)) is not None and found.is_open}
    assert open_ == {key for key in FOR_EVERYBODY if key in API}


@pytest.mark.parametrize("key", API, ids=" ".join)
def test_what_changes_something_needs_more_than_reading(key: tuple[str, str]) -> None:
    found = need(key)
    if key[0] != "GET" and key not in FOR_EVERYBODY:
        assert found is not None
        assert found.scope not in (None, Scope.READ)


GUARDED = [key for key in API if key not in FOR_EVERYBODY]


@pytest.mark.parametrize("role", [None, *Role])
@pytest.mark.parametrize("key", GUARDED, ids=" ".join)
async def test_each_route_lets_in_whom_it_says(
    client: httpx.AsyncClient, key: tuple[str, str], role: Role | None
) -> None:
    answer = await ask(client, key, headers=bearer(role) if role else {})
    found = need(key)
    assert found is not None
    if role is None:
        assert answer.status_code == 401
    elif found.scope is None or found.scope in role.scopes:
        assert answer.status_code not in (401, 403)
    else:
        assert answer.status_code == 403
        assert answer.headers["content-type"] == "application/problem+json"
        assert found.scope in answer.json()["detail"]


@pytest.mark.parametrize("key", GUARDED, ids=" ".join)
async def test_a_token_has_no_scope_but_its_own(
    client: httpx.AsyncClient, key: tuple[str, str]
) -> None:
    found = need(key)
    assert found is not None
    if found.scope is not None:
        others = frozenset(Scope) - {found.scope}
        token = mint(SECRET, Role.ADMIN, scopes=others)
        answer = await ask(client, key, headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 403


async def test_a_route_that_states_nothing_is_for_nobody() -> None:
    app = FastAPI(dependencies=[Depends(stated)])

    @app.get("/forgotten")
    async def forgotten() -> str:
        return "secret"

    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        answer = await client.get("/forgotten", headers=bearer(Role.ADMIN))
    assert answer.status_code == 403
    assert "secret" not in answer.text
