"""All uploads of a store: begun, found again after a restart, swept when nobody goes on."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from concurrent.futures import Executor
from threading import Lock

from farm.protocol.codec import dumps, loads
from farm.protocol.errors import Invalid, NotFound, ProtocolError
from farm.protocol.model import check_digest
from orchestrator.services.blob_port import UploadStat

from .files import write_whole
from .layout import Layout
from .room import Room, told_when_failing
from .upload import Announcement, Upload

log = logging.getLogger(__name__)


class Uploads:
    """The uploads below `layout.uploads`; safe for many threads. Arguments as `Upload`."""

    def __init__(self, layout: Layout, room: Room, hashing: Executor, clock: Callable[[], float]) -> None:
        self._layout = layout
        self._room = room
        self._hashing = hashing
        self._clock = clock
        self._lock = Lock()
        self._uploads = {upload.announced.id: upload for upload in self._found()}

    def begin(self, sha256: str, size_bytes: int, owner: str, resumable: bool) -> UploadStat:
        """A new upload, or the open one of this owner. Raises: StorageFull, Invalid."""
        check_digest(sha256)
        if size_bytes < 0:
            raise Invalid(f"a blob of {size_bytes} bytes cannot be", "Give the size of the file in bytes.")
        with self._lock:
            self._forget_gone()
            for upload in list(self._uploads.values()) if resumable else []:
                told = upload.announced
                if (told.sha256, told.owner) == (sha256, owner) and self._resumable(upload):
                    if told.size_bytes == size_bytes and not upload.finished:
                        upload.touched_s = self._clock()
                        return upload.stat
                    # One digest has one size, and a finished upload whose blob went is of no use.
                    upload.abandon()
            promised = sum(open_.size_bytes - open_.offset_bytes for open_ in self._stats())
            self._room.require(size_bytes, promised)
            return self._make(Announcement(secrets.token_hex(16), sha256, size_bytes, owner), resumable).stat

    def get(self, upload_id: str) -> Upload:
        """The upload of that id. Raises: NotFound."""
        with self._lock:
            upload = self._uploads.get(upload_id)
        if upload is None or upload.gone:
            raise NotFound(f"no upload {upload_id[:80]!r}", "Ask POST /uploads what is still needed.")
        return upload

    def sweep(self, idle_s: float) -> tuple[UploadStat, ...]:
        """Give up those that nobody has written to for so long, and say which were open."""
        with self._lock:
            self._forget_gone()
            uploads = [(upload, upload.stat) for upload in self._uploads.values()]
        # Outside the lock: an upload that is being finished is waited for.
        return tuple(stat for upload, stat in uploads if upload.abandon(idle_s))

    def _make(self, announced: Announcement, resumable: bool) -> Upload:
        with told_when_failing():
            upload = Upload(announced, self._layout, self._hashing, self._clock)
            if resumable:
                write_whole(self._layout.announcement(announced.id), dumps(announced))
        self._uploads[announced.id] = upload
        return upload

    def _found(self) -> list[Upload]:
        """Those that were open when the last process ended; what belongs to none of them is removed."""
        found = []
        for path in sorted(self._layout.uploads.glob("*.json")):
            try:
                announced = loads(Announcement, path.read_bytes())
                part = self._layout.part(announced.id)
            except (ProtocolError, NotFound) as error:
                log.warning("removed an upload that cannot be read: %s", error)
                path.unlink()
                continue
            finished = not part.exists()
            upload = Upload(announced, self._layout, self._hashing, self._clock, finished)
            upload.touched_s = (path if finished else part).stat().st_mtime
            found.append(upload)
        known = {self._layout.part(upload.announced.id) for upload in found if not upload.finished}
        for path in self._layout.uploads.iterdir():
            if path.suffix != ".json" and path not in known:
                path.unlink()
        return found

    def _resumable(self, upload: Upload) -> bool:
        return self._layout.announcement(upload.announced.id).exists()

    def _stats(self) -> list[UploadStat]:
        return [upload.stat for upload in self._uploads.values() if not upload.gone]

    def _forget_gone(self) -> None:
        self._uploads = {name: upload for name, upload in self._uploads.items() if not upload.gone}
