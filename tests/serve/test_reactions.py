"""The kill switch and latches over HTTP."""

from typing import Any

import httpx
import pytest

from outkept.serve import shapes_reactions as shapes
from outkept.serve.access import Access
from outkept.serve.auth import Grant, Kind, Role, mint
from outkept.serve.http import create_app
from outkept.serve.live import Hub
from tests.serve.daemon import DASHBOARD, SECRET
from tests.serve.fleet import Fleet, varied

STOP, LATCH = "/api/v1/reactions/stop", "/api/v1/reactions/latches/0000b1c2d3e4/apache"


class Api:
    """The API of a fleet in memory, asked as an operator unless said otherwise."""

    def __init__(self) -> None:
        self.fleet: Fleet = varied()
        app = create_app(self.fleet, Hub(self.fleet), Access(SECRET, "127.0.0.1"), DASHBOARD)
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8844")

    async def __call__(
        self, method: str, path: str, body: Any = None, role: Role = Role.OPERATOR
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {mint(SECRET, role)}"}
        return await self._client.request(method, path, json=body, headers=headers)


@pytest.fixture
def api() -> Api:
    return Api()


async def test_reactions_are_shown_stopped_and_resumed(api: Api) -> None:
    before = shapes.Reactions.model_validate((await api("GET", "/api/v1/reactions")).json())
    assert before.stopped is None
    assert api.fleet.stats()["reactions_stopped"] is False
    answer = await api("PUT", STOP, {"reason": " upgrade of the racks "})
    assert answer.status_code == 200
    stopped = shapes.Reactions.model_validate(answer.json()).stopped
    assert stopped is not None
    assert (stopped.by, stopped.reason) == ("a token", "upgrade of the racks")
    assert (await api("GET", "/api/v1/stats")).json()["reactions_stopped"] is True
    assert (await api("DELETE", STOP)).json()["stopped"] is None
    assert (await api("DELETE", STOP)).status_code == 200


async def test_a_latch_is_released_once(api: Api) -> None:
    assert (await api("DELETE", LATCH)).json()["latches"] == []
    again = await api("DELETE", LATCH)
    assert again.status_code == 404
    assert "not latched" in again.json()["detail"]


@pytest.mark.parametrize("body", [{}, {"reason": " "}, {"reason": "x" * 501}, {"reason": 1}, []])
async def test_a_stop_needs_a_reason(api: Api, body: Any) -> None:
    assert (await api("PUT", STOP, body)).status_code == 422
    assert not api.fleet.reactions.stopped


async def test_a_viewer_sees_and_changes_nothing(api: Api) -> None:
    assert (await api("GET", "/api/v1/reactions", role=Role.VIEWER)).status_code == 200
    for method, path in (("PUT", STOP), ("DELETE", STOP), ("DELETE", LATCH)):
        answer = await api(method, path, {"reason": "x"}, Role.VIEWER)
        assert answer.status_code == 403
    assert not api.fleet.reactions.stopped


async def test_what_is_not_on_disk_is_said_to_be_so(api: Api) -> None:
    api.fleet.reactions.disk = False
    for method, path, words in (
        ("PUT", STOP, "only until the daemon ends"),
        ("DELETE", STOP, "stay stopped"),
        ("DELETE", LATCH, "stays latched"),
    ):
        answer = await api(method, path, {"reason": "x"})
        assert answer.status_code == 503
        assert words in answer.json()["detail"]
    assert api.fleet.reactions.stopped


def test_what_somebody_did_is_signed() -> None:
    nobody: frozenset[Any] = frozenset()
    assert Grant(nobody, 0.0, kind=Kind.USER, name="ana").signature == "ana"
    assert Grant(nobody, 0.0, kind=Kind.TOKEN, name="ci").signature == "a token ci"
    assert Grant(nobody, 0.0, kind=Kind.TOKEN).signature == "a token"
    assert Grant(nobody, 0.0, kind=Kind.LINK).signature == "a link"
