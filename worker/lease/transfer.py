"""Blobs of leases: down into a cache that is kept by content, and up again from the workspace of a child."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import Container, DefaultDict, Dict, Iterable, Iterator, List, Optional, Tuple

from farm.client.download import download
from farm.client.files import hash_file
from farm.client.progress import Progress
from farm.client.transport import Transport
from farm.client.upload import upload
from farm.protocol.model import FileRef, check_digest

log = logging.getLogger(__name__)


class Cache:
    """Blobs by sha256, least used first out. Every use reads them again: a damaged one is fetched anew.

    Args:
        folder: On the same file system as the workspaces, so that a blob there costs no copy.
        limit_bytes: What is beyond it is removed, oldest first, unless it is in use.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._locks: DefaultDict[str, threading.Lock] = defaultdict(threading.Lock)
        self._guard = threading.Lock()
        self._users: Dict[str, int] = {}

    def bring(self, transport: Transport, sha256: str, path: Path, progress: Optional[Progress] = None) -> int:
        """Put a blob at `path`; its size in bytes.

        Raises: NotFound, BlobCorrupt, StorageFull, Forbidden, Broken
        """
        cached = self._folder / check_digest(sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._using(sha256):
            if not _is_whole(cached, sha256):
                download(transport, sha256, cached, None, progress, durable=False)
                cached.chmod(0o444)
            os.utime(str(cached))
            # The link stays whole whatever becomes of the cache; one that a child spoils is found by its digest.
            _link(cached, path)
        size_bytes = path.stat().st_size
        self.shrink()
        return size_bytes

    def adopt(self, path: Path, sha256: str) -> None:
        """Keep a file that was made here, so that it need not come back over the network."""
        cached = self._folder / check_digest(sha256)
        with self._using(sha256):
            if not cached.exists():
                _link(path, cached)
                cached.chmod(0o444)
            os.utime(str(cached))
        self.shrink()

    def shrink(self) -> int:
        """Remove what was not used for longest until the limit holds; how many bytes went."""
        kept, found = 0, self._by_age()
        removed = 0
        for path, size_bytes in found:
            kept += size_bytes
            if kept > self._limit_bytes and self._remove(path):
                kept -= size_bytes
                removed += size_bytes
        return removed

    @contextmanager
    def _using(self, sha256: str) -> Iterator[None]:
        with self._guard:
            lock = self._locks[sha256]
            self._users[sha256] = self._users.get(sha256, 0) + 1
        try:
            with lock:
                yield
        finally:
            with self._guard:
                self._users[sha256] -= 1
                if not self._users[sha256]:
                    del self._users[sha256], self._locks[sha256]

    def _by_age(self) -> List[Tuple[Path, int]]:
        """Newest first."""
        found = []
        for path in self._folder.iterdir():
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            found.append((status.st_mtime, path, status.st_size))
        return [(path, size_bytes) for _, path, size_bytes in sorted(found, reverse=True)]

    def _remove(self, path: Path) -> bool:
        with self._guard:
            if path.name.split(".")[0] in self._users:
                return False
            try:
                path.unlink()
            except FileNotFoundError:
                return False
        return True


def send(
    transport: Transport, folder: Path, files: Iterable[FileRef], known: Container[str], progress: Optional[Progress]
) -> None:
    """Store files of a folder as blobs, but for those with a known digest.

    Raises: Invalid: a file is not there or has changed. StorageFull, LeaseLost, Broken
    """
    for ref in files:
        if ref.sha256 not in known:
            upload(transport, folder / ref.name, ref, progress)


def _is_whole(path: Path, sha256: str) -> bool:
    if not path.exists():
        return False
    if hash_file(path).sha256 == sha256:
        return True
    log.warning("the cached blob %s is damaged; fetching it again", sha256)
    path.unlink()
    return False


def _link(source: Path, path: Path) -> None:
    if path.exists():
        path.unlink()
    try:
        os.link(str(source), str(path))
    except OSError:  # a file system without links, or too many of them
        shutil.copyfile(str(source), str(path))
