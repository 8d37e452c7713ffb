"""Notices and targets over the API, asked in memory."""

from collections.abc import AsyncIterator

import httpx
import pytest

from outkept.serve import shapes_notices as shapes
from outkept.serve.access import Access
from outkept.serve.auth import Role
from outkept.serve.http import create_app
from outkept.serve.live import Hub
from tests.serve.daemon import DASHBOARD, SECRET, bearer
from tests.serve.fleet import varied

BASE = "http://127.0.0.1:8844/api/v1"


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    fleet = varied()
    app = create_app(fleet, Hub(fleet), Access(SECRET, "127.0.0.1"), DASHBOARD)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        yield client


async def test_notices_are_paged_newest_first(client: httpx.AsyncClient) -> None:
    answer = await client.get("/notices", params={"limit": 4}, headers=bearer())
    first = shapes.Notices.model_validate(answer.json())
    assert [one.id for one in first.items] == [9, 8, 7, 6]
    rest = await client.get("/notices", params={"cursor": first.next}, headers=bearer())
    assert [one["id"] for one in rest.json()["items"]] == [5, 4, 3, 2, 1]


async def test_notices_can_be_narrowed_down(client: httpx.AsyncClient) -> None:
    waiting = await client.get("/notices", params={"state": "waiting"}, headers=bearer())
    assert {one["target"] for one in waiting.json()["items"]} == {"boss"}
    to_ops = await client.get("/notices", params={"target": "ops"}, headers=bearer())
    assert {one["state"] for one in to_ops.json()["items"]} == {"sent"}
    wrong = await client.get("/notices", params={"state": "lost"}, headers=bearer())
    assert wrong.status_code == 422
    wrong = await client.get("/notices", params={"cursor": "x"}, headers=bearer())
    assert wrong.status_code == 422


async def test_targets_say_how_they_stand(client: httpx.AsyncClient) -> None:
    answer = await client.get("/targets", headers=bearer())
    found = shapes.Targets.model_validate(answer.json())
    assert [(one.name, one.state, one.queued) for one in found.items] == [
        ("boss", "failing", 1),
        ("monitoring", "ok", 0),
        ("ops", "ok", 0),
    ]


async def test_an_operator_tests_a_target(client: httpx.AsyncClient) -> None:
    operator = bearer(Role.OPERATOR)
    answer = await client.post("/targets/ops/test", headers=operator)
    assert answer.json() == {"target": "ops", "sent": True, "error": ""}
    answer = await client.post("/targets/boss/test", headers=operator)
    assert answer.json() == {"target": "boss", "sent": False, "error": "it was refused"}
    answer = await client.post("/targets/nobody/test", headers=operator)
    assert answer.status_code == 404
    assert (await client.post("/targets/ops/test", headers=bearer())).status_code == 403
