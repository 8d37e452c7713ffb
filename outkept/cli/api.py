"""Asking a running daemon over HTTP: found by its state directory or its URL."""

import http.client
import ipaddress
import json
import os
import pwd
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import (
    HTTPRedirectHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

from outkept.app.whereabouts import URL_FILE
from outkept.serve.auth import Role, SecretError, load_secret, mint

Json = dict[str, Any]

DEADLINE_S = 10.0
MOST_BYTES = 64 * 1024 * 1024
"""Of one page: a thousand servers with a hundred series each are 15 MB."""
MOST_LINE = 4 * 1024 * 1024
"""Bytes of one line of an answer that goes on: a server's output at most, every character an
escape."""
PAGE = 1000
"""The most items the API puts on a page."""
_LONGEST_URL_FILE = 1000


class DaemonError(Exception):
    """The daemon was not found, or did not answer as it should. One line for people."""


class UsageError(DaemonError):
    """What was asked for can't be asked."""


class RefusedError(DaemonError):
    """The daemon answered, and didn't do what it was asked. `status` is HTTP's."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Daemon:
    """Where a daemon serves (no slash at the end), and the token that it lets in."""

    url: str
    token: str

    @property
    def live_url(self) -> str:
        """Of its websocket."""
        return f"ws{self.url.removeprefix('http')}/api/v1/live"

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine: no proxy stands between a machine and itself."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


def find_daemon(
    url: str | None, token: str | None, state: Path, *, named: bool, role: Role = Role.VIEWER
) -> Daemon:
    """The daemon at `url`, else the local one of the state directory.

    A token that isn't given is minted from the state directory's secret, for `role`, but goes to
    another URL than that daemon's own only when the directory was `named`. Raises DaemonError.
    """
    if url is not None and token:
        return Daemon(_checked(url), token)
    local = _local_url(state)
    chosen = _checked(url) if url is not None else local
    if chosen is None:
        raise DaemonError(
            f"no daemon is running with state directory {state}; start one with `outkept run`,"
            " or name it with --state or --url"
        )
    if token is None and (named or chosen == local):
        token = _minted(state, role)
    if not token:
        raise DaemonError(
            f"{chosen} needs a token; name it with --token or OUTKEPT_TOKEN (`outkept token`"
            " prints one, where the daemon runs)"
        )
    return Daemon(chosen, token)


def _local_url(state: Path) -> str | None:
    try:
        with (state / URL_FILE).open(encoding="ascii") as file:
            return _checked(file.read(_LONGEST_URL_FILE).strip())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DaemonError(f"{state / URL_FILE} can't be read: {error}") from None


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or True)
    except ValueError:
        good = False
    if not good or any(c.isspace() or not c.isprintable() for c in url):
        raise UsageError(f"{url!r} is not a daemon's URL; write http://HOST:PORT")
    return url.rstrip("/")


def _whose() -> str:
    """How the daemon writes down who asked: `of root`, by the account on this machine."""
    try:
        return f"of {pwd.getpwuid(os.getuid()).pw_name}"
    except KeyError:
        # The account has no name.
        return f"of uid {os.getuid()}"


def _minted(state: Path, role: Role) -> str:
    if not (state / "secret").exists():
        raise DaemonError(f"{state} has no daemon's secret; name its state directory with --state")
    try:
        return mint(load_secret(state), role, name=_whose())
    except SecretError as error:
        raise DaemonError(str(error)) from None


def ask(daemon: Daemon, path: str, **query: str | int | None) -> Json:
    """The answer to GET /api/v1/`path`. Takes at most ten seconds. Raises DaemonError."""
    given = {name: value for name, value in query.items() if value is not None}
    with _answer(daemon, "GET", path + (f"?{urlencode(given)}" if given else "")) as response:
        return _object(_read(response), daemon)


def tell(daemon: Daemon, method: str, path: str, body: Json | None = None) -> Json:
    """The answer to POST, PUT or DELETE /api/v1/`path`; empty where there is none. Takes at most
    ten seconds. Raises DaemonError."""
    with _answer(daemon, method, path, body) as response:
        content = _read(response)
    return _object(content, daemon) if content else {}


def follow(daemon: Daemon, path: str, silence: float) -> Iterator[Json]:
    """The lines of GET /api/v1/`path` as they come, for as long as they do. Raises DaemonError,
    also after `silence` seconds without one."""
    with _answer(daemon, "GET", path, timeout=silence) as response:
        while line := response.readline(MOST_LINE):
            if not line.endswith(b"\n"):
                raise DaemonError(f"{daemon.url} broke off its answer in the middle of a line")
            yield _object(line, daemon)


@contextmanager
def _answer(
    daemon: Daemon,
    method: str,
    path: str,
    body: Json | None = None,
    *,
    timeout: float = DEADLINE_S,
) -> Iterator[http.client.HTTPResponse]:
    headers = {"Authorization": f"Bearer {daemon.token}"}
    data = None
    if body is not None:
        data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
    # The scheme was checked: nothing but http and https comes here.
    request = Request(  # noqa: S310
        f"{daemon.url}/api/v1/{path}", data, headers, method=method
    )
    try:
        with _opener(daemon).open(request, timeout=timeout) as response:
            yield response
    except HTTPError as error:
        with error:
            raise RefusedError(_refusal(error, daemon), error.code) from None
    except URLError as error:
        raise DaemonError(f"no daemon answers at {daemon.url}: {_why(error.reason)}") from None
    except (OSError, http.client.HTTPException) as error:
        raise DaemonError(f"{daemon.url} broke off its answer: {_why(error)}") from None


def ask_list(
    daemon: Daemon, path: str, limit: int, page: int = PAGE, **query: str | int | None
) -> list[Json]:
    """The first `limit` items of a list, from as many pages of at most `page` as it takes. Raises
    DaemonError."""
    items: list[Json] = []
    cursor: str | None = None
    while len(items) < limit:
        answer = ask(daemon, path, limit=min(page, limit - len(items)), cursor=cursor, **query)
        found = answer.get("items")
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise DaemonError(f"{daemon.url} did not answer with a list; is it an Outkept?")
        items += found
        cursor = answer.get("next")
        if not cursor or not found:
            break
    return items[:limit]


class _NoRedirects(HTTPRedirectHandler):
    """A redirect would carry the token to wherever it points."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


def _opener(daemon: Daemon) -> OpenerDirector:
    proxies = [ProxyHandler({})] if daemon.is_here else []
    return build_opener(_NoRedirects, *proxies)


def _read(response: http.client.HTTPResponse | IO[bytes]) -> bytes:
    """The whole body. The socket's timeout bounds each read, this loop all of them."""
    deadline = time.monotonic() + DEADLINE_S
    body = bytearray()
    while chunk := response.read(1 << 18):
        body += chunk
        if len(body) > MOST_BYTES:
            raise DaemonError(f"the answer has more than {MOST_BYTES >> 20} MB; ask for less")
        if time.monotonic() > deadline:
            raise TimeoutError(f"it took longer than {DEADLINE_S:g} s")
    return bytes(body)


def _object(body: bytes, daemon: Daemon) -> Json:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise DaemonError(f"{daemon.url} did not answer with JSON; is it an Outkept?")
    return answer


def _refusal(error: HTTPError, daemon: Daemon) -> str:
    if 300 <= error.code < 400:
        return f"{daemon.url} redirects elsewhere; name the daemon's own URL"
    if error.code == 401:
        return f"{daemon.url} does not take this token; `outkept token` prints one, where it runs"
    try:
        detail = json.loads(error.read(65536)).get("detail")
    except (ValueError, AttributeError, OSError, http.client.HTTPException):
        detail = None
    return f"{daemon.url}: {detail or f'it answered {error.code} {error.reason}'}"


def _why(reason: object) -> str:
    if isinstance(reason, TimeoutError):
        return str(reason) or f"nothing came within {DEADLINE_S:g} s"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror.lower()
    return str(reason) or type(reason).__name__
