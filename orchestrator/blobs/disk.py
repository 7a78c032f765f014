"""A blob store in a folder of this machine."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from farm.protocol.errors import BlobCorrupt, FarmError, NotFound
from farm.protocol.model import check_digest
from orchestrator.services.blob_port import BlobStat, DiskStat, UploadStat

from .collecting import may_collect
from .files import make_folder, sync
from .layout import Layout
from .part import read_pieces
from .room import Room, told_when_failing
from .upload import Upload, Writer
from .uploads import Uploads

_HASHING_THREADS = 16


class DiskStore:
    """The `BlobStore` of one coordinator process, safe for its threads; two processes must not share a folder.

    Args:
        root: The folder; made where there is none. All of it must be on one file system.
        reserve_bytes: What stays free on that disk for the database and the logs.
        clock: Wall time in seconds; blobs and uploads age by it.
    """

    def __init__(self, root: Path, reserve_bytes: int = 256 << 20, clock: Callable[[], float] = time.time) -> None:
        self.layout = Layout(root)
        for folder in (self.layout.blobs, self.layout.uploads, self.layout.quarantine):
            make_folder(folder)
        self._clock = clock
        self._hashing = ThreadPoolExecutor(_HASHING_THREADS, "blob-hash")
        self._room = Room(root, reserve_bytes)
        self._uploads = Uploads(self.layout, self._room, self._hashing, clock)
        # One for each first byte of a digest, held while a blob becomes visible, young or invisible: none is deleted
        # just after `keep` said yes, and the fsync of one folder makes few others wait.
        self._names = [Lock() for _ in range(256)]

    def close(self) -> None:
        """Stop the threads that hash. Nothing is lost: uploads are found again at the next start."""
        self._hashing.shutdown()

    def stat(self, sha256: str) -> BlobStat:
        """What is known about a blob without reading it. Raises: NotFound, BlobCorrupt, Invalid."""
        try:
            found = self.layout.blob(sha256).stat()
        except FileNotFoundError:
            raise self._absence(sha256) from None
        return BlobStat(sha256, found.st_size, found.st_mtime)

    def exists(self, sha256: str) -> bool:
        """True while the blob can be read."""
        return self.layout.blob(sha256).exists()

    def keep(self, sha256: str) -> bool:
        """True when the blob is there, and then it is young again."""
        with self._name(sha256):
            return self._touch(self.layout.blob(sha256))

    def open(self, sha256: str) -> BinaryIO:
        """The blob as an open file, which stays readable whatever happens to the blob. Raises as `stat`."""
        try:
            return self.layout.blob(sha256).open("rb")
        except FileNotFoundError:
            raise self._absence(sha256) from None

    def open_range(self, sha256: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` to before `end`, in pieces of at most 1 MiB. Raises as `stat`."""
        with self.open(sha256) as file:
            yield from read_pieces(file, start, end)

    def path(self, sha256: str) -> Path:
        """Where the blob lies, for a reader on this machine. Raises as `stat`."""
        self.stat(sha256)
        return self.layout.blob(sha256)

    def put_bytes(self, data: bytes) -> BlobStat:
        """Store a few bytes under their own digest. Raises: StorageFull."""
        return self.put_stream(hashlib.sha256(data).hexdigest(), len(data), [data])

    def put_stream(self, sha256: str, size_bytes: int, pieces: Iterable[bytes]) -> BlobStat:
        """Store what `pieces` yields, if it is not there already. Raises: BlobCorrupt, StorageFull."""
        upload = self.begin_upload(sha256, size_bytes, owner="", resumable=False)
        if upload is None:
            return self.stat(sha256)
        writer, count = self.writer(upload.id, 0), 0
        try:
            for piece in pieces:
                count += len(piece)
                if count > size_bytes:
                    break
                writer.append(piece)
            if count != size_bytes:
                raise BlobCorrupt(f"{sha256} was announced with {size_bytes} bytes and has {count} or more")
            return self.finish(upload.id)
        finally:
            self.abandon(upload.id)

    def begin_upload(self, sha256: str, size_bytes: int, owner: str, resumable: bool = True) -> UploadStat | None:
        """An upload to write to, or None where the blob is there. Raises: StorageFull, Invalid."""
        if self.keep(sha256):
            return None
        return self._uploads.begin(sha256, size_bytes, owner, resumable)

    def upload(self, upload_id: str) -> UploadStat:
        """How far an upload has come. Raises: NotFound."""
        return self._uploads.get(upload_id).stat

    def writer(self, upload_id: str, offset_bytes: int) -> Writer:
        """The writer of a transfer that begins at `offset_bytes`. Raises: NotFound, Conflict."""
        return self._uploads.get(upload_id).writer(offset_bytes)

    def finish(self, upload_id: str) -> BlobStat:
        """Make the blob visible and durable; a repeat answers the same. Raises: NotFound, Conflict, BlobCorrupt."""
        upload = self._uploads.get(upload_id)
        upload.finish(lambda: self._publish(upload))
        return self.stat(upload.announced.sha256)

    def abandon(self, upload_id: str) -> None:
        """Forget an upload and free its room, if it is there."""
        try:
            self._uploads.get(upload_id).abandon()
        except NotFound:
            return

    def sweep_uploads(self, idle_s: float) -> tuple[UploadStat, ...]:
        """Abandon the uploads that nobody has written to for so long, and say which."""
        return self._uploads.sweep(idle_s)

    def list_older_than(self, age_s: float) -> Iterator[BlobStat]:
        """The blobs that nobody stored or kept for so long, in the order of their digests."""
        for sha256 in self.layout.digests():
            try:
                stat = self.stat(sha256)
            except FarmError:  # it went between the listing and now
                continue
            if self._clock() - stat.kept_at_s >= age_s:
                yield stat

    def delete(self, sha256: str, older_than_s: float = 0.0) -> bool:
        """Remove a blob unless it is younger than that by now; True when it was removed."""
        path = self.layout.blob(sha256)
        with self._name(sha256):
            try:
                if self._clock() - path.stat().st_mtime < older_than_s:
                    return False
                path.unlink()
            except FileNotFoundError:
                return False
        return True

    def quarantine(self, sha256: str) -> bool:
        """Put a corrupt blob aside, never to be served; True when it was there."""
        blob, aside = self.layout.blob(sha256), self.layout.quarantined(sha256)
        with self._name(sha256):
            if not self._touch(blob):
                return False
            os.replace(blob, aside)
            sync(blob.parent)
        return True

    def check(self, sha256: str) -> BlobStat:
        """Read a blob again, for a reader whom it reached damaged. Raises: BlobCorrupt: it is put aside. NotFound."""
        digest = hashlib.sha256()
        for piece in self.open_range(sha256):
            digest.update(piece)
        if digest.hexdigest() != sha256:
            self.quarantine(sha256)
        return self.stat(sha256)

    def sweep_quarantine(self, age_s: float) -> tuple[str, ...]:
        """Remove what was put aside that long ago and say which; until it is stored again it is simply not there."""
        old = [path for path in self.layout.quarantine.iterdir() if self._clock() - path.stat().st_mtime >= age_s]
        for path in old:
            path.unlink()
        return tuple(path.name for path in old)

    def may_collect(self) -> AbstractContextManager[None]:
        """Keep backups away while blobs are deleted. Raises: Conflict: one is being made."""
        return may_collect(self.layout.root)

    def disk(self) -> DiskStat:
        """How large the disk is, and what uploads may still take of it. Raises: Unavailable."""
        with told_when_failing():
            return self._room.stat()

    def _publish(self, upload: Upload) -> None:
        part, blob = self.layout.part(upload.announced.id), self.layout.blob(upload.announced.sha256)
        make_folder(blob.parent)
        part.chmod(0o444)
        with self._name(upload.announced.sha256):
            if self._touch(blob):
                part.unlink()  # two uploads of one blob: the other was first
                return
            self._touch(part)
            os.rename(part, blob)
            sync(blob.parent)

    def _name(self, sha256: str) -> Lock:
        return self._names[int(check_digest(sha256)[:2], 16)]

    def _touch(self, path: Path) -> bool:
        try:
            os.utime(path, (self._clock(), self._clock()))
        except FileNotFoundError:
            return False
        return True

    def _absence(self, sha256: str) -> FarmError:
        if self.layout.quarantined(sha256).exists():
            return BlobCorrupt(
                f"blob {sha256} was found corrupt on the coordinator's disk and put aside",
                "Send it again: `farm submit --force` builds the engine anew and sends what is missing.",
            )
        return NotFound(f"no blob {sha256}", "Upload it first.")
