"""The port through which services keep and hand out bytes, named by their sha256."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol


@dataclass(frozen=True)
class BlobStat:
    """A blob that is there. `kept_at_s` is the wall time at which somebody last stored it or asked to keep it."""

    sha256: str
    size_bytes: int
    kept_at_s: float


@dataclass(frozen=True)
class DiskStat:
    """The disk under the blobs; `free_bytes` is what uploads may still take of it."""

    size_bytes: int
    free_bytes: int


@dataclass(frozen=True)
class UploadStat:
    """An upload and how far it has come. Once finished, `offset_bytes` is `size_bytes`."""

    id: str
    sha256: str
    size_bytes: int
    owner: str
    offset_bytes: int


class BlobWriter(Protocol):
    """One transfer into an upload. Others may run beside it: bytes that are there already are skipped."""

    def append(self, data: bytes | memoryview) -> int:
        """Add the bytes that follow those added before, and return how far the upload has come.

        Raises:
            Conflict: The upload was given up.
            Invalid: The bytes go beyond the declared size; none of them is written.
            StorageFull: No room; the upload is gone and its room free.
            Unavailable: The disk failed otherwise; the upload is gone.
        """


class BlobStore(Protocol):
    """Blobs that are visible only when whole and right, and stay until they are deleted or found corrupt."""

    def stat(self, sha256: str) -> BlobStat:
        """What is known about a blob without reading it.

        Raises:
            NotFound: No such blob.
            BlobCorrupt: It was there, and is in quarantine.
        """

    def exists(self, sha256: str) -> bool:
        """True while the blob can be read."""

    def keep(self, sha256: str) -> bool:
        """True when the blob is there, and then it is young again: ask this before a reference to it is written."""

    def open(self, sha256: str) -> BinaryIO:
        """The blob as an open file, which stays readable whatever happens to the blob. Raises as `stat`."""

    def open_range(self, sha256: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` to before `end`, in pieces of at most 1 MiB. Raises as `stat`."""

    def path(self, sha256: str) -> Path:
        """Where the blob lies, for a reader on this machine that writes nothing. Raises as `stat`."""

    def put_bytes(self, data: bytes) -> BlobStat:
        """Store a few bytes under their own digest. Raises: StorageFull."""

    def put_stream(self, sha256: str, size_bytes: int, pieces: Iterable[bytes]) -> BlobStat:
        """Store what `pieces` yields; they are not read where the blob is there already.

        Raises:
            BlobCorrupt: Another size or digest than announced; nothing is visible.
            StorageFull: No room; nothing is visible.
        """

    def begin_upload(self, sha256: str, size_bytes: int, owner: str, resumable: bool = True) -> UploadStat | None:
        """An upload to write to, or None where the blob is there (and young again).

        A resumable upload survives a restart, and its owner is given the same one until it is finished.

        Raises: StorageFull: the declared size does not fit.
        """

    def upload(self, upload_id: str) -> UploadStat:
        """How far an upload has come. Raises: NotFound."""

    def writer(self, upload_id: str, offset_bytes: int) -> BlobWriter:
        """The writer of a transfer that begins at `offset_bytes`, which has arrived already or is the end of it.

        Raises:
            NotFound: No such upload.
            Conflict: So much has not arrived yet; what has is in `details.offset_bytes`.
        """

    def finish(self, upload_id: str) -> BlobStat:
        """Make the blob visible and durable; a repeat answers the same.

        Raises:
            NotFound: No such upload.
            Conflict: Bytes are still missing; the upload stays.
            BlobCorrupt: The bytes have another digest; the upload is gone.
        """

    def abandon(self, upload_id: str) -> None:
        """Forget an upload and free its room, if it is there."""

    def sweep_uploads(self, idle_s: float) -> tuple[UploadStat, ...]:
        """Abandon the uploads that nobody has written to for so long, and say which."""

    def list_older_than(self, age_s: float) -> Iterator[BlobStat]:
        """The blobs that nobody stored or kept for so long, in the order of their digests."""

    def delete(self, sha256: str, older_than_s: float = 0.0) -> bool:
        """Remove a blob unless it is younger than that by now; True when it was removed."""

    def quarantine(self, sha256: str) -> bool:
        """Put a corrupt blob aside, never to be served; True when it was there."""

    def check(self, sha256: str) -> BlobStat:
        """Read a blob again, for a reader whom it reached damaged.

        Raises:
            NotFound: No such blob.
            BlobCorrupt: It is damaged, and in quarantine now.
        """

    def may_collect(self) -> AbstractContextManager[None]:
        """Delete blobs within this block only: nobody makes a backup meanwhile. Raises: Conflict: somebody does."""

    def disk(self) -> DiskStat:
        """How large the disk under the blobs is, and how much of it is left.

        Raises: Unavailable: it does not say.
        """

    def sweep_quarantine(self, age_s: float) -> tuple[str, ...]:
        """Remove what was put aside that long ago and say which."""
