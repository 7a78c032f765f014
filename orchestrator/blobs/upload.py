"""One upload: what was announced and what has arrived.

Several transfers may feed one upload: two submits of one user at once, or a new connection while the coordinator has
not noticed yet that the old one is dead. One digest has one content, so each transfer only counts where it stands:
bytes that are there already are skipped, those at the end are appended. None has to be locked out.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from threading import Lock

from farm.protocol.errors import BlobCorrupt, Conflict, FarmError, Invalid
from orchestrator.services.blob_port import UploadStat

from .layout import Layout
from .part import Part
from .room import told_when_failing


@dataclass(frozen=True)
class Announcement:
    """What was said of an upload before its first byte; kept beside a resumable one."""

    id: str
    sha256: str
    size_bytes: int
    owner: str


class Upload:
    """An upload from its announcement until its blob is visible, or it is gone.

    Args:
        announced: What was said of it.
        layout: Where its bytes lie; without a file there, it was finished before a restart.
        hashing: Where batches are hashed while they are written.
        clock: Wall time in seconds.
        finished: Its blob is visible and its part gone.
    """

    def __init__(
        self,
        announced: Announcement,
        layout: Layout,
        hashing: Executor,
        clock: Callable[[], float],
        finished: bool = False,
    ) -> None:
        self.announced = announced
        self._layout = layout
        self._clock = clock
        self._lock = Lock()
        self._part = None if finished else Part(layout.part(announced.id), hashing)
        self.finished = finished
        self.touched_s = clock()

    @property
    def gone(self) -> bool:
        """True once it was given up: nothing of it is left on disk."""
        return self._part is None and not self.finished

    @property
    def stat(self) -> UploadStat:
        """How far it has come; does not wait for a writer."""
        told, part = self.announced, self._part
        offset_bytes = part.size_bytes if part else told.size_bytes
        return UploadStat(told.id, told.sha256, told.size_bytes, told.owner, offset_bytes)

    def writer(self, offset_bytes: int) -> Writer:
        """The writer of a transfer that begins at `offset_bytes`. Raises: Conflict: beyond what has arrived."""
        with self._lock:
            reached = self._reached_bytes()
            if not 0 <= offset_bytes <= reached:
                raise Conflict(
                    f"upload {self.announced.id} has come to {reached} bytes, not to {offset_bytes}",
                    "Go on at the offset in `details.offset_bytes`.",
                    offset_bytes=reached,
                )
            return Writer(self, offset_bytes)

    def write(self, offset_bytes: int, data: bytes | memoryview) -> int:
        """Add what of `data` is not there yet, and return how far it has come. Raises as `BlobWriter.append`."""
        with self._lock:
            reached = self._reached_bytes()
            if offset_bytes + len(data) > self.announced.size_bytes:
                raise Invalid(
                    f"{offset_bytes + len(data)} bytes are more than the {self.announced.size_bytes} announced",
                    "Begin a new upload with the size of the file.",
                )
            fresh = memoryview(data)[reached - offset_bytes :]
            if self._part is None or not fresh:
                return reached
            try:
                with told_when_failing():
                    self._part.append(fresh)
            except FarmError:
                self._end()
                raise
            self.touched_s = self._clock()
            return self._part.size_bytes

    def finish(self, publish: Callable[[], None]) -> None:
        """Check the bytes, make them durable and `publish` them, once; a repeat does nothing.

        Raises: Conflict, BlobCorrupt, StorageFull, Unavailable: the disk failed and the upload is gone.
        """
        with self._lock:
            if self.finished:
                return
            part = self._require_whole()
            try:
                with told_when_failing():
                    self._require_right(part)
                    # A failed fsync may not be tried again: the kernel has dropped the pages by then.
                    part.sync()
                    publish()
            except FarmError:
                self._end()
                raise
            self._part, self.finished, self.touched_s = None, True, self._clock()

    def abandon(self, idle_s: float = 0.0) -> bool:
        """Give it up and free its room, unless it was touched since; True when it was still open.

        Of a finished upload only the memory goes, not the blob.
        """
        with self._lock:
            if self._clock() - self.touched_s < idle_s:
                return False
            was_open = self._part is not None
            self.finished = False
            self._end()
            return was_open

    def _reached_bytes(self) -> int:
        if self.gone:
            raise Conflict(f"upload {self.announced.id} was given up", "Ask POST /uploads what is still needed.")
        return self._part.size_bytes if self._part else self.announced.size_bytes

    def _require_whole(self) -> Part:
        reached = self._reached_bytes()
        if self._part is None or reached < self.announced.size_bytes:
            raise Conflict(
                f"upload {self.announced.id} has {reached} of {self.announced.size_bytes} bytes",
                "Send the rest, from the offset in `details.offset_bytes`.",
                offset_bytes=reached,
            )
        return self._part

    def _require_right(self, part: Part) -> None:
        found = part.digest()
        if found != self.announced.sha256:
            raise BlobCorrupt(
                f"the {part.size_bytes} bytes have the sha256 {found}, not {self.announced.sha256}",
                "Make sure that the file does not change meanwhile, then send it again.",
                found=found,
            )

    def _end(self) -> None:
        self._part = None
        self._layout.part(self.announced.id).unlink(missing_ok=True)
        self._layout.announcement(self.announced.id).unlink(missing_ok=True)


class Writer:
    """Where one transfer stands in an upload; for one thread at a time."""

    def __init__(self, upload: Upload, offset_bytes: int) -> None:
        self._upload = upload
        self._offset_bytes = offset_bytes

    def append(self, data: bytes | memoryview) -> int:
        """Add bytes and return how far the upload has come. Raises as `BlobWriter.append`."""
        reached = self._upload.write(self._offset_bytes, data)
        self._offset_bytes += len(data)
        return reached
