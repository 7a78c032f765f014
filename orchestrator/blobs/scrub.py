"""The scrub: every visible blob is read again, slowly and for ever, so that rot is found before a device finds it."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import BinaryIO

from farm.protocol.codec import dumps, loads
from farm.protocol.errors import FarmError, ProtocolError

from .disk import DiskStore
from .files import write_whole
from .part import read_pieces

log = logging.getLogger(__name__)

# What a disk could have read while it went to the next file: a million manifests must not be read at full speed.
_SEEK_BYTES = 64 << 10


@dataclass(frozen=True)
class Progress:
    """How far a pass has come, kept across restarts: it began at `began_s` and has read all digests up to `after`.

    `ended_s` is 0 while the pass goes on; both times are wall times.
    """

    began_s: float
    after: str = ""
    blobs: int = 0
    corrupt: int = 0
    ended_s: float = 0.0


@dataclass(frozen=True)
class Corruption:
    """A blob that no longer has its digest. `found` is the digest it has, or what the disk said."""

    sha256: str
    found: str


class Scrub:
    """Reads one blob after the other, in the order of their digests, and puts corrupt ones aside.

    Args:
        store: Whose blobs.
        on_corrupt: Told of each corrupt blob, after it was put aside.
        wait: Waits so many seconds and says whether to stop; `threading.Event().wait` does.
        bytes_per_s: How fast it reads at most.
        rest_s: From the end of a pass to the next.
        clock: Wall time in seconds.
    """

    def __init__(
        self,
        store: DiskStore,
        on_corrupt: Callable[[Corruption], None],
        wait: Callable[[float], bool],
        bytes_per_s: int = 20 << 20,
        rest_s: float = 7 * 86400.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._on_corrupt = on_corrupt
        self._wait = wait
        self._bytes_per_s = bytes_per_s
        self._rest_s = rest_s
        self._clock = clock
        self._file = store.layout.root / "scrub.json"
        self.progress = self._last_progress()

    def run(self) -> None:
        """Scrub until told to stop; for a thread of its own."""
        while not self._wait(self._until_next_s()):
            if not self.run_pass():
                return

    def run_pass(self) -> bool:
        """Go on with the current pass, or begin the next, to its end; False when told to stop before."""
        if self.progress.ended_s:
            self._note(Progress(self._clock()))
        for sha256 in self._store.layout.digests(self.progress.after):
            try:
                found = self._read(sha256)
                if found is None:
                    return False
                if found != sha256:
                    self._put_aside(Corruption(sha256, found))
            except FarmError:  # deleted between the listing and now
                continue
            except OSError as error:  # the others may still be read
                log.error("blob %s cannot be looked at: %s", sha256, error)
            self._note(replace(self.progress, after=sha256, blobs=self.progress.blobs + 1))
        self._note(replace(self.progress, ended_s=self._clock()))
        return True

    def _read(self, sha256: str) -> str | None:
        """The digest that the blob has on disk, or what the disk said; None when told to stop."""
        digest = hashlib.sha256()
        with self._store.open(sha256) as file:
            _uncache(file)
            began_s, read_bytes = self._clock(), _SEEK_BYTES
            try:
                for piece in read_pieces(file):
                    digest.update(piece)
                    read_bytes += len(piece)
                    if self._wait(max(0.0, began_s + read_bytes / self._bytes_per_s - self._clock())):
                        return None
            except OSError as error:
                return str(error)
            _uncache(file)
        return digest.hexdigest()

    def _put_aside(self, corruption: Corruption) -> None:
        if not self._store.quarantine(corruption.sha256):
            return
        log.error("blob %s is corrupt (%s) and was put aside", corruption.sha256, corruption.found)
        self._note(replace(self.progress, corrupt=self.progress.corrupt + 1))
        self._on_corrupt(corruption)

    def _until_next_s(self) -> float:
        if not self.progress.ended_s:
            return 0.0
        return max(0.0, self.progress.ended_s + self._rest_s - self._clock())

    def _last_progress(self) -> Progress:
        try:
            return loads(Progress, self._file.read_bytes())
        except FileNotFoundError:
            return Progress(self._clock())
        except ProtocolError as error:
            log.warning("the scrub begins anew: %s", error)
            return Progress(self._clock())

    def _note(self, progress: Progress) -> None:
        self.progress = progress
        try:
            write_whole(self._file, dumps(progress))
        except OSError as error:  # a full disk must not end the scrub, only make it read some blobs twice
            log.warning("the progress of the scrub was not kept: %s", error)


def _uncache(file: BinaryIO) -> None:
    # What counts is on the disk, not in memory; nor may the scrub push hot blobs out of the cache.
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
