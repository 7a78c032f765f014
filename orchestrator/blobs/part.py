"""A file that grows at its end with its sha256 running along."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import BinaryIO

from .files import sync

READ_BYTES = 1 << 20
# Below this, handing the bytes to another thread or to the disk at once costs more than it saves.
_OVERLAP_BYTES = 64 << 10


class Part:
    """The bytes of one upload on disk. Not for two threads at once.

    The running hash lives in memory; after a restart it is made again from the file before it is needed.

    Args:
        path: The file, made empty where there is none.
        hashing: Where a batch is hashed while this thread writes it.
    """

    def __init__(self, path: Path, hashing: Executor) -> None:
        self._path = path
        self._hashing = hashing
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        self.size_bytes = path.stat().st_size
        self._hash = hashlib.sha256()
        self._hashed_bytes = 0

    def append(self, data: bytes | memoryview) -> None:
        """Add bytes at the end; after an error none of them is there.

        Raises: OSError: with ENOSPC, EDQUOT or EFBIG where there is no room.
        """
        self._catch_up()
        self._hashed_bytes += len(data)
        hashed: Future[None] | None = None
        if len(data) >= _OVERLAP_BYTES:
            hashed = self._hashing.submit(self._hash.update, data)
        else:
            self._hash.update(data)
        try:
            _write(self._path, data, self.size_bytes)
            self.size_bytes += len(data)
        finally:
            if hashed:
                hashed.result()
            if self._hashed_bytes != self.size_bytes:
                self._forget_hash()

    def digest(self) -> str:
        """The sha256 of all bytes."""
        self._catch_up()
        return self._hash.hexdigest()

    def sync(self) -> None:
        """Make the bytes durable."""
        sync(self._path)

    def _catch_up(self) -> None:
        if self._hashed_bytes == self.size_bytes:
            return
        with self._path.open("rb", buffering=0) as file:
            for piece in read_pieces(file, self._hashed_bytes, self.size_bytes):
                self._hash.update(piece)
                self._hashed_bytes += len(piece)

    def _forget_hash(self) -> None:
        self._hash = hashlib.sha256()
        self._hashed_bytes = 0


def read_pieces(file: BinaryIO, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """The bytes of a file from `start` up to, not including, `end`, in pieces of at most 1 MiB."""
    file.seek(start)
    while end is None or start < end:
        piece = file.read(READ_BYTES if end is None else min(READ_BYTES, end - start))
        if not piece:
            return
        start += len(piece)
        yield piece


def _write(path: Path, data: bytes | memoryview, offset: int) -> None:
    # Opened for each batch: thousands of idle uploads must not hold thousands of descriptors.
    file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        left, position = memoryview(data), offset
        while left:
            count = os.pwrite(file, left, position)
            left, position = left[count:], position + count
        if len(data) >= _OVERLAP_BYTES:
            # Starts the disk on these bytes now, so that the fsync at the end finds little left to do. Dirty pages
            # stay in the cache whatever the name of the advice says; measured in docs/decisions/0003-blobs.md.
            os.posix_fadvise(file, offset, len(data), os.POSIX_FADV_DONTNEED)
    except OSError:
        os.ftruncate(file, offset)
        raise
    finally:
        os.close(file)
