"""The page's files, from memory: a page needs over a hundred, and none of them waits for a disk."""

import mimetypes
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@dataclass(frozen=True, slots=True)
class _Asset:
    content: bytes
    media_type: str
    etag: str


def add_assets(app: Starlette, folder: Path) -> None:
    """Serve the files below `folder`, as they are now, under its name.

    A browser keeps them and asks about them by an ETag, which is of what is in them: an upgrade
    shows at once. Raises OSError if one can't be read.
    """
    assets = {
        path.relative_to(folder).as_posix(): _read(path)
        for path in folder.rglob("*")
        if path.is_file()
    }

    async def asset(request: Request) -> Response:
        found = assets.get(request.path_params["path"])
        if found is None:
            raise HTTPException(404)
        headers = {"etag": found.etag, "cache-control": "no-cache"}
        if found.etag in _known(request):
            return Response(status_code=304, headers=headers)
        return Response(found.content, media_type=found.media_type, headers=headers)

    app.router.routes.append(Route(f"/{folder.name}/{{path:path}}", asset))


def _read(path: Path) -> _Asset:
    content = path.read_bytes()
    media_type = mimetypes.guess_type(path.name)[0] or "text/plain"
    return _Asset(content, media_type, f'"{sha256(content).hexdigest()[:32]}"')


def _known(request: Request) -> list[str]:
    """The ETags of what the browser has; a proxy that compresses makes them weak."""
    given = request.headers.get("if-none-match", "")
    return [tag.strip().removeprefix("W/") for tag in given.split(",")]
