"""The page's files: as they are on disk, from memory."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from outkept.serve.assets import add_assets


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "assets"
    (folder / "pages").mkdir(parents=True)
    (folder / "app.js").write_text("export const x = 'ö';\n", encoding="utf-8")
    (folder / "pages" / "one.css").write_text("a { color: red }\n")
    (folder / "icon.svg").write_bytes(b"<svg/>")
    (folder / "LICENSE").write_text("free\n")
    (tmp_path / "secret").write_text("no\n")
    return folder


@pytest.fixture
async def client(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette()
    add_assets(app, folder)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://127.0.0.1/assets/"
    ) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("app.js", "javascript"),
        ("pages/one.css", "text/css"),
        ("icon.svg", "image/svg+xml"),
        ("LICENSE", "text/plain"),
    ],
)
async def test_a_file_is_served_whole_with_its_type(
    client: httpx.AsyncClient, folder: Path, path: str, kind: str
) -> None:
    answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.content == (folder / path).read_bytes()
    assert kind in answer.headers["content-type"]
    assert answer.headers["cache-control"] == "no-cache"
    head = await client.head(path)
    assert (head.status_code, head.headers["etag"]) == (200, answer.headers["etag"])


@pytest.mark.parametrize(
    "path",
    ["", "pages", "pages/", "nothing.js", "../secret", "%2e%2e/secret", "/../secret", "x%00"],
)
async def test_what_is_no_file_of_the_folder_is_not_there(
    client: httpx.AsyncClient, path: str
) -> None:
    assert (await client.get(f"http://127.0.0.1/assets/{path}")).status_code == 404


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', '"other",W/{}'])
async def test_what_a_browser_has_is_not_sent_again(client: httpx.AsyncClient, form: str) -> None:
    etag = (await client.get("app.js")).headers["etag"]
    again = await client.get("app.js", headers={"if-none-match": form.format(etag)})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == etag
    other = await client.get("pages/one.css", headers={"if-none-match": form.format(etag)})
    assert other.status_code == 200


async def test_another_content_is_another_etag(client: httpx.AsyncClient, folder: Path) -> None:
    before = (await client.get("app.js")).headers["etag"]
    (folder / "app.js").write_text("export const x = 2;\n")
    app = Starlette()
    add_assets(app, folder)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://127.0.0.1/assets/"
    ) as upgraded:
        answer = await upgraded.get("app.js", headers={"if-none-match": before})
    assert (answer.status_code, answer.text) == (200, "export const x = 2;\n")


async def test_no_answer_waits_for_the_disk(client: httpx.AsyncClient, folder: Path) -> None:
    (folder / "app.js").unlink()
    assert (await client.get("app.js")).status_code == 200


async def test_nothing_can_be_changed(client: httpx.AsyncClient) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert (await client.request(method, "app.js")).status_code == 405
