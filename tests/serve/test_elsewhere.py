"""Beyond loopback: TLS from the real listener, and what a reverse proxy hands on."""

import json
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from outkept.serve import passwords, users
from outkept.serve.access import Access
from outkept.serve.attempts import FREE_FOR_ADDRESS
from outkept.serve.auth import Role
from outkept.serve.certificate import Certificate
from outkept.serve.errors import CertificateError, ListenRefused
from outkept.serve.http import create_app
from outkept.serve.links import link_of, link_token
from outkept.serve.live import Hub
from outkept.serve.place import Place
from outkept.serve.server import address_of, bind
from tests.serve.certificates import NAME, make_certificate, trusting
from tests.serve.daemon import DASHBOARD, SECRET, Daemon, bearer, daemon
from tests.serve.fleet import varied

ORIGIN = f"https://{NAME}"
LISTEN = "127.0.0.1"
PROXIES = (ip_network("10.0.0.9"),)
PROBES = ("/metrics", "/healthz", "/readyz")


@pytest.fixture
async def secure(tmp_path: Path) -> AsyncIterator[Daemon]:
    certificate = Certificate(*make_certificate(tmp_path))
    place = Place(LISTEN, ORIGIN, tls=True)
    async with daemon(varied(), place=place, certificate=certificate) as running:
        yield running


def secure_client(running: Daemon, tmp_path: Path) -> httpx.AsyncClient:
    """A client that reaches the listener by its own address, under the public name."""
    return httpx.AsyncClient(
        base_url=f"https://{LISTEN}:{running.port}",
        headers={"host": NAME, "origin": ORIGIN},
        verify=trusting(tmp_path / "server.pem"),
    )


async def test_tls_serves_page_and_stream_with_a_cookie_that_only_tls_carries(
    secure: Daemon, tmp_path: Path
) -> None:
    assert secure.url == f"{ORIGIN}/"
    async with secure_client(secure, tmp_path) as client:
        path = link_of("", link_token(SECRET))
        answer = await client.get(path)
        name, _, flags = answer.headers["set-cookie"].partition("=")
        assert name.startswith("__Host-")
        assert "; secure" in flags.lower()
        assert "; path=/" in flags.lower()
        assert "domain" not in flags.lower()
        cookie = f"{name}={flags.partition(';')[0]}"
        me = await client.get("/api/v1/me", headers={"cookie": cookie})
        assert me.json()["role"] == "admin"
    headers = {"cookie": cookie, "origin": ORIGIN}
    async with connect(
        f"wss://{NAME}/api/v1/live",
        host=LISTEN,
        port=secure.port,
        additional_headers=headers,
        ssl=trusting(tmp_path / "server.pem"),
        max_size=None,
        proxy=None,
    ) as live:
        assert json.loads(await live.recv())["type"] == "snapshot"


async def test_no_word_is_spoken_without_tls(secure: Daemon) -> None:
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(f"http://{LISTEN}:{secure.port}/healthz")


async def test_a_renewed_certificate_is_used_and_a_broken_one_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    chain, key = make_certificate(tmp_path)
    certificate = Certificate(chain, key)
    place = Place(LISTEN, ORIGIN, tls=True)
    async with daemon(varied(), place=place, certificate=certificate) as running:

        async def status(trusted: Path) -> int:
            base = f"https://{LISTEN}:{running.port}"
            async with httpx.AsyncClient(verify=trusting(trusted)) as client:
                return (await client.get(f"{base}/healthz")).status_code

        assert await status(chain) == 200
        new_chain, new_key = make_certificate(tmp_path, "new")
        trusted = tmp_path / "trusted.pem"
        trusted.write_bytes(new_chain.read_bytes())
        new_chain.replace(chain)
        new_key.replace(key)
        certificate.look()
        assert await status(trusted) == 200
        key.write_text("nonsense")
        certificate.look()
        assert "stays in use" in caplog.text
        assert await status(trusted) == 200


def test_what_is_no_certificate_is_one_clear_line(tmp_path: Path) -> None:
    chain, key = make_certificate(tmp_path)
    _, other = make_certificate(tmp_path, "other")
    encrypted = tmp_path / "encrypted.key"
    encrypted.write_text(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n"
    )
    wrong = [(chain, other), (key, chain), (chain, encrypted), (chain, tmp_path / "missing")]
    for pair in wrong:
        with pytest.raises(CertificateError, match=r"dashboard\.tls") as refused:
            Certificate(*pair)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("place", [Place("0.0.0.0"), Place("0.0.0.0", tls=True)])
def test_a_place_that_is_not_safe_is_not_listened_on(place: Place) -> None:
    with pytest.raises(ListenRefused, match=r"dashboard\.listen 0\.0\.0\.0"):
        bind(place.listen, 0, place)


def test_programs_on_this_machine_are_told_an_address_that_works_here() -> None:
    place = Place("0.0.0.0", ORIGIN, proxies=PROXIES)
    with bind(place.listen, 0, place) as listener:
        assert address_of(listener, place) == f"http://127.0.0.1:{listener.getsockname()[1]}/"
    place = Place("0.0.0.0", ORIGIN, tls=True)
    with bind(place.listen, 0, place) as listener:
        assert address_of(listener, place) == f"{ORIGIN}/"


def asking(peer: str, place: Place, state: Path | None = None) -> httpx.AsyncClient:
    """A client whose connection comes from `peer`, as the application sees it."""
    fleet = varied()
    app = create_app(fleet, Hub(fleet), Access(SECRET, place, state=state), DASHBOARD)
    transport = httpx.ASGITransport(app=app, client=(peer, 40000), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers={"origin": ORIGIN})


BEHIND = Place("10.0.0.5", ORIGIN, proxies=PROXIES)


async def test_behind_a_proxy_the_page_and_the_api_are_reached(tmp_path: Path) -> None:
    async with asking("10.0.0.9", BEHIND) as client:
        answer = await client.get("/", params={"token": link_token(SECRET)})
        assert answer.headers["set-cookie"].startswith("__Host-")
        assert (await client.get("/")).status_code == 200
        assert (await client.post("/api/v1/sweeps", json={})).status_code == 202


@pytest.mark.parametrize("path", ["/", "/login", "/assets/app.js", "/api/v1/me", *PROBES])
async def test_whoever_goes_round_the_proxy_is_turned_away(path: str) -> None:
    headers = bearer(Role.ADMIN) | {"x-forwarded-for": "10.0.0.9"}
    async with asking("10.0.0.8", BEHIND) as client:
        answer = await client.get(path, headers=headers)
        assert answer.status_code == 403
        assert "proxy" in answer.json()["detail"]
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_another_page_cannot_listen_through_the_proxy() -> None:
    place = Place(LISTEN, ORIGIN, proxies=PROXIES)
    async with daemon(varied(), place=place) as running:
        url = f"ws://{LISTEN}:{running.port}/api/v1/live"
        with pytest.raises(InvalidStatus) as refused:
            await connect(
                url, additional_headers=bearer() | {"origin": "https://evil.example"}, proxy=None
            )
        assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    ("peer", "place"),
    [
        ("10.0.0.9", BEHIND),
        ("203.0.113.7", Place("0.0.0.0", ORIGIN, tls=True)),
        ("127.0.0.1", Place(LISTEN, ORIGIN, proxies=(ip_network("127.0.0.1"),))),
    ],
    ids=["a proxy", "another machine", "a proxy on this machine"],
)
@pytest.mark.parametrize("path", PROBES)
async def test_probes_from_elsewhere_need_a_token(peer: str, place: Place, path: str) -> None:
    async with asking(peer, place) as client:
        for host in (NAME, "127.0.0.1:8844"):
            assert (await client.get(path, headers={"host": host})).status_code == 401
            answer = await client.get(path, headers={"host": host} | bearer())
            assert answer.status_code == 200


@pytest.mark.parametrize("path", PROBES)
async def test_probes_on_this_machine_need_none(path: str) -> None:
    async with asking("127.0.0.1", Place("0.0.0.0", ORIGIN, tls=True)) as client:
        assert (await client.get(path)).status_code == 200


async def _fail(client: httpx.AsyncClient, number: int, forwarded: str) -> Any:
    body = {"user": f"user{number}", "password": "wrong"}
    headers = {"x-forwarded-for": forwarded}
    return (await client.post("/api/v1/session", json=body, headers=headers)).status_code


async def test_attempts_through_a_proxy_count_for_who_makes_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(passwords, "matches", lambda _kept, _password: False)
    async with asking("10.0.0.9", BEHIND) as client:
        for number in range(FREE_FOR_ADDRESS):
            assert await _fail(client, number, f"6.6.6.{number}, 203.0.113.7") == 401
        assert await _fail(client, 90, "6.6.6.90, 203.0.113.7") == 429
        assert await _fail(client, 91, "203.0.113.8") == 401


async def test_without_a_proxy_nobody_chooses_the_address_that_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(passwords, "matches", lambda _kept, _password: False)
    async with asking("203.0.113.7", Place("0.0.0.0", ORIGIN, tls=True)) as client:
        for number in range(FREE_FOR_ADDRESS):
            assert await _fail(client, number, f"6.6.6.{number}") == 401
        assert await _fail(client, 90, "6.6.6.90") == 429


async def test_a_user_signs_in_through_a_proxy(tmp_path: Path) -> None:
    users.add(tmp_path, "ada", Role.VIEWER, "correct horse battery")
    async with asking("10.0.0.9", BEHIND, tmp_path) as client:
        body = {"user": "ada", "password": "correct horse battery"}
        assert (await client.post("/api/v1/session", json=body)).status_code == 204
        assert (await client.get("/api/v1/me")).json()["name"] == "ada"
        assert (await client.post("/api/v1/sweeps", json={})).status_code == 403
