"""Who is asking, and from where: Host, Origin, bearer tokens and the page's session cookie."""

import hashlib
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address

from starlette.datastructures import Headers

from outkept.serve.auth import Grant, Purpose, Role, mint, verify

SESSION_AGE = 30 * 86400.0
"""Seconds a page's session is honoured; opening the page again starts a new one."""


def is_loopback(host: str) -> bool:
    """Whether `host` (a name or an address without brackets) can only be this machine.

    Only names that no DNS server is asked for count: any other name may point at 127.0.0.1
    for an attacker's page (DNS rebinding).
    """
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class Access:
    """The rules of one listener. `listen` is the address it listens on."""

    def __init__(self, secret: bytes, listen: str) -> None:
        self._secret = secret
        self._listen = listen.strip("[]").lower()
        # Cookies are shared by all ports of a host; two daemons must not sign each other out.
        self.cookie = f"outkept_{hashlib.sha256(secret).hexdigest()[:12]}"

    def host_is_ours(self, headers: Headers) -> bool:
        """Whether the request was addressed to this daemon by a name that is safe."""
        hosts = headers.getlist("host")
        if len(hosts) != 1:
            return False
        host = _without_port(hosts[0])
        return is_loopback(host) or host.lower() == self._listen

    def origin_is_ours(self, headers: Headers) -> bool:
        """Whether the page that sent this request is one this daemon served."""
        origins = headers.getlist("origin")
        return len(origins) == 1 and origins[0].lower() == f"http://{headers['host'].lower()}"

    def grant(self, headers: Headers) -> Grant | None:
        """What the request's bearer token, or else its session cookie, allows."""
        bearer = self.bearer(headers)
        if bearer is not None:
            return verify(self._secret, bearer)
        session = self._session(headers)
        if session is None:
            return None
        return verify(self._secret, session, purpose=Purpose.SESSION, longest=SESSION_AGE)

    @staticmethod
    def bearer(headers: Headers) -> str | None:
        """The bearer token the request carries, valid or not."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None

    def new_session(self) -> str:
        """The value of the page's cookie. On loopback whoever can open the page already is on
        this machine, so the page may do what an operator may."""
        return mint(self._secret, Role.OPERATOR, purpose=Purpose.SESSION)

    def _session(self, headers: Headers) -> str | None:
        try:
            morsel = SimpleCookie("; ".join(headers.getlist("cookie"))).get(self.cookie)
        except CookieError:
            return None
        return morsel.value if morsel else None


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host
