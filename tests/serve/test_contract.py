"""The HTTP API in the contract's shapes, asked in memory."""

import base64
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from outkept.serve import shapes, shapes_discovery, shapes_events, shapes_overrides, shapes_servers
from outkept.serve.access import Access
from outkept.serve.auth import Role, mint
from outkept.serve.http import create_app
from outkept.serve.links import link_token
from outkept.serve.live import Hub
from tests.serve.daemon import DASHBOARD, SECRET, bearer
from tests.serve.fleet import Fleet, sensor, server, varied
from tests.views import summaries

BASE = "http://127.0.0.1:8844"


@pytest.fixture
def fleet() -> Fleet:
    return varied()


@pytest.fixture
async def client(fleet: Fleet) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(fleet, Hub(fleet), Access(SECRET, "127.0.0.1"), DASHBOARD)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        yield client


async def get(client: httpx.AsyncClient, path: str, **params: Any) -> Any:
    answer = await client.get(f"/api/v1{path}", params=params, headers=bearer())
    assert answer.status_code == 200, answer.text
    return answer.json()


def assert_problem(answer: httpx.Response, status: int, *words: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    shapes.ProblemDetail.model_validate(answer.json())
    assert answer.json()["status"] == status
    for word in words:
        assert word in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/servers", shapes_servers.Servers),
        ("/servers/0000b1c2d3e4", shapes_servers.Server),
        ("/events", shapes_events.Events),
        ("/actions", shapes_events.Actions),
        ("/sweeps", shapes_discovery.Sweeps),
        ("/addresses", shapes_discovery.Addresses),
        ("/stats", shapes_servers.Stats),
        ("/overrides", shapes_overrides.Overrides),
        ("/overrides?server=0000b1c2d3e4", shapes_overrides.Overrides),
        ("/servers/0000b1c2d3e4/sensors/load/history", shapes_servers.History),
    ],
)
async def test_each_endpoint_answers_in_the_shape_it_describes(
    client: httpx.AsyncClient, path: str, shape: type[BaseModel]
) -> None:
    answer = shape.model_validate(await get(client, path))
    assert getattr(answer, "items", True)


async def test_overrides_of_no_server_are_a_problem(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/overrides", params={"server": "x"}, headers=bearer())
    assert_problem(answer, 404, "no server has the id 'x'")


async def test_pages_of_servers_join_without_gaps_or_doubles(
    client: httpx.AsyncClient, fleet: Fleet
) -> None:
    seen: list[str] = []
    cursor = None
    while True:
        params = {"limit": 5} | ({"cursor": cursor} if cursor else {})
        answer = await get(client, "/servers", **params)
        seen += [one["hostname"] for one in answer["items"]]
        cursor = answer["next"]
        if cursor is None:
            break
    assert seen == sorted(one["hostname"] for one in summaries(fleet))


async def test_a_server_that_leaves_between_two_pages_hides_no_other(
    client: httpx.AsyncClient, fleet: Fleet
) -> None:
    first = await get(client, "/servers", limit=3)
    fleet.remove(first["items"][-1]["id"])
    second = await get(client, "/servers", limit=1000, cursor=first["next"])
    assert len(first["items"]) + len(second["items"]) == 32


async def test_servers_are_filtered_by_status_and_text(client: httpx.AsyncClient) -> None:
    alarmed = await get(client, "/servers", status="alarmed")
    assert {one["status"] for one in alarmed["items"]} == {"alarmed"}
    by_name = await get(client, "/servers", q="DB01")
    assert [one["hostname"] for one in by_name["items"]] == ["db01.porto.example.net"]
    by_address = await get(client, "/servers", q="10.0.0.11")
    assert [one["addresses"][0] for one in by_address["items"]] == ["10.0.0.11"]


async def test_events_are_newest_first_and_filtered(
    client: httpx.AsyncClient, fleet: Fleet
) -> None:
    events = (await get(client, "/events"))["items"]
    assert [one["id"] for one in events] == sorted((one["id"] for one in events), reverse=True)
    server_id = next(one["server"] for one in events if one["type"] == "queued_up")
    found = (await get(client, "/events", server=server_id, type="queued_up"))["items"]
    assert [(one["type"], one["server"]) for one in found] == [("queued_up", server_id)]


async def test_history_has_at_most_the_points_asked_for(client: httpx.AsyncClient) -> None:
    path = "/servers/0000b1c2d3e4/sensors/disk/history"
    points = (await get(client, path, instance="/var", points=40))["points"]
    assert 1 <= len(points) <= 40
    assert all(low <= mean <= high for _at, low, mean, high in points)
    assert points[-1][0] == pytest.approx(time.time(), abs=120)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer nonsense"},
        {"authorization": "Basic b3BzOm9wcw=="},
        bearer(secret=b"another daemon's secret, 32 bytes"),
        {"authorization": f"Bearer {link_token(SECRET)}"},
    ],
    ids=["none", "garbage", "basic", "other secret", "a link as bearer"],
)
async def test_without_a_valid_token_nothing_is_told(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    for path in ("/servers", "/openapi.json", "/stats"):
        answer = await client.get(f"/api/v1{path}", headers=headers)
        assert_problem(answer, 401, "outkept token")
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_role_edited_into_a_token_is_noticed(client: httpx.AsyncClient) -> None:
    payload, _, signature = mint(SECRET, Role.VIEWER).partition(".")
    claims = base64.urlsafe_b64decode(payload + "==").replace(b"read", b"admin")
    forged = f"{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.{signature}"
    answer = await client.get("/api/v1/stats", headers={"authorization": f"Bearer {forged}"})
    assert_problem(answer, 401)


async def test_sweeping_needs_an_operator(client: httpx.AsyncClient) -> None:
    body = {"range": "10.0.0.0/24"}
    refused = await client.post("/api/v1/sweeps", json=body, headers=bearer(Role.VIEWER))
    assert_problem(refused, 403, "operator")
    started = await client.post("/api/v1/sweeps", json=body, headers=bearer(Role.OPERATOR))
    assert started.status_code == 202
    assert started.json()["items"][0]["range"] == "10.0.0.0/24"
    unknown = await client.post(
        "/api/v1/sweeps", json={"range": "10.9.9.0/24"}, headers=bearer(Role.ADMIN)
    )
    assert_problem(unknown, 404, "10.9.9.0/24")


@pytest.mark.parametrize("origin", [None, "http://evil.example", "http://127.0.0.1:1", "null"])
async def test_a_page_from_elsewhere_cannot_sweep_with_our_cookie(
    client: httpx.AsyncClient, origin: str | None
) -> None:
    await client.get("/", params={"token": link_token(SECRET)})
    headers = {"origin": origin} if origin else {}
    assert_problem(await client.post("/api/v1/sweeps", json={}, headers=headers), 403)
    ours = await client.post("/api/v1/sweeps", json={}, headers={"origin": BASE})
    assert ours.status_code == 202


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:8844", "10.0.0.7", "", "localhost.evil"]
)
@pytest.mark.parametrize("path", ["/", "/healthz", "/metrics", "/api/v1/stats", "/assets/app.js"])
async def test_a_foreign_host_name_is_refused_everywhere(
    client: httpx.AsyncClient, host: str, path: str
) -> None:
    answer = await client.get(path, headers={"host": host} | bearer())
    assert_problem(answer, 421)
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("host", ["localhost:8844", "127.0.0.1", "127.8.8.8:1", "[::1]:8844"])
async def test_every_loopback_name_is_ours(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/healthz", headers={"host": host})).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/assets/../pyproject.toml", 404),
        ("GET", "/assets/nothing.js", 404),
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1/servers/none", 404),
        ("GET", "/api/v1/servers/none/sensors/load/history", 404),
        ("GET", "/api/v1/servers/0000b1c2d3e4/sensors/none/history", 404),
        ("GET", "/api/v1/servers/0000b1c2d3e4/sensors/load/history?from=5&to=4", 422),
        ("GET", "/api/v1/servers/0000b1c2d3e4/sensors/load/history?from=nan", 422),
        ("GET", "/api/v1/servers?limit=0", 422),
        ("GET", "/api/v1/servers?limit=100000", 422),
        ("GET", "/api/v1/servers?status=merry", 422),
        ("GET", "/api/v1/servers?cursor=%25", 422),
        ("GET", "/api/v1/servers?cursor=WzEsMl0=", 422),
        ("GET", "/api/v1/events?cursor=x", 422),
        ("GET", "/api/v1/events?type=merry", 422),
        ("DELETE", "/api/v1/servers", 405),
        ("POST", "/healthz", 405),
    ],
)
async def test_errors_are_problem_details(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    assert_problem(await client.request(method, path, headers=bearer(Role.ADMIN)), status)


async def test_bad_bodies_are_problem_details(client: httpx.AsyncClient) -> None:
    headers = bearer(Role.ADMIN) | {"content-type": "application/json"}
    for body in (b"{", b"[]", b'{"rnage": "10.0.0.0/24"}'):
        answer = await client.post("/api/v1/sweeps", content=body, headers=headers)
        assert_problem(answer, 422)
        assert answer.json()["errors"]
    large = await client.post("/api/v1/sweeps", content=b" " * 70_000, headers=headers)
    assert_problem(large, 413)


async def test_a_failure_of_ours_is_a_problem_without_a_traceback(
    client: httpx.AsyncClient, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet, "stats", lambda: 1 / 0)
    answer = await client.get("/api/v1/stats", headers=bearer())
    assert_problem(answer, 500)
    assert "ZeroDivision" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_number_json_cannot_say_becomes_null(
    client: httpx.AsyncClient, fleet: Fleet
) -> None:
    fleet.put(server("odd", "odd\ud800", sensors=[sensor("load", float("nan"))]))
    odd = await get(client, "/servers/odd")
    assert odd["sensors"][0]["value"] is None


@pytest.mark.parametrize("path", ["/", "/api/v1/stats", "/healthz", "/nowhere"])
async def test_every_answer_has_its_security_headers(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path, headers=bearer())).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"


async def test_assets_are_asked_for_again_by_etag(client: httpx.AsyncClient) -> None:
    first = await client.get("/assets/app.js")
    assert first.status_code == 200
    assert "javascript" in first.headers["content-type"]
    again = await client.get("/assets/app.js", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304


async def test_probes_need_no_token(client: httpx.AsyncClient, fleet: Fleet) -> None:
    assert (await client.get("/healthz")).text == "ok\n"
    assert (await client.get("/readyz")).status_code == 200
    fleet.not_ready = "the first sweep has not begun"
    assert_problem(await client.get("/readyz"), 503, "first sweep")
    metrics = await client.get("/metrics")
    assert "outkept_servers 32.0" in metrics.text
    assert "outkept_live_clients 0.0" in metrics.text


async def test_the_api_describes_itself(client: httpx.AsyncClient) -> None:
    description = await get(client, "/openapi.json")
    assert description["openapi"].startswith("3.")
    assert "/api/v1/servers/{server_id}/sensors/{name}/history" in description["paths"]
    servers = description["paths"]["/api/v1/servers"]["get"]["responses"]["200"]
    assert servers["content"]["application/json"]["schema"]["$ref"].endswith("/Servers")
    assert description["components"]["securitySchemes"]
