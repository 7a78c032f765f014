"""A blob on its way to a file: hashed while it is written, resumed by range, visible in one step."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Optional

from farm.protocol.errors import BlobCorrupt, FarmError
from farm.protocol.model import check_digest

from .files import CHUNK_BYTES, appending
from .hashing import Sha256Beside
from .progress import Progress, Transfer, or_quiet
from .transport import Broken, Transport

_TRIES = 5
_PAUSE_S = 0.5
# The coordinator reads the whole blob before it answers.
_CHECK_S = 600.0


def download(
    transport: Transport,
    sha256: str,
    path: Path,
    size_bytes: Optional[int],
    progress: Optional[Progress],
    durable: bool = True,
) -> Path:
    """Bring a blob to `path`; see `FarmClient.download_blob`.

    `durable` waits for the disk: what is read by its digest at every use, and fetched anew, need not wait.
    """
    part = path.with_name(path.name + ".part")
    with appending(part) as stream, Sha256Beside() as running:
        landing = _Landing(stream, running)
        transfer = Transfer("download", path.name, landing.size_bytes, size_bytes or 0)
        _fill(transport, landing, check_digest(sha256), transfer, or_quiet(progress))
        if landing.sha256 != sha256:
            landing.clear()
            # Where the coordinator's own copy is damaged, it puts that aside and says what to do.
            transport.request("POST", f"/blobs/{sha256}/check", silence_s=_CHECK_S)
            raise BlobCorrupt(f"{path.name} arrived damaged: it is not {sha256[:12]}", "Try again.")
        stream.flush()
        if durable:
            os.fsync(stream.fileno())
        os.replace(str(part), str(path))
    return path


class _Landing:
    """A file that is being filled, with the digest of what it holds so far."""

    def __init__(self, stream: IO[bytes], running: Sha256Beside) -> None:
        self._stream = stream
        self._running = running
        self.size_bytes = 0
        stream.seek(0)
        for chunk in iter(lambda: stream.read(CHUNK_BYTES), b""):
            self._running.update(chunk)
            self.size_bytes += len(chunk)

    @property
    def sha256(self) -> str:
        return self._running.hexdigest()

    def add(self, chunk: bytes) -> None:
        self._stream.write(chunk)
        self._running.update(chunk)
        self.size_bytes += len(chunk)

    def clear(self) -> None:
        self._stream.seek(0)
        self._stream.truncate()
        self._running.clear()
        self.size_bytes = 0


def _fill(transport: Transport, landing: _Landing, sha256: str, transfer: Transfer, tell: Progress) -> None:
    tries = _TRIES
    while True:
        begin = landing.size_bytes
        try:
            _receive(transport, landing, sha256, transfer, tell)
            return
        except Broken:
            tries = _TRIES if landing.size_bytes > begin else tries - 1
            if not tries:
                raise
            transport.sleep(_PAUSE_S)


def _receive(transport: Transport, landing: _Landing, sha256: str, transfer: Transfer, tell: Progress) -> None:
    begin = landing.size_bytes
    # A blob never changes, so that a range of it needs no condition.
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={begin}-"} if begin else {})}
    try:
        with transport.stream("GET", f"/blobs/{sha256}", headers=headers) as response:
            if begin and response.status_code != 206:
                landing.clear()
            total = transfer.total_bytes or landing.size_bytes + int(response.headers.get("Content-Length", 0))
            for chunk in response.iter_raw():  # as it comes: what waits for more would be lost with the connection
                landing.add(chunk)
                tell(transfer._replace(done_bytes=landing.size_bytes, total_bytes=total))
    except FarmError as error:
        # Nothing lies after the end: the file was complete, or holds too much, which its digest tells.
        if not begin or error.details.get("status") != 416:
            raise
