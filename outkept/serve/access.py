"""Who is asking, and what they may do: bearer tokens, the page's session cookie, signing in.

SignInError
  WrongPasswordError
  TooManyAttemptsError
"""

import hashlib
import math
import time
from pathlib import Path

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import Response

from outkept.serve.attempts import Attempts
from outkept.serve.auth import Grant, Kind, Role, verify
from outkept.serve.links import read_link
from outkept.serve.passwords import Checker
from outkept.serve.place import Place
from outkept.serve.sessions import AGE, Session, Sessions
from outkept.serve.tokens import Tokens
from outkept.serve.users import Users, normal


class SignInError(Exception):
    """Nobody is signed in."""


class WrongPasswordError(SignInError):
    """There is no such user, or the password is another; which of the two is not told."""


class TooManyAttemptsError(SignInError):
    """It may be tried again in `wait` seconds."""

    def __init__(self, wait: float) -> None:
        self.wait = max(1, math.ceil(wait))
        super().__init__(f"too many failed attempts; try again in {self.wait} s")


class Access:
    """The rules of one listener. `listen` is the address it listens on, or all that is known of
    the place; users, tokens and sessions are those of `state` (None: no users and no named
    tokens, sessions in memory)."""

    def __init__(self, secret: bytes, listen: str | Place, *, state: Path | None = None) -> None:
        self._secret = secret
        self.state = state
        self.place = listen if isinstance(listen, Place) else Place(listen)
        self.users = Users(state)
        self.tokens = Tokens(state)
        self.sessions = Sessions(state, secret)
        self.attempts = Attempts()
        self.clock = time.monotonic
        self._checker = Checker()
        # Cookies are shared by all ports of a host; two daemons must not sign each other out.
        self.cookie = f"outkept_{hashlib.sha256(secret).hexdigest()[:12]}"
        if self.place.is_secure:
            self.cookie = f"__Host-{self.cookie}"

    def host_is_ours(self, headers: Headers) -> bool:
        """Whether the request was addressed to this daemon by a name that is safe."""
        return self.place.host_is_ours(headers)

    def origin_is_ours(self, headers: Headers) -> bool:
        """Whether the page that sent this request is one this daemon served."""
        return self.place.origin_is_ours(headers)

    def grant(self, headers: Headers) -> Grant | None:
        """What the request's bearer token, or else its session cookie, allows as of now."""
        bearer = self.bearer(headers)
        if bearer is not None:
            return self.tokens.grant(bearer) or verify(self._secret, bearer)
        session = self._session(headers)
        return self._granted(session) if session else None

    def _granted(self, session: Session) -> Grant | None:
        if not session.user:
            return Grant(session.role.scopes, session.created, session.expires, Kind.LINK)
        user = self.users.get(session.user)
        if user is None or user.stamp != session.stamp:
            return None
        return Grant(user.role.scopes, session.created, session.expires, Kind.USER, user.name)

    @staticmethod
    def bearer(headers: Headers) -> str | None:
        """The bearer token the request carries, valid or not."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None

    async def redeem(self, token: str) -> str | None:
        """The id of the session that a link's token begins; None if it is not one of ours, is
        too old, or was used before."""
        link = read_link(self._secret, token)
        if link is None or not self.sessions.spend(link.id, link.expires):
            return None
        return await self.begin(link.role)

    async def begin(self, role: Role, *, user: str = "", stamp: str = "") -> str:
        """The id of a new session."""
        id_ = self.sessions.begin(user=user, role=role, stamp=stamp)
        await self.sessions.save()
        return id_

    async def sign_in(self, name: str, password: str, address: str) -> str:
        """The id of a new session of this user, who asks from `address`.

        Raises SignInError, passwords.BusyError. Takes as long for a name that isn't there.
        """
        name = normal(name)
        wait = self.attempts.wait(name, address, self.clock())
        if wait > 0:
            raise TooManyAttemptsError(wait)
        self._checker.admit()
        self.attempts.begin(name, address, self.clock())
        user = self.users.get(name)
        right = await self._checker.check(user.password if user else None, password)
        if not right or user is None:
            raise WrongPasswordError("the user's name or the password is wrong")
        self.attempts.succeeded(name, address)
        return await self.begin(user.role, user=user.name, stamp=user.stamp)

    def live_sessions(self) -> list[Session]:
        """The sessions that still let somebody in, oldest first."""
        return [one for one in self.sessions.all() if self._granted(one) is not None]

    async def sign_out(self, headers: Headers) -> None:
        """End the session of the request's cookie, if there is one."""
        # Whoever asks without a session must not cost the disk anything.
        if any(self.sessions.end(id_) for id_ in self._ids(headers)):
            await self.sessions.save()

    def set_cookie(self, response: Response, id_: str) -> None:
        """Have the browser keep a session's id, where scripts and other sites can't use it."""
        response.set_cookie(
            self.cookie,
            id_,
            max_age=int(AGE),
            httponly=True,
            samesite="strict",
            secure=self.place.is_secure,
        )

    def clear_cookie(self, response: Response) -> None:
        """Have the browser forget the session's id."""
        response.delete_cookie(
            self.cookie, httponly=True, samesite="strict", secure=self.place.is_secure
        )

    def _session(self, headers: Headers) -> Session | None:
        found = (self.sessions.find(id_) for id_ in self._ids(headers))
        return next((session for session in found if session is not None), None)

    def _ids(self, headers: Headers) -> list[str]:
        # Not SimpleCookie, which gives up at the first cookie it doesn't like: other programs on
        # this host, whatever their port, set cookies that come along.
        value = cookie_parser("; ".join(headers.getlist("cookie"))).get(self.cookie)
        return [value] if value else []
