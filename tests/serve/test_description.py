"""The description of the API: whole, made only when it is asked for, and once."""

import asyncio
import json
import re
from typing import Any

import httpx
import pydantic
import pytest
from fastapi import FastAPI

from outkept.serve.access import Access
from outkept.serve.description import Description
from outkept.serve.guard import Guard
from outkept.serve.http import create_app
from outkept.serve.live import Hub
from tests.serve.daemon import DASHBOARD, SECRET, bearer
from tests.serve.fleet import varied

BASE = "http://127.0.0.1:8844"


@pytest.fixture
def app() -> Guard:
    fleet = varied(4)
    app = create_app(fleet, Hub(fleet), Access(SECRET, "127.0.0.1"), DASHBOARD)
    assert isinstance(app, Guard)
    return app


@pytest.fixture
def described(monkeypatch: pytest.MonkeyPatch) -> list[FastAPI]:
    """The applications that were described, as often as they were."""
    made: list[FastAPI] = []
    plain = FastAPI.openapi

    def openapi(app: FastAPI) -> dict[str, Any]:
        made.append(app)
        return plain(app)

    monkeypatch.setattr(FastAPI, "openapi", openapi)
    return made


async def ask(app: Guard, path: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as client:
        answer = await client.get(f"/api/v1/{path}", headers=bearer())
    assert answer.status_code == 200, answer.text
    return answer


async def test_whatever_it_refers_to_is_in_it(app: Guard) -> None:
    answer = await ask(app, "openapi.json")
    assert answer.headers["content-type"] == "application/json"
    description = answer.json()
    referred = set(re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(description)))
    assert referred == set(description["components"]["schemas"])


async def test_each_route_may_answer_with_a_problem(app: Guard) -> None:
    description = (await ask(app, "openapi.json")).json()
    operations = [one for path in description["paths"].values() for one in path.values()]
    assert len(operations) > 40
    for operation in operations:
        for status in ("401", "403", "404", "422"):
            content = operation["responses"][status]["content"]
            schema = content["application/problem+json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/ProblemDetail"}, operation
    problem = description["components"]["schemas"]["ProblemDetail"]
    assert set(problem["required"]) == {"type", "title", "status", "detail"}


async def test_it_is_not_made_before_it_is_asked_for(app: Guard, described: list[FastAPI]) -> None:
    await ask(app, "stats")
    assert described == []
    await ask(app, "openapi.json")
    assert len(described) == 1


async def test_it_is_made_once_for_those_who_ask_meanwhile(
    app: Guard, described: list[FastAPI]
) -> None:
    answers = await asyncio.gather(*(ask(app, "openapi.json") for _ in range(3)))
    assert len({answer.text for answer in answers}) == 1
    assert len(described) == 1


async def test_a_call_that_is_cancelled_leaves_the_next_one_its_turn(app: Guard) -> None:
    inner, description = app._app, Description()
    assert isinstance(inner, FastAPI)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(description.of(inner))
        await asyncio.sleep(0)
        first.cancel()
    assert b"/api/v1/stats" in await description.of(inner)


async def test_no_request_makes_what_its_route_needs(
    app: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    plain = pydantic.TypeAdapter.__init__

    def noted(adapter: Any, *args: Any, **more: Any) -> None:
        made.append(args)
        plain(adapter, *args, **more)

    monkeypatch.setattr(pydantic.TypeAdapter, "__init__", noted)
    await ask(app, "servers?limit=3")
    assert made == []
