"""/api/v1/me and /api/v1/session: who is asking, signing in and out."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.responses import Response

from outkept.serve import shapes_access as shapes
from outkept.serve.access import Access, TooManyAttemptsError, WrongPasswordError
from outkept.serve.answers import Answer
from outkept.serve.auth import Grant
from outkept.serve.description import ERRORS
from outkept.serve.needs import needs_nothing, needs_somebody, stated
from outkept.serve.passwords import LONGEST, BusyError
from outkept.serve.place import peer_of
from outkept.serve.problems import Problem

BUSY_WAIT = 2
"""Seconds after which to try again when too many passwords are being checked."""


class SignIn(BaseModel):
    """Who wants in."""

    model_config = ConfigDict(extra="forbid")

    user: Annotated[str, StringConstraints(max_length=100)]
    password: Annotated[str, StringConstraints(max_length=LONGEST)]


def create_me_router(access: Access) -> APIRouter:
    """The endpoints about the one who asks."""
    router = APIRouter(prefix="/api/v1", dependencies=[Depends(stated)], responses=ERRORS)

    @router.get("/me", response_model=shapes.Me, dependencies=[needs_somebody()])
    async def me(request: Request) -> Response:
        """Who is asking, and what they may do."""
        grant: Grant = request.state.grant
        return Answer(
            {
                "kind": grant.kind,
                "name": grant.name,
                "role": grant.role,
                "scopes": sorted(grant.scopes),
                "expires": grant.expires,
            }
        )

    @router.get("/session", response_model=shapes.SignedIn, dependencies=[needs_nothing()])
    async def session(request: Request) -> Response:
        """Whether who asks is signed in; never an error, so that a page may ask."""
        return Answer({"signed_in": access.grant(request.headers) is not None})

    @router.post("/session", status_code=204, dependencies=[needs_nothing()])
    async def sign_in(request: Request, wanted: SignIn) -> Response:
        """Sign in with a password: sets the page's cookie, and ends the session before."""
        address = access.place.client(peer_of(request.scope), request.headers)
        try:
            id_ = await access.sign_in(wanted.user, wanted.password, address)
        except TooManyAttemptsError as error:
            raise Problem(429, str(error), {"retry-after": str(error.wait)}) from None
        except BusyError as error:
            detail = f"{error}; try again in {BUSY_WAIT} s"
            raise Problem(503, detail, {"retry-after": str(BUSY_WAIT)}) from None
        except WrongPasswordError as error:
            raise Problem(401, str(error)) from None
        await access.sign_out(request.headers)
        response = Response(status_code=204)
        access.set_cookie(response, id_)
        return response

    @router.delete("/session", status_code=204, dependencies=[needs_nothing()])
    async def sign_out(request: Request) -> Response:
        """Sign out: ends the session, and has the browser forget it."""
        await access.sign_out(request.headers)
        response = Response(status_code=204)
        access.clear_cookie(response)
        return response

    return router
