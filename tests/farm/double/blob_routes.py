"""Blobs and uploads, broken and damaged as asked for."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from farm.protocol.errors import (
    BlobCorrupt,
    Conflict,
)

from .serving import Exchange, found, route


@route("HEAD", "/blobs/([0-9a-f]+)")
@route("GET", "/blobs/([0-9a-f]+)")
def _get_blob(at: Exchange) -> None:
    content = found(at.double.blobs, at.args[0])
    if at.double.corrupt:
        content = bytes([content[0] ^ 1]) + content[1:]
    asked = re.match(r"bytes=(\d+)-", at.handler.headers.get("Range") or "")
    begin = int(asked.group(1)) if asked and at.double.ranges else 0
    if begin and begin >= len(content):
        at.start(416, Content_Length="0")
        return
    at.start(206 if begin else 200, Content_Length=str(len(content) - begin))
    if at.handler.command == "HEAD":
        return
    if at.double.break_after:
        at.handler.wfile.write(content[begin : begin + at.double.break_after.pop(0)])
        at.cut()
    else:
        at.handler.wfile.write(content[begin:])


@route("POST", "/blobs/([0-9a-f]+)/check")
def _check_blob(at: Exchange) -> Any:
    found(at.double.blobs, at.args[0])
    if at.double.corrupt:
        raise BlobCorrupt("it is damaged on the disk of the coordinator")
    return {}


@route("PUT", "/blobs/([0-9a-f]+)")
def _put_blob(at: Exchange) -> Any:
    content = at.body()
    if hashlib.sha256(content).hexdigest() != at.args[0]:
        raise BlobCorrupt("these bytes have another digest")
    at.double.blobs[at.args[0]] = content
    return {}


@route("POST", "/uploads")
def _begin_upload(at: Exchange) -> Any:
    told = at.json()
    if told["sha256"] in at.double.blobs:
        return {"present": True}
    for name, (sha256, _, data) in at.double.uploads.items():
        if sha256 == told["sha256"]:
            return {"id": name, "offset_bytes": len(data)}
    name = f"u{len(at.double.uploads) + 1}"
    at.double.uploads[name] = (told["sha256"], told["size_bytes"], bytearray())
    return {"id": name, "offset_bytes": 0}


@route("HEAD", "/uploads/([^/]+)")
def _reached(at: Exchange) -> None:
    at.start(200, Upload_Offset=str(len(found(at.double.uploads, at.args[0])[2])), Content_Length="0")


@route("PATCH", "/uploads/([^/]+)")
def _go_on(at: Exchange) -> Any:
    _, _, data = found(at.double.uploads, at.args[0])
    if int(at.handler.headers["Upload-Offset"]) != len(data):
        raise Conflict("the upload is elsewhere")
    left = int(at.handler.headers["Content-Length"])
    limit = at.double.break_after.pop(0) if at.double.break_after else left
    while left and limit:
        chunk = at.handler.rfile.read(min(left, limit, 1 << 16))
        data += chunk
        left, limit = left - len(chunk), limit - len(chunk)
    if left:
        at.cut()
        return None
    return {"offset_bytes": len(data)}


@route("POST", "/uploads/([^/]+)/finish")
def _finish_upload(at: Exchange) -> Any:
    sha256, _, data = found(at.double.uploads, at.args[0])
    if hashlib.sha256(data).hexdigest() != sha256:
        raise BlobCorrupt("these bytes have another digest")
    at.double.blobs[sha256] = bytes(data)
    return {}
