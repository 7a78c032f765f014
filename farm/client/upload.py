"""A file on its way to the coordinator: skipped when it is there, resumed where a broken connection stopped."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Iterator, Optional

from farm.protocol.errors import Invalid
from farm.protocol.model import FileRef

from .files import CHUNK_BYTES, hash_file, reading
from .progress import Progress, Transfer, or_quiet
from .transport import Broken, Transport, segment

# Below this, one request is cheaper than the conversation of an upload.
_ONE_REQUEST_BYTES = 4 << 20
_TRIES = 5
_PAUSE_S = 0.5


def upload(transport: Transport, path: Path, ref: Optional[FileRef], progress: Optional[Progress]) -> FileRef:
    """Store a file; see `FarmClient.upload`."""
    ref = ref or hash_file(path, progress=progress)
    tell = or_quiet(progress)
    if ref.size_bytes <= _ONE_REQUEST_BYTES:
        with reading(path) as stream:
            content = stream.read(ref.size_bytes + 1)
        _check_size(path, ref, len(content))
        transport.request("PUT", f"/blobs/{ref.sha256}", content=content)
    else:
        _in_parts(transport, path, ref, tell)
    tell(Transfer("upload", ref.name, ref.size_bytes, ref.size_bytes))
    return ref


def _in_parts(transport: Transport, path: Path, ref: FileRef, tell: Progress) -> None:
    ask = {"sha256": ref.sha256, "size_bytes": ref.size_bytes}
    begun = transport.plain("POST", "/uploads", ask, repeatable=True)
    if begun.get("present"):
        return
    where, offset, tries = f"/uploads/{segment(str(begun['id']))}", int(begun["offset_bytes"]), _TRIES
    while offset < ref.size_bytes:
        try:
            _send_from(transport, path, ref, where, offset, tell)
            break
        except Broken:
            reached = int(transport.request("HEAD", where).headers["Upload-Offset"])
            tries = _TRIES if reached > offset else tries - 1
            if not tries:
                raise
            offset = reached
            transport.sleep(_PAUSE_S)
    transport.request("POST", where + "/finish", repeatable=True)


def _send_from(transport: Transport, path: Path, ref: FileRef, where: str, offset: int, tell: Progress) -> None:
    with reading(path) as stream:
        _check_size(path, ref, os.fstat(stream.fileno()).st_size)
        stream.seek(offset)
        headers = {"Upload-Offset": str(offset), "Content-Length": str(ref.size_bytes - offset)}
        content = _chunks(stream, Transfer("upload", ref.name, offset, ref.size_bytes), tell)
        with transport.stream("PATCH", where, content=content, headers=headers) as response:
            response.read()


def _check_size(path: Path, ref: FileRef, size_bytes: int) -> None:
    if size_bytes != ref.size_bytes:
        raise Invalid(f"{path} changed while it was uploaded", "Submit again.")


def _chunks(stream: IO[bytes], transfer: Transfer, tell: Progress) -> Iterator[bytes]:
    done = transfer.done_bytes
    while done < transfer.total_bytes:
        chunk = stream.read(min(CHUNK_BYTES, transfer.total_bytes - done))
        if not chunk:
            return
        yield chunk
        done += len(chunk)
        tell(transfer._replace(done_bytes=done))
