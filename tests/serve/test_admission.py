"""What an admin sees of everybody's access, and ends."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from outkept.serve import passwords, tokens, users
from outkept.serve import shapes_access as shapes
from outkept.serve.auth import Role
from tests.serve.daemon import DEADLINE, Daemon, bearer, daemon
from tests.serve.fleet import varied


@pytest.fixture
async def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Daemon]:
    monkeypatch.setattr(passwords, "hashed", lambda password: f"hash of {password}")
    users.add(tmp_path, "bob", Role.ADMIN, "correct horse battery")
    users.add(tmp_path, "ada", Role.VIEWER, "correct horse battery")
    tokens.create(tmp_path, "grafana", Role.VIEWER.scopes, None)
    async with daemon(varied(), state=tmp_path) as running:
        for session in running.access.sessions.all():
            running.access.sessions.forget(session)
        yield running


@pytest.fixture
async def admin(served: Daemon) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        base_url=f"{served.url}api/v1", headers=bearer(Role.ADMIN), timeout=DEADLINE
    ) as client:
        yield client


async def items(admin: httpx.AsyncClient, path: str, shape: Any) -> list[Any]:
    answer = await admin.get(path)
    assert answer.status_code == 200
    assert "hash" not in answer.text
    return list(shape.model_validate(answer.json()).items)


async def test_users_are_listed_and_removed(served: Daemon, admin: httpx.AsyncClient) -> None:
    ada = served.access.users.all()["ada"]
    id_ = await served.access.begin(Role.VIEWER, user="ada", stamp=ada.stamp)
    cookie = {"cookie": f"{served.access.cookie}={id_}"}
    async with httpx.AsyncClient(headers=cookie) as ada_s:
        assert (await ada_s.get(f"{served.url}api/v1/me")).json()["name"] == "ada"
    found = await items(admin, "/users", shapes.Users)
    assert [(one.name, one.role) for one in found] == [("ada", "viewer"), ("bob", "admin")]
    assert (await admin.delete("/users/ada")).status_code == 204
    assert [one.name for one in await items(admin, "/users", shapes.Users)] == ["bob"]
    assert await items(admin, "/sessions", shapes.Sessions) == []
    assert (await admin.delete("/users/ada")).status_code == 404


async def test_tokens_are_listed_and_revoked(admin: httpx.AsyncClient) -> None:
    found = await items(admin, "/tokens", shapes.Tokens)
    assert [(one.name, one.scopes, one.expires) for one in found] == [("grafana", ["read"], None)]
    assert (await admin.delete("/tokens/grafana")).status_code == 204
    assert await items(admin, "/tokens", shapes.Tokens) == []
    assert (await admin.delete("/tokens/grafana")).status_code == 404


async def test_sessions_are_listed_and_ended(served: Daemon, admin: httpx.AsyncClient) -> None:
    first = await served.access.begin(Role.VIEWER)
    second = await served.access.begin(Role.ADMIN)
    found = await items(admin, "/sessions", shapes.Sessions)
    assert [(one.user, one.role) for one in found] == [("", "admin"), ("", "viewer")]
    assert (await admin.delete(f"/sessions/{found[1].id}")).status_code == 204
    assert served.access.sessions.find(first) is None
    assert served.access.sessions.find(second) is not None
    assert (await admin.delete(f"/sessions/{found[1].id}")).status_code == 404


async def test_what_is_listed_of_a_session_opens_nothing(
    served: Daemon, admin: httpx.AsyncClient
) -> None:
    await served.access.begin(Role.ADMIN)
    (one,) = await items(admin, "/sessions", shapes.Sessions)
    assert served.access.sessions.find(one.id) is None
