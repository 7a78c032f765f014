"""Blobs over HTTP: PUT, GET and HEAD of `/blobs/{sha256}`, and the routes of uploads; to be mounted under `/api/v1`."""

from __future__ import annotations

import os

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from farm.protocol.errors import BlobCorrupt, Invalid
from farm.protocol.model import check_digest
from orchestrator.services.blob_port import BlobStore

from .blobs_door import AfterStored, Authorize, BlobAction, BlobDoor, answered
from .blobs_receive import body_of, receive
from .blobs_response import BlobResponse, RangeNotSatisfiable, Span, asked_span, etag_of
from .blobs_uploads import upload_routes
from .errors import error_response
from .wire_body import BodyTorn


def blob_routes(
    store: BlobStore, authorize: Authorize | None = None, after_stored: AfterStored | None = None
) -> list[BaseRoute]:
    """The routes of blobs and uploads. To be made where the event loop runs that serves them.

    Args:
        store: Where the bytes are.
        authorize: Says who may do what; nobody may do anything without it.
        after_stored: Told of each blob that is stored, before its sender is.
    """
    door = BlobDoor(store, authorize, after_stored)

    @answered
    async def put(request: Request) -> Response:
        return await _put(door, request)

    @answered
    async def get(request: Request) -> Response:
        return await _get(door, request)

    @answered
    async def check(request: Request) -> Response:
        return await _check(door, request)

    return [
        Route("/blobs/{sha256}/check", check, methods=["POST"]),
        Route("/blobs/{sha256}", put, methods=["PUT"]),
        Route("/blobs/{sha256}", get, methods=["GET"]),  # and HEAD
        *upload_routes(door),
    ]


async def _put(door: BlobDoor, request: Request) -> Response:
    sha256 = check_digest(request.path_params["sha256"])
    owner = await door.authorize(request, BlobAction.WRITE, sha256)
    body = body_of(request)
    size_bytes = body.left_bytes
    upload = await door.wait(door.store.begin_upload, sha256, size_bytes, owner, resumable=False)
    if upload is None:
        return JSONResponse(await door.stored(await door.wait(door.store.stat, sha256)))
    try:
        writer = await door.wait(door.store.writer, upload.id, 0)
        await receive(door, body, writer.append)
        stat = await door.wait(door.store.finish, upload.id)
    except BodyTorn as torn:
        raise Invalid(f"the body of {sha256} is not whole: {torn}", "Send it again, or use POST /uploads.") from torn
    finally:
        await door.wait(door.store.abandon, upload.id)
    return JSONResponse(await door.stored(stat), 201)


async def _check(door: BlobDoor, request: Request) -> Response:
    sha256 = check_digest(request.path_params["sha256"])
    await door.authorize(request, BlobAction.READ, sha256)
    try:
        stat = await door.wait(door.store.check, sha256)
    except BlobCorrupt as error:
        return error_response(error, "GET")  # 410: it is a reader who asks
    return JSONResponse({"sha256": stat.sha256, "size_bytes": stat.size_bytes})


async def _get(door: BlobDoor, request: Request) -> Response:
    sha256 = check_digest(request.path_params["sha256"])
    await door.authorize(request, BlobAction.READ, sha256)
    file = await door.wait(door.store.open, sha256)
    size_bytes = os.fstat(file.fileno()).st_size
    etag = etag_of(sha256)
    # Private: each reader needs a token of its own.
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": "private, max-age=31536000, immutable"}
    known = request.headers.get("if-none-match", "")
    if known == "*" or etag in known:
        file.close()
        return Response(status_code=304, headers=headers)
    try:
        span = asked_span(request.headers, etag, size_bytes) if request.method == "GET" else None
    except RangeNotSatisfiable as asked:
        file.close()
        error = Invalid(f"no byte of the {size_bytes} of {sha256} is in {asked}", "Ask for an earlier range.")
        return JSONResponse(error.to_json(), 416, {**headers, "Content-Range": f"bytes */{size_bytes}"})
    if span is None:
        return BlobResponse(file, Span(0, size_bytes), 200, headers)
    return BlobResponse(
        file, span, 206, {**headers, "Content-Range": f"bytes {span.start}-{span.end - 1}/{size_bytes}"}
    )
