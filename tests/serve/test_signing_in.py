"""Links, passwords and sessions, over TCP from the real listener."""

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from outkept.serve import passwords, sessions, users
from outkept.serve.attempts import FREE_FOR_USER
from outkept.serve.auth import Role
from outkept.serve.links import link_of, link_token
from outkept.serve.websocket import UNAUTHENTICATED
from tests.serve.daemon import DEADLINE, SECRET, Daemon, daemon, until
from tests.serve.fleet import varied

PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="session")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of users with ada in it. Its hash takes as long to make as a real one."""
    state = tmp_path_factory.mktemp("registered")
    users.add(state, "ada", Role.OPERATOR, PASSWORD)
    return state / users.FILE


@pytest.fixture
def state(tmp_path: Path, registered: Path) -> Path:
    """A state directory with a user."""
    shutil.copy2(registered, tmp_path)
    return tmp_path


@pytest.fixture
async def served(state: Path) -> AsyncIterator[Daemon]:
    async with daemon(varied(), state=state) as running:
        yield running


@pytest.fixture
async def browser(served: Daemon) -> AsyncIterator[httpx.AsyncClient]:
    """Keeps cookies and sends its Origin, as a page's scripts do."""
    async with _browser(served) as client:
        yield client


def _browser(served: Daemon) -> httpx.AsyncClient:
    headers = {"origin": served.url.rstrip("/")}
    return httpx.AsyncClient(base_url=served.url, headers=headers, timeout=DEADLINE)


async def sign_in(client: httpx.AsyncClient, name: str = "ada", password: str = PASSWORD) -> Any:
    body = {"user": name, "password": password}
    return await client.post("/api/v1/session", json=body)


async def whoami(client: httpx.AsyncClient) -> Any:
    return (await client.get("/api/v1/me")).json()


def cookie_of(answer: httpx.Response) -> str:
    return answer.headers["set-cookie"].partition(";")[0]


def listening(served: Daemon, cookie: str) -> connect:
    """The page's websocket, with its cookie."""
    headers = {"cookie": cookie, "origin": served.url.rstrip("/")}
    return connect(served.live, additional_headers=headers, max_size=None, proxy=None)


async def closed(live: ClientConnection) -> int | None:
    """The code with which the other side closes, whatever it sends before."""
    with suppress(ConnectionClosed):
        async with asyncio.timeout(DEADLINE):
            while True:
                await live.recv()
    return live.close_code


async def test_without_a_session_the_page_leads_to_the_form(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert "set-cookie" not in answer.headers
    form = await browser.get("/login")
    assert form.status_code == 200
    assert "Sign in to Outkept" in form.text
    assert "outkept token --link" in form.text


async def test_without_users_there_is_no_form() -> None:
    async with daemon(varied()) as running, _browser(running) as client:
        page = (await client.get("/login")).text
    assert "<form" not in page
    assert "outkept user add" in page


async def test_a_link_signs_in_and_leaves_no_token_in_the_address(
    served: Daemon, browser: httpx.AsyncClient
) -> None:
    answer = await browser.get(served.link)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    flags = answer.headers["set-cookie"].lower()
    assert "httponly" in flags
    assert "samesite=strict" in flags
    assert "path=/" in flags
    assert (await browser.get("/")).status_code == 200
    me = await whoami(browser)
    assert (me["kind"], me["role"], me["name"]) == ("link", "admin", "")
    assert me["scopes"] == ["act", "admin", "read", "sweep"]


async def test_a_link_works_once(served: Daemon, browser: httpx.AsyncClient) -> None:
    link = served.link
    await browser.get(link)
    async with _browser(served) as another:
        answer = await another.get(link, follow_redirects=True)
        assert answer.url.path == "/login"
        assert "used already" in answer.text
        assert (await another.get("/api/v1/me")).status_code == 401


async def test_a_link_written_differently_is_the_same_link(served: Daemon) -> None:
    """39 characters of base64 hold two bits more than the 29 bytes of a token."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    token = link_token(SECRET)
    at = alphabet.index(token[-1])
    twins = [token[:-1] + alphabet[at ^ bits] for bits in range(4)] + [f"{token}="]
    begun = [await served.access.redeem(twin) for twin in twins]
    assert [session is not None for session in begun] == [True, False, False, False, False]


async def test_a_link_used_before_a_restart_is_used_after_it(tmp_path: Path) -> None:
    token = link_token(SECRET)
    async with daemon(varied(), state=tmp_path) as first:
        assert await first.access.redeem(token)
    async with daemon(varied(), state=tmp_path) as second:
        assert await second.access.redeem(token) is None


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "é",
        "A" * 39,
        "A" * 10_000,
        link_token(b"another daemon's secret, 32 bytes"),
        link_token(SECRET, expires=time.time() - 1),
    ],
    ids=["empty", "short", "no ASCII", "forged", "long", "of another daemon", "too old"],
)
async def test_what_is_no_link_of_ours_signs_nobody_in(
    served: Daemon, browser: httpx.AsyncClient, token: str
) -> None:
    answer = await browser.get("/", params={"token": token})
    assert answer.headers["location"] == "/login?link=spent"
    assert "set-cookie" not in answer.headers


async def test_each_bit_of_a_link_is_signed(served: Daemon) -> None:
    token = link_token(SECRET, Role.VIEWER)
    for at in range(len(token) - 1):
        other = "A" if token[at] != "A" else "B"
        assert await served.access.redeem(token[:at] + other + token[at + 1 :]) is None


async def test_a_head_request_uses_no_link_up(served: Daemon, browser: httpx.AsyncClient) -> None:
    link = served.link
    assert (await browser.head(link)).headers["location"] == "/login"
    assert (await browser.get(link)).headers["location"] == "/"


async def test_a_password_signs_in(browser: httpx.AsyncClient) -> None:
    answer = await sign_in(browser, " Ada ")
    assert answer.status_code == 204
    me = await whoami(browser)
    assert (me["kind"], me["role"], me["name"]) == ("user", "operator", "ada")
    assert "admin" not in me["scopes"]


@pytest.mark.parametrize(
    ("name", "password"),
    [("ada", "wrong"), ("ada", ""), ("bob", PASSWORD), ("", ""), ("ada\0", PASSWORD)],
)
async def test_a_wrong_name_and_a_wrong_password_are_answered_alike(
    browser: httpx.AsyncClient, name: str, password: str
) -> None:
    answer = await sign_in(browser, name, password)
    assert answer.status_code == 401
    assert answer.json()["detail"] == "the user's name or the password is wrong"
    assert "set-cookie" not in answer.headers
    assert (await browser.get("/api/v1/me")).status_code == 401


async def test_a_name_that_is_not_there_costs_as_much_as_one_that_is(
    browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []

    def matches(kept: str, password: str) -> bool:
        checked.append(kept)
        return real(kept, password)

    real = passwords.matches
    monkeypatch.setattr(passwords, "matches", matches)
    await sign_in(browser, "nobody", PASSWORD)
    await sign_in(browser, "ada", "wrong password")
    assert checked[0] == passwords.NOBODYS
    assert [passwords.is_up_to_date(kept) for kept in checked] == [True, True]


async def test_the_password_of_nobody_is_nobodys(
    browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "matches", lambda _kept, _password: True)
    assert (await sign_in(browser, "nobody", "anything at all")).status_code == 401


async def test_signing_in_gives_another_session_and_ends_the_one_before(
    browser: httpx.AsyncClient,
) -> None:
    first = cookie_of(await sign_in(browser))
    second = cookie_of(await sign_in(browser))
    assert first != second
    old = httpx.AsyncClient(base_url=browser.base_url, headers={"cookie": first})
    async with old:
        assert (await old.get("/api/v1/me")).status_code == 401
    assert (await whoami(browser))["name"] == "ada"


async def test_a_session_id_that_somebody_else_chose_is_never_used(
    served: Daemon, browser: httpx.AsyncClient
) -> None:
    browser.cookies.set(served.access.cookie, "chosen-by-an-attacker")
    answer = await sign_in(browser)
    assert "chosen-by-an-attacker" not in answer.headers["set-cookie"]
    assert served.access.sessions.find("chosen-by-an-attacker") is None


async def test_signing_out_ends_the_session(browser: httpx.AsyncClient) -> None:
    cookie = cookie_of(await sign_in(browser))
    answer = await browser.delete("/api/v1/session")
    assert answer.status_code == 204
    assert "max-age=0" in answer.headers["set-cookie"].lower()
    kept = httpx.AsyncClient(base_url=browser.base_url, headers={"cookie": cookie})
    async with kept:
        assert (await kept.get("/api/v1/me")).status_code == 401


async def test_a_page_may_ask_whether_it_is_signed_in(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/api/v1/session")).json() == {"signed_in": False}
    await sign_in(browser)
    assert (await browser.get("/api/v1/session")).json() == {"signed_in": True}


@pytest.mark.parametrize("origin", [None, "http://evil.example", "http://127.0.0.1:1", "null"])
async def test_no_other_page_signs_anybody_in_or_out(
    served: Daemon, browser: httpx.AsyncClient, origin: str | None
) -> None:
    cookie = cookie_of(await sign_in(browser))
    headers = {"cookie": cookie} | ({"origin": origin} if origin else {})
    async with httpx.AsyncClient(base_url=served.url, headers=headers) as other:
        assert (await sign_in(other)).status_code == 403
        assert (await other.delete("/api/v1/session")).status_code == 403
    assert (await whoami(browser))["name"] == "ada"


async def test_a_restart_signs_nobody_out(state: Path) -> None:
    async with daemon(varied(), state=state) as first, _browser(first) as client:
        cookie = cookie_of(await sign_in(client))
    kept = (state / sessions.FILE).read_text()
    assert cookie.partition("=")[2] not in kept
    assert (state / sessions.FILE).stat().st_mode & 0o777 == 0o600
    async with daemon(varied(), state=state) as second, _browser(second) as client:
        client.headers["cookie"] = cookie
        assert (await whoami(client))["name"] == "ada"


async def test_a_session_ends_by_itself(
    browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sign_in(browser)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + sessions.AGE - 60)
    assert (await browser.get("/api/v1/me")).status_code == 200
    monkeypatch.setattr(time, "time", lambda: now + sessions.AGE + 60)
    assert (await browser.get("/api/v1/me")).status_code == 401


async def test_the_table_of_sessions_is_bounded(
    served: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MOST", 5)
    ids = [await served.access.begin(Role.VIEWER) for _ in range(8)]
    alive = [served.access.sessions.find(id_) is not None for id_ in ids]
    assert alive == [False] * 3 + [True] * 5


async def test_damaged_sessions_cost_no_more_than_signing_in_anew(
    state: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (state / sessions.FILE).write_text('{"sessions": [{"hash": 1}]}')
    (state / sessions.FILE).chmod(0o600)
    async with daemon(varied(), state=state) as running, _browser(running) as client:
        assert (await sign_in(client)).status_code == 204
    assert "sign in anew" in caplog.text


async def _role(state: Path) -> None:
    users.set_role(state, "ada", Role.VIEWER)


async def _password(state: Path) -> None:
    await asyncio.to_thread(users.set_password, state, "ada", "another long password")


async def _remove(state: Path) -> None:
    users.remove(state, "ada")


async def _replace(state: Path) -> None:
    users.remove(state, "ada")
    await asyncio.to_thread(users.add, state, "ada", Role.OPERATOR, PASSWORD)


@pytest.mark.parametrize("change", [_role, _password, _remove, _replace])
async def test_a_change_of_the_user_ends_the_session_and_the_live_stream_at_once(
    served: Daemon, browser: httpx.AsyncClient, state: Path, change: Any
) -> None:
    async with listening(served, cookie_of(await sign_in(browser))) as live:
        assert json.loads(await live.recv())["type"] == "snapshot"
        await change(state)
        assert (await browser.get("/api/v1/me")).status_code == 401
        assert await closed(live) == UNAUTHENTICATED
    await until(lambda: served.hub._clients == set())


async def test_signing_out_ends_the_live_stream(served: Daemon, browser: httpx.AsyncClient) -> None:
    async with listening(served, cookie_of(await sign_in(browser))) as live:
        await live.recv()
        await browser.delete("/api/v1/session")
        assert await closed(live) == UNAUTHENTICATED


async def test_failed_attempts_wait_longer_and_longer(
    served: Daemon, browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "matches", lambda _kept, _password: False)
    now = [1000.0]
    monkeypatch.setattr(served.access, "clock", lambda: now[0])
    for _ in range(FREE_FOR_USER):
        assert (await sign_in(browser, "ada", "wrong")).status_code == 401
    waits = []
    for _ in range(4):
        refused = await sign_in(browser, "ada", PASSWORD)
        assert refused.status_code == 429
        assert refused.headers["content-type"] == "application/problem+json"
        waits.append(int(refused.headers["retry-after"]))
        now[0] += waits[-1]
        assert (await sign_in(browser, "ada", "wrong")).status_code == 401
    assert waits == [1, 2, 4, 8]


async def test_a_name_that_is_not_there_has_to_wait_as_well(
    browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "matches", lambda _kept, _password: False)
    for _ in range(FREE_FOR_USER):
        assert (await sign_in(browser, "nobody", "wrong")).status_code == 401
    assert (await sign_in(browser, "nobody", "wrong")).status_code == 429


async def test_of_many_attempts_at_once_only_the_free_ones_are_tried(
    browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []
    monkeypatch.setattr(passwords, "matches", lambda _kept, given: tried.append(given))
    answers = await asyncio.gather(*(sign_in(browser, "ada", f"guess {n}") for n in range(40)))
    assert len(tried) == FREE_FOR_USER
    assert sorted({answer.status_code for answer in answers}) == [401, 429]


async def test_the_right_password_forgets_the_wrong_ones(
    browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "matches", lambda _kept, given: given == PASSWORD)
    for _ in range(3):
        for _ in range(FREE_FOR_USER - 1):
            await sign_in(browser, "ada", "wrong")
        assert (await sign_in(browser)).status_code == 204


async def test_too_many_passwords_at_once_are_turned_away(
    browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "MOST_WAITING", -passwords.AT_ONCE)
    answer = await sign_in(browser)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"user": "ada"},
        {"user": ["ada"], "password": PASSWORD},
        {"user": "a" * 101, "password": PASSWORD},
        {"user": "ada", "password": "p" * 1025},
        {"user": "ada", "password": PASSWORD, "role": "admin"},
    ],
)
async def test_what_is_no_sign_in_is_refused(browser: httpx.AsyncClient, body: Any) -> None:
    answer = await browser.post("/api/v1/session", json=body)
    assert answer.status_code == 422
    assert PASSWORD not in answer.text


async def test_a_link_ends_the_session_before(served: Daemon, browser: httpx.AsyncClient) -> None:
    before = cookie_of(await sign_in(browser)).partition("=")[2]
    await browser.get(link_of(served.url, link_token(SECRET, Role.VIEWER)))
    assert served.access.sessions.find(before) is None
    assert (await whoami(browser))["role"] == "viewer"
