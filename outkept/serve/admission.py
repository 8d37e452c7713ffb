"""/api/v1/users, /tokens and /sessions: who has access, and ending it."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi import Path as InPath
from starlette.responses import Response

from outkept.serve import shapes_access as shapes
from outkept.serve import tokens, users
from outkept.serve.access import Access
from outkept.serve.answers import listed
from outkept.serve.auth import Scope
from outkept.serve.description import ERRORS
from outkept.serve.files import AccessFileError
from outkept.serve.needs import needs, stated
from outkept.serve.problems import Problem
from outkept.serve.sessions import Session
from outkept.serve.source import Json
from outkept.serve.tokens import ApiToken, TokenError
from outkept.serve.users import User, UserError

ADMIN = [needs(Scope.ADMIN)]

Name = Annotated[str, InPath(max_length=100)]


def create_admission_router(access: Access) -> APIRouter:
    """The endpoints about everybody's access. Making users and tokens is left to the command
    line: what makes a secret should not cross a network."""
    router = APIRouter(prefix="/api/v1", dependencies=[Depends(stated)], responses=ERRORS)

    @router.get("/users", response_model=shapes.Users, dependencies=ADMIN)
    async def all_users() -> Response:
        """The users, by name."""
        found = access.users.all()
        return listed(([_user(found[name]) for name in sorted(found)], None))

    @router.get("/tokens", response_model=shapes.Tokens, dependencies=ADMIN)
    async def all_tokens() -> Response:
        """The tokens with a name, by name; the expired ones too."""
        return listed(([_token(token) for token in access.tokens.all()], None))

    @router.get("/sessions", response_model=shapes.Sessions, dependencies=ADMIN)
    async def all_sessions() -> Response:
        """The pages that are signed in, newest first."""
        return listed(([_session(session) for session in reversed(access.live_sessions())], None))

    @router.delete("/users/{name}", status_code=204, dependencies=ADMIN)
    async def remove_user(name: Name) -> Response:
        """Remove a user. Their sessions end."""
        return await _ended(access.state, users.remove, users.normal(name))

    @router.delete("/tokens/{name}", status_code=204, dependencies=ADMIN)
    async def revoke_token(name: Name) -> Response:
        """Revoke a token with a name."""
        return await _ended(access.state, tokens.revoke, name)

    @router.delete("/sessions/{session_id}", status_code=204, dependencies=ADMIN)
    async def end_session(session_id: Name) -> Response:
        """Sign a page out."""
        for session in access.live_sessions():
            if _public_id(session) == session_id:
                access.sessions.forget(session)
                await access.sessions.save()
                return Response(status_code=204)
        raise Problem(404, f"no session has the id {session_id[:80]!r}")

    return router


async def _ended(state: Path | None, change: Callable[[Path, str], None], name: str) -> Response:
    if state is None:
        raise Problem(404, "this daemon has no state directory")
    try:
        await asyncio.to_thread(change, state, name)
    except (UserError, TokenError) as error:
        raise Problem(404, str(error)) from None
    except AccessFileError as error:
        raise Problem(500, str(error)) from None
    return Response(status_code=204)


def _user(user: User) -> Json:
    return {"name": user.name, "role": user.role, "changed": user.changed}


def _token(token: ApiToken) -> Json:
    return {
        "name": token.name,
        "scopes": sorted(token.scopes),
        "created": token.created,
        "expires": token.expires,
    }


def _session(session: Session) -> Json:
    return {
        "id": _public_id(session),
        "user": session.user,
        "role": session.role,
        "created": session.created,
        "expires": session.expires,
    }


def _public_id(session: Session) -> str:
    """Of the hash that is kept: it opens nothing."""
    return session.hash[:16]
