"""Sessions and the files they are in, where other programs, root and shortages get in the way."""

import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.datastructures import Headers

from outkept.serve import files, sessions
from outkept.serve.access import Access
from outkept.serve.auth import Role, load_secret
from outkept.serve.files import Watched
from outkept.serve.sessions import MOST_OF_USER, Sessions
from tests.serve.daemon import Daemon, daemon
from tests.serve.fleet import varied

SECRET = b"s" * 32


async def test_cookies_of_other_programs_on_this_host_are_in_nobodys_way() -> None:
    access = Access(SECRET, "127.0.0.1")
    id_ = await access.begin(Role.VIEWER)
    for others in ('prefs={"a":1}', "path=/x", "expires=never", "name=käse", ";;=;"):
        header = f"{others}; {access.cookie}={id_}; more=1"
        assert access.grant(Headers({"cookie": header})) is not None, others


async def test_signing_out_without_a_session_writes_nothing(tmp_path: Path) -> None:
    async with daemon(varied(1), state=tmp_path) as running, httpx.AsyncClient() as client:
        assert await _sign_out(client, running, {"cookie": f"{running.access.cookie}=nobodys"})
        assert not (tmp_path / sessions.FILE).exists()
        name, value = running.session()
        assert await _sign_out(client, running, {"cookie": f"{name}={value}"})
        assert (tmp_path / sessions.FILE).exists()
        assert running.access.grant(Headers({"cookie": f"{name}={value}"})) is None


async def _sign_out(client: httpx.AsyncClient, running: Daemon, headers: dict[str, str]) -> bool:
    headers |= {"origin": running.url.rstrip("/")}
    answer = await client.delete(f"{running.url}api/v1/session", headers=headers)
    return answer.status_code == 204


async def test_sessions_end_with_the_secret(tmp_path: Path) -> None:
    kept = Sessions(tmp_path, SECRET)
    id_ = kept.begin(user="", role=Role.ADMIN, stamp="")
    await kept.save()
    assert Sessions(tmp_path, SECRET).find(id_) is not None
    assert Sessions(tmp_path, b"t" * 32).find(id_) is None


def test_who_signs_in_again_and_again_ends_their_own_sessions_alone() -> None:
    kept = Sessions(None)
    others = kept.begin(user="grace", role=Role.ADMIN, stamp="1")
    linked = kept.begin(user="", role=Role.ADMIN, stamp="")
    mine = [kept.begin(user="ada", role=Role.VIEWER, stamp="1") for _ in range(MOST_OF_USER + 5)]
    assert kept.find(others) is not None
    assert kept.find(linked) is not None
    assert [id_ for id_ in mine if kept.find(id_)] == mine[5:]


def test_a_file_that_could_not_be_read_for_a_moment_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "things.json"
    files.write(path, {"things": 3})
    clock = [100.0]
    monkeypatch.setattr("outkept.serve.files.time.monotonic", lambda: clock[0])
    reading = files.read

    def short(_: Path) -> dict[str, Any]:
        raise files.AccessFileError("too many open files")

    watched = Watched(path, lambda content: content.get("things", 0))
    monkeypatch.setattr(files, "read", short)
    assert watched.current() == 0
    monkeypatch.setattr(files, "read", reading)
    assert watched.current() == 0
    clock[0] += files.RETRY_S
    assert watched.current() == 3


def test_what_root_makes_belongs_to_the_directorys_owner(tmp_path: Path) -> None:
    owner = 12345 if os.geteuid() == 0 else os.geteuid()
    os.chown(tmp_path, owner, -1)
    files.write(tmp_path / "users.json", {})
    load_secret(tmp_path)
    for name in ("users.json", "secret"):
        assert (tmp_path / name).stat().st_uid == owner
