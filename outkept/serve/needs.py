"""What a route needs, stated where it is declared:

@router.get("/servers", dependencies=READ)
@router.post("/sweeps", dependencies=[needs(Scope.SWEEP)])

A route of the API that states nothing answers 403 to everybody. `request.state.grant` is who asks.
"""

from collections.abc import Sequence
from typing import Any

from fastapi import Depends, Request
from starlette.datastructures import Headers

from outkept.serve.access import Access
from outkept.serve.auth import Role, Scope
from outkept.serve.place import peer_of
from outkept.serve.problems import Problem

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Need:
    """What one route needs: a scope, or (None) only to be somebody, or, where it `is_open`,
    nothing at all."""

    def __init__(self, scope: Scope | None, *, is_open: bool = False) -> None:
        self.scope = scope
        self.is_open = is_open

    async def __call__(self, request: Request) -> None:
        """Let the request through, or raise Problem."""
        access = access_of(request)
        if not self.is_open:
            allow(access, request, self.scope)
        _check_origin(access, request)


def needs(scope: Scope) -> Any:
    """A dependency that lets only those through who have `scope`."""
    return Depends(Need(scope))


READ = [needs(Scope.READ)]
"""The `dependencies` of a route that only shows."""


def needs_somebody() -> Any:
    """A dependency that lets everybody through who is signed in or has a token."""
    return Depends(Need(None))


def needs_nothing() -> Any:
    """A dependency of a route that is for everybody. Its Origin is checked all the same."""
    return Depends(Need(None, is_open=True))


async def stated(request: Request) -> None:
    """A dependency of a whole router: refuses a route that states no need."""
    if needed(getattr(request.scope.get("route"), "dependencies", ())) is None:
        raise Problem(403, "this route doesn't state what it needs; please report it")


def needed(dependencies: Sequence[Any]) -> Need | None:
    """The need among a route's dependencies, if it states one."""
    found = (one.dependency for one in dependencies if isinstance(one.dependency, Need))
    return next(found, None)


def access_of(request: Request) -> Access:
    """The application's rules."""
    access = request.app.state.access
    assert isinstance(access, Access)
    return access


def allow(access: Access, request: Request, scope: Scope | None) -> None:
    """Let the request through if who asks has `scope` (None: whatever it has). Raises Problem."""
    grant = access.grant(request.headers)
    if grant is None:
        raise Problem(
            401,
            "sign in, or send Authorization: Bearer TOKEN; `outkept token` prints one",
            {"www-authenticate": 'Bearer realm="outkept"'},
        )
    if scope is not None and scope not in grant.scopes:
        raise Problem(
            403, f"this needs {_who(scope)}; yours are: {', '.join(sorted(grant.scopes))}"
        )
    request.state.grant = grant


def local_or(scope: Scope) -> Any:
    """A dependency that lets through who asks on this machine, and those who have `scope`."""

    async def check(request: Request) -> None:
        access = access_of(request)
        if not access.place.is_local(peer_of(request.scope)):
            allow(access, request, scope)

    return Depends(check)


def _who(scope: Scope) -> str:
    role = next(role for role in Role if scope in role.scopes)
    return f"the scope {scope}, which the role {role} has"


def _check_origin(access: Access, request: Request) -> None:
    """Whatever changes something must come from our page, or from no page at all, which can't
    be told from a page's by a cookie alone."""
    headers: Headers = request.headers
    if request.method in _SAFE or access.origin_is_ours(headers):
        return
    if "origin" in headers or access.bearer(headers) is None:
        raise Problem(403, "this request did not come from the daemon's own page")
