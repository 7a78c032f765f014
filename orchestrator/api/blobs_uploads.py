"""Resumable uploads over HTTP: begin, ask, append, finish."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from farm.protocol.codec import loads
from farm.protocol.errors import Invalid, NotFound
from farm.protocol.model import check_digest
from orchestrator.services.blob_port import UploadStat

from .blobs_door import BlobAction, BlobDoor, answered
from .blobs_receive import body_of, receive
from .wire_body import BodyTorn

_OFFSET = "Upload-Offset"
_ASK_BYTES = 4096


@dataclass(frozen=True)
class UploadAsk:
    """The body of POST /uploads."""

    sha256: str
    size_bytes: int


def upload_routes(door: BlobDoor) -> list[BaseRoute]:
    """The routes of uploads."""

    @answered
    async def begin(request: Request) -> Response:
        return await _begin(door, request)

    @answered
    async def ask(request: Request) -> Response:
        upload = await _own_upload(door, request)
        return Response(headers=_progress(upload.offset_bytes, upload.size_bytes))

    @answered
    async def append(request: Request) -> Response:
        return await _append(door, request)

    @answered
    async def finish(request: Request) -> Response:
        upload = await _own_upload(door, request)
        stat = await door.wait(door.store.finish, upload.id)
        return JSONResponse(await door.stored(stat), 201)

    return [
        Route("/uploads", begin, methods=["POST"]),
        Route("/uploads/{id}", append, methods=["PATCH"]),
        Route("/uploads/{id}", ask, methods=["HEAD"]),
        Route("/uploads/{id}/finish", finish, methods=["POST"]),
    ]


async def _begin(door: BlobDoor, request: Request) -> Response:
    body = body_of(request)
    if body.left_bytes > _ASK_BYTES:
        raise Invalid(f"the announcement of an upload has {body.left_bytes} bytes", "Send sha256 and size_bytes only.")
    ask = loads(UploadAsk, await request.body())
    sha256 = check_digest(ask.sha256)
    owner = await door.authorize(request, BlobAction.WRITE, sha256)
    upload = await door.wait(door.store.begin_upload, sha256, ask.size_bytes, owner)
    if upload is None:
        told = await door.stored(await door.wait(door.store.stat, sha256))
        return JSONResponse({"present": True, **told})
    return JSONResponse({"id": upload.id, "offset_bytes": upload.offset_bytes}, 201)


async def _append(door: BlobDoor, request: Request) -> Response:
    upload = await _own_upload(door, request)
    offset, body = _offset(request), body_of(request)
    if offset + body.left_bytes > upload.size_bytes:
        raise Invalid(
            f"{offset + body.left_bytes} bytes are more than the {upload.size_bytes} announced",
            "Begin a new upload with the size of the file.",
        )
    writer = await door.wait(door.store.writer, upload.id, offset)
    # What came is kept, and a client that only fell silent is told how far that is.
    with suppress(BodyTorn):
        await receive(door, body, writer.append)
    reached = await door.wait(door.store.upload, upload.id)
    return Response(status_code=204, headers=_progress(reached.offset_bytes, reached.size_bytes))


async def _own_upload(door: BlobDoor, request: Request) -> UploadStat:
    """The upload of the path, for its owner; for everybody else it does not exist."""
    upload: UploadStat | None = None
    absent: NotFound | None = None
    try:
        upload = door.store.upload(request.path_params["id"])
    except NotFound as error:
        absent = error
    owner = await door.authorize(request, BlobAction.WRITE, upload.sha256 if upload else None)
    if upload is None or upload.owner != owner:
        raise absent or NotFound(f"no upload {request.path_params['id']!r}", "Begin one with POST /uploads.")
    return upload


def _offset(request: Request) -> int:
    text = request.headers.get(_OFFSET, "")
    if not text.isdecimal() or len(text) > 18:
        raise Invalid(f"{_OFFSET} is {text[:40]!r}", f"Send the offset that HEAD answered in {_OFFSET}.")
    return int(text)


def _progress(offset_bytes: int, size_bytes: int) -> dict[str, str]:
    return {_OFFSET: str(offset_bytes), "Upload-Length": str(size_bytes), "Cache-Control": "no-store"}
