"""/api/v1/runs over real HTTP: who may, what is refused, and following a run line by line."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from outkept.app import runs as app_runs
from outkept.serve import lines as serve_lines
from outkept.serve import shapes_control as shapes
from outkept.serve.auth import Role
from tests.serve.daemon import DEADLINE, Daemon, bearer, daemon, until
from tests.serve.fleet import Fleet, sensor, server

RESTART = {"sensor": "nginx", "servers": ["web1"], "reason": "stuck", "preview": False}


@pytest.fixture
async def served() -> AsyncIterator[Daemon]:
    labels = {"site": "lisbon"}
    fleet = Fleet(
        [
            server("web1", "web1.example", labels=labels, sensors=[sensor("nginx", 0.0)]),
            server("web2", "web2.example", sensors=[sensor("nginx", 0.0)]),
            server("web3", "web3.example", connected=False, labels=labels),
        ]
    )
    async with daemon(fleet) as listening:
        yield listening


@pytest.fixture
async def client(served: Daemon) -> AsyncIterator[httpx.AsyncClient]:
    url, headers = f"{served.url}api/v1/", bearer(Role.OPERATOR)
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=DEADLINE) as client:
        yield client


async def begun(client: httpx.AsyncClient, **more: Any) -> str:
    """The id of a run that was begun."""
    answer = await client.post("runs", json=RESTART | more)
    assert answer.status_code == 202, answer.text
    return str(shapes.Run.model_validate(answer.json()).id)


@contextlib.asynccontextmanager
async def followed(
    client: httpx.AsyncClient, run: str
) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """A run's lines as they come."""
    async with client.stream("GET", f"runs/{run}/live") as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/x-ndjson"

        async def lines() -> AsyncIterator[dict[str, Any]]:
            async for line in answer.aiter_lines():
                shapes.Line.model_validate_json(line)
                yield json.loads(line)

        yield lines()


async def following(served: Daemon, run: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A bare connection that has asked for a run's lines."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=1024)
    token = bearer(Role.VIEWER)["authorization"]
    writer.write(
        f"GET /api/v1/runs/{run}/live HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: {token}\r\n\r\n".encode()
    )
    return reader, writer


async def line_of(lines: AsyncIterator[dict[str, Any]], type_: str) -> dict[str, Any]:
    """The next line of this type."""
    async with asyncio.timeout(DEADLINE):
        async for line in lines:
            if line["type"] == type_:
                return line
    raise AssertionError(f"no line of type {type_}")


async def test_a_run_is_followed_while_it_goes_on(
    served: Daemon, client: httpx.AsyncClient
) -> None:
    run = await begun(client)
    async with followed(client, run) as lines:
        assert (await line_of(lines, "run"))["run"]["by"] == "a token"
        assert (await line_of(lines, "state"))["state"] == "running"
        served.fleet.control.hear("web1", "stopping\n")
        assert (await line_of(lines, "output"))["text"] == "stopping\n"
        served.fleet.control.hear("web1", "start\x1b[31m")
        served.fleet.control.hear("web1", "ing\n")
        text = ""
        while "ing\n" not in text:
            text += (await line_of(lines, "output"))["text"]
        assert text == "start\x1b[31ming\n"
        served.fleet.control.end("web1", 3)
        over = await line_of(lines, "state")
        assert (over["state"], over["status"]) == ("done", 3)
        end = await line_of(lines, "end")
        assert (end["run"]["counts"]["done"], end["run"]["failed"]) == (1, 1)
        assert [line async for line in lines] == []
    one = shapes.Run.model_validate((await client.get(f"runs/{run}")).json())
    assert one.servers[0].output == "stopping\nstart\x1b[31ming\n"
    kept = shapes.Runs.model_validate((await client.get("runs")).json())
    assert [one.id for one in kept.items] == [run]


async def test_who_comes_late_gets_all_of_it(served: Daemon, client: httpx.AsyncClient) -> None:
    run = await begun(client)
    served.fleet.control.hear("web1", "all of it\n")
    served.fleet.control.end("web1")
    async with followed(client, run) as lines:
        kinds = [line["type"] async for line in lines]
    assert kinds == ["run", "output", "state", "end"]


async def test_a_preview_runs_nothing_and_says_what_would(client: httpx.AsyncClient) -> None:
    select = {"names": ["web*", "mail*"], "labels": {"site": "lis*"}}
    answer = await client.post("runs", json={"sensor": "nginx", "select": select})
    assert answer.status_code == 200
    seen = shapes.RunPreview.model_validate(answer.json())
    assert (seen.would_run, seen.held, seen.unmatched) == (1, 1, ["mail*"])
    assert {one.server: one.guard for one in seen.servers} == {"web1": None, "web3": "disconnected"}
    assert (await client.get("runs")).json()["items"] == []


async def test_what_changed_since_the_preview_is_refused_and_shown(
    served: Daemon, client: httpx.AsyncClient
) -> None:
    wanted = RESTART | {"servers": ["web1", "web2"]}
    seen = (await client.post("runs", json=wanted | {"preview": True})).json()
    assert (await client.post("runs", json=wanted)).status_code == 409
    served.fleet.change("web2", connected=False)
    answer = await client.post("runs", json=wanted | {"confirm": seen["confirm"]})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    again = shapes.RunPreview.model_validate(answer.json()["preview"])
    assert again.would_run == 1
    answer = await client.post("runs", json=wanted | {"confirm": again.confirm})
    assert answer.status_code == 202


MISTAKES: list[tuple[dict[str, Any], int, str]] = [
    ({"sensor": "nginx"}, 422, "by `servers` or by `select`"),
    (RESTART | {"select": {"q": "web"}}, 422, "by `servers` or by `select`"),
    (RESTART | {"servers": []}, 422, "body.servers"),
    (RESTART | {"servers": ["x"] * 501}, 422, "body.servers"),
    (RESTART | {"reason": "  "}, 422, "say why"),
    (RESTART | {"command": "rm -rf /"}, 422, "body.command"),
    (RESTART | {"override": ["mode"]}, 422, "body.override"),
    (RESTART | {"override": ["busy"]}, 422, "can't be overridden"),
    (RESTART | {"step": 3}, 422, "body.step"),
    (RESTART | {"servers": ["nobody"]}, 404, "no server has the id"),
    ({"sensor": "nginx", "select": {}}, 422, "names: ['*']"),
    ({"sensor": "nginx", "select": {"names": ["nobody"]}}, 404, "no server matches"),
]


async def test_what_cannot_be_asked_for_says_why(client: httpx.AsyncClient) -> None:
    for body, status, words in MISTAKES:
        answer = await client.post("runs", json=body)
        assert answer.status_code == status, answer.text
        assert words in answer.json()["detail"]
    assert (await client.get("runs")).json()["items"] == []


async def test_a_run_that_is_not_there_is_a_404(client: httpx.AsyncClient) -> None:
    for method, path in (("GET", "runs/x"), ("GET", "runs/x/live"), ("DELETE", "runs/x")):
        answer = await client.request(method, path)
        assert answer.status_code == 404
        assert "no run has the id 'x'" in answer.json()["detail"]


async def test_a_viewer_follows_and_begins_nothing(
    served: Daemon, client: httpx.AsyncClient
) -> None:
    run = await begun(client)
    served.fleet.control.end("web1")
    viewer = bearer(Role.VIEWER)
    assert (await client.post("runs", json=RESTART, headers=viewer)).status_code == 403
    assert (await client.delete(f"runs/{run}", headers=viewer)).status_code == 403
    assert (await client.get(f"runs/{run}/live", headers=viewer)).status_code == 200


async def test_a_run_is_stopped_by_who_asks(served: Daemon, client: httpx.AsyncClient) -> None:
    run = await begun(client)
    answer = await client.delete(f"runs/{run}")
    assert shapes.Run.model_validate(answer.json()).stopped_by == "a token"


async def test_a_reader_that_takes_nothing_holds_nothing_up(
    served: Daemon, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_runs, "MOST_OUTPUT", 8 << 20)
    monkeypatch.setattr(app_runs, "RUN_OUTPUT", 8 << 20)
    run = await begun(client)
    reader, writer = await following(served, run)
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    await reader.readuntil(b"running")
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    for _ in range(64):
        served.fleet.control.hear("web1", "x" * (1 << 16) + "\n")
    served.fleet.control.end("web1")
    async with followed(client, run) as lines:
        text = ""
        async for line in lines:
            text += line.get("text") or ""
    assert len(text) == 64 * ((1 << 16) + 1)
    writer.transport.abort()


async def test_a_reader_that_leaves_makes_room(
    served: Daemon, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_runs, "MOST_WATCHERS", 1)
    run = await begun(client)
    async with followed(client, run) as lines:
        await line_of(lines, "state")
        answer = await client.get(f"runs/{run}/live")
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert "follow runs already" in answer.json()["detail"]
    watching = served.fleet.control.newest().watchers
    await until(lambda: not watching)
    served.fleet.control.end("web1")
    assert (await client.get(f"runs/{run}/live")).status_code == 200


async def test_a_reader_whose_token_is_revoked_reads_no_more(
    served: Daemon, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve_lines, "LOOK_EVERY", 0.01)
    run = await begun(client)
    async with followed(client, run) as lines:
        await line_of(lines, "state")
        monkeypatch.setattr(served.access, "grant", lambda headers: None)
        async with asyncio.timeout(DEADLINE):
            assert [line["type"] async for line in lines] == []


async def test_silence_is_broken_by_a_tick(
    served: Daemon, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_runs, "TICK_S", 0.01)
    async with followed(client, await begun(client)) as lines:
        assert await line_of(lines, "tick") == {"type": "tick"}


async def test_the_server_ends_with_a_reader_still_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An answer without an end of its own must not cost the grace of those that have one."""
    fleet = Fleet([server("web1", "web1.example")])
    async with daemon(fleet) as listening:
        url = f"{listening.url}api/v1/"
        async with httpx.AsyncClient(base_url=url, headers=bearer(Role.OPERATOR)) as client:
            run = await begun(client)
        reader, writer = await following(listening, run)
        await reader.readuntil(b"running")
    assert not fleet.control.newest().watchers
    assert [record.message for record in caplog.records if record.name == "uvicorn.error"] == []
    writer.transport.abort()


async def test_only_so_many_runs_are_kept(
    served: Daemon, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_runs, "MOST_RUNS", 2)
    first, second = await begun(client), await begun(client)
    answer = await client.post("runs", json=RESTART)
    assert answer.status_code == 503
    assert "2 runs are under way" in answer.json()["detail"]
    served.fleet.control.end("web1")
    third = await begun(client)
    kept = (await client.get("runs")).json()["items"]
    assert [one["id"] for one in kept] == [third, first]
    assert second not in (first, third)
