"""Which Host, Origin and peer are right where; decisions alone, without a listener."""

from ipaddress import ip_network

import pytest
from starlette.datastructures import Headers

from outkept.serve.place import MOST_HOPS, Place, peer_of

ORIGIN = "https://outkept.example.org"
PROXY = (ip_network("10.0.0.9"), ip_network("2001:db8::/64"))
LOCAL = Place("127.0.0.1")
TLS = Place("0.0.0.0", ORIGIN, tls=True)
PROXIED = Place("10.0.0.5", ORIGIN, proxies=PROXY)
BEHIND_LOCAL = Place("127.0.0.1", ORIGIN, proxies=(ip_network("127.0.0.1"),))


def headers(*pairs: tuple[str, str]) -> Headers:
    return Headers(raw=[(name.encode(), value.encode()) for name, value in pairs])


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (Place("0.0.0.0"), ("in the clear", "dashboard.tls")),
        (Place("10.0.0.5", ORIGIN), ("in the clear", "dashboard.proxy")),
        (Place("::"), ("in the clear", "ssh -L")),
        (Place("10.0.0.5", tls=True), ("Host and Origin", "dashboard.origin")),
        (Place("10.0.0.5", proxies=PROXY), ("Host and Origin", "dashboard.origin")),
        (Place("127.0.0.1", proxies=PROXY), ("Host and Origin", "dashboard.origin")),
    ],
)
def test_what_would_not_be_safe_is_said_with_what_to_do(
    place: Place, words: tuple[str, str]
) -> None:
    fault = place.fault()
    assert fault is not None
    assert words[0] in fault[0]
    assert words[1] in fault[1]


@pytest.mark.parametrize(
    "place", [LOCAL, Place("::1"), Place("127.0.0.1", tls=True), TLS, PROXIED, BEHIND_LOCAL]
)
def test_what_is_safe_may_be_listened_on(place: Place) -> None:
    assert place.fault() is None


@pytest.mark.parametrize(
    ("place", "host", "ours"),
    [
        (LOCAL, "127.0.0.1:8844", True),
        (LOCAL, "localhost", True),
        (LOCAL, "outkept.example.org", False),
        (TLS, "outkept.example.org", True),
        (TLS, "OUTKEPT.example.org", True),
        (TLS, "outkept.example.org:8844", False),
        (TLS, "evil.outkept.example.org", False),
        (TLS, "10.0.0.5", False),
        (PROXIED, "10.0.0.5:8844", True),
        (PROXIED, "outkept.example.org", True),
        (PROXIED, "evil.example", False),
        (Place("10.0.0.5", "https://a.example:8443", tls=True), "a.example:8443", True),
        (Place("10.0.0.5", "https://a.example:8443", tls=True), "a.example", False),
    ],
)
def test_the_host_is_one_that_is_configured(place: Place, host: str, ours: bool) -> None:
    assert place.host_is_ours(headers(("host", host))) is ours


def test_a_request_has_exactly_one_host() -> None:
    assert not LOCAL.host_is_ours(headers())
    assert not LOCAL.host_is_ours(headers(("host", "localhost"), ("host", "localhost")))


@pytest.mark.parametrize(
    ("place", "host", "origin", "ours"),
    [
        (LOCAL, "127.0.0.1:8844", "http://127.0.0.1:8844", True),
        (LOCAL, "127.0.0.1:8844", "http://127.0.0.1:1", False),
        (LOCAL, "127.0.0.1:8844", "http://localhost:8844", False),
        (LOCAL, "127.0.0.1:8844", "https://127.0.0.1:8844", False),
        (LOCAL, "evil.example", "http://evil.example", False),
        (TLS, "outkept.example.org", ORIGIN, True),
        (TLS, "outkept.example.org", "http://outkept.example.org", False),
        (TLS, "outkept.example.org", "https://evil.example", False),
        (TLS, "evil.example", "https://evil.example", False),
        (TLS, "127.0.0.1:8844", "https://127.0.0.1:8844", True),
        (PROXIED, "10.0.0.5:8844", ORIGIN, True),
        (PROXIED, "outkept.example.org", "null", False),
        (PROXIED, "outkept.example.org", "http://outkept.example.org", False),
    ],
)
def test_the_origin_is_the_page_that_is_configured(
    place: Place, host: str, origin: str, ours: bool
) -> None:
    assert place.origin_is_ours(headers(("host", host), ("origin", origin))) is ours


def test_a_request_of_a_page_has_exactly_one_origin() -> None:
    host, origin = ("host", "outkept.example.org"), ("origin", ORIGIN)
    assert not TLS.origin_is_ours(headers(host))
    assert not TLS.origin_is_ours(headers(host, origin, origin))


@pytest.mark.parametrize(
    ("place", "peer", "admitted"),
    [
        (LOCAL, "127.0.0.1", True),
        (PROXIED, "10.0.0.9", True),
        (PROXIED, "2001:db8::7", True),
        (PROXIED, "127.0.0.1", True),
        (PROXIED, "10.0.0.8", False),
        (PROXIED, "", False),
        (PROXIED, "::ffff:10.0.0.9", True),
        (PROXIED, "::ffff:10.0.0.8", False),
        (PROXIED, "::ffff:127.0.0.1", True),
        (TLS, "203.0.113.7", True),
    ],
)
def test_without_tls_only_the_proxy_comes_over_a_network(
    place: Place, peer: str, admitted: bool
) -> None:
    assert place.admits(peer) is admitted


def test_ipv4_that_comes_to_an_ipv6_socket_is_ipv4() -> None:
    assert peer_of({"client": ("::ffff:203.0.113.7", 1)}) == "203.0.113.7"
    assert peer_of({"client": ("2001:db8::7", 1)}) == "2001:db8::7"
    assert peer_of({"client": None}) == ""


def test_what_a_proxy_hands_on_is_never_local() -> None:
    assert LOCAL.is_local("127.0.0.1")
    assert not BEHIND_LOCAL.is_local("127.0.0.1")
    assert not TLS.is_local("203.0.113.7")


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.9", ["203.0.113.7"], "203.0.113.7"),
        ("10.0.0.9", ["6.6.6.6, 203.0.113.7"], "203.0.113.7"),
        ("10.0.0.9", ["6.6.6.6", "203.0.113.7"], "203.0.113.7"),
        ("10.0.0.9", ["6.6.6.6, 203.0.113.7, 2001:db8::1"], "203.0.113.7"),
        ("10.0.0.9", [], "10.0.0.9"),
        ("10.0.0.9", [""], "10.0.0.9"),
        ("10.0.0.9", ["203.0.113.7, nonsense"], "10.0.0.9"),
        ("10.0.0.9", ["203.0.113.7" + ", 10.0.0.9" * MOST_HOPS], "10.0.0.9"),
        ("10.0.0.8", ["203.0.113.7"], "10.0.0.8"),
        ("10.0.0.9", ["::ffff:203.0.113.7"], "203.0.113.7"),
        ("127.0.0.1", ["203.0.113.7"], "127.0.0.1"),
    ],
)
def test_forwarded_addresses_are_believed_of_the_proxy_alone(
    peer: str, forwarded: list[str], client: str
) -> None:
    pairs = [("x-forwarded-for", value) for value in forwarded]
    assert PROXIED.client(peer, headers(*pairs)) == client
