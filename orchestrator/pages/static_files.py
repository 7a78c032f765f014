"""Style sheets, scripts and fonts: read once, and kept by browsers for as long as they stay what they are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from farm.protocol.errors import NotFound
from orchestrator.api.authentication import STATIC

_FOLDER = Path(__file__).parent / "static"
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
_FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class StaticFiles:
    """Every static file by its path below the folder, under one digest of them all.

    One for all of them, since style sheets name fonts beside them: what is relative stays right.
    """

    digest: str
    contents: dict[str, bytes]

    def url(self, name: str) -> str:
        """Where a browser finds a file, under an address that changes with the files.

        Raises: LookupError: a template names a file that is not there.
        """
        if name not in self.contents:
            raise LookupError(f"there is no static file {name!r}")
        return f"{STATIC}{self.digest}/{name}"


@cache
def static_files() -> StaticFiles:
    """The files that came with farm."""
    paths = sorted(path for path in _FOLDER.rglob("*") if path.suffix in _KINDS)
    contents = {path.relative_to(_FOLDER).as_posix(): path.read_bytes() for path in paths}
    whole = hashlib.sha256()
    for name, data in contents.items():
        whole.update(f"{name} {len(data)}\n".encode() + data)
    return StaticFiles(whole.hexdigest()[:16], contents)


def static_route() -> Route:
    """The route of all of them. Only names that were found at the start are served: a path leads nowhere else."""
    return Route(STATIC + "{digest}/{name:path}", _serve, methods=["GET"])


async def _serve(request: Request) -> Response:
    files = static_files()
    name = request.path_params["name"]
    data = files.contents.get(name)
    if data is None:
        raise NotFound(f"there is no static file {name[:80]!r}", "Load the page again.")
    # A page from before an upgrade gets what is here now, and asks again the next time.
    current = request.path_params["digest"] == files.digest
    tag = f'"{files.digest}"'
    headers = {
        "Cache-Control": _FOREVER if current else "no-cache",
        "ETag": tag,
        "X-Content-Type-Options": "nosniff",
    }
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=_KINDS[Path(name).suffix], headers=headers)
