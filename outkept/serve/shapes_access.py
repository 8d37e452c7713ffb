"""The shapes of who may do what: users, tokens, sessions."""

from outkept.serve.auth import Kind, Role, Scope
from outkept.serve.shapes import Shape


class Me(Shape):
    """Who is asking. `role` is the highest that the scopes amount to, if any; `expires` is when
    the session or the token ends by itself, if it does."""

    kind: Kind
    name: str
    role: Role | None
    scopes: list[Scope]
    expires: float | None


class SignedIn(Shape):
    """Whether who asks is somebody."""

    signed_in: bool


class User(Shape):
    """Somebody who may sign in with a password."""

    name: str
    role: Role
    changed: float


class Users(Shape):
    """The users."""

    items: list[User]
    next: None


class Token(Shape):
    """A token with a name; the token itself can't be shown again."""

    name: str
    scopes: list[Scope]
    created: float
    expires: float | None


class Tokens(Shape):
    """The tokens with a name."""

    items: list[Token]
    next: None


class Session(Shape):
    """A page that is signed in. `user` is empty for one that came by a link."""

    id: str
    user: str
    role: Role
    created: float
    expires: float


class Sessions(Shape):
    """The pages that are signed in."""

    items: list[Session]
    next: None
