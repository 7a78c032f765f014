"""Local files as values of the protocol, and what goes wrong with them as sentences."""

from __future__ import annotations

import errno
import fcntl
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Iterator, Optional

from farm.filehash import file_ref
from farm.protocol.errors import Conflict, Invalid, StorageFull
from farm.protocol.model import FileRef

from .progress import Progress, Transfer, or_quiet

CHUNK_BYTES = 1 << 20


def hash_file(path: Path, name: Optional[str] = None, progress: Optional[Progress] = None) -> FileRef:
    """The reference of a file on disk; `name` is what it is called for others, by default its own name.

    Raises: Invalid: it cannot be read.
    """
    tell, name = or_quiet(progress), name or path.name
    with _read(path):
        total = path.stat().st_size
        return file_ref(path, name, lambda done: tell(Transfer("hash", name, done, max(total, done))))


@contextmanager
def reading(path: Path) -> Iterator[Any]:
    """The file, opened unbuffered.

    Raises: Invalid: it cannot be read.
    """
    with _read(path), path.open("rb", buffering=0) as stream:
        yield stream


@contextmanager
def _read(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Invalid(f"cannot read {path}: {error.strerror or error}", "Check the path and its rights.") from error


@contextmanager
def appending(path: Path) -> Iterator[IO[bytes]]:
    """The file, opened to read it and to go on writing, by nobody else at the same time.

    Raises: Conflict, Invalid, StorageFull
    """
    with written(path), path.open("a+b") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(f"{path} is being written by another process", "Wait for it to end.") from error
        yield stream


@contextmanager
def written(path: Path) -> Iterator[None]:
    """What fails inside, while `path` is written, is a sentence.

    Raises: Invalid, StorageFull
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(f"no room left for {path}", "Free some space and try again.") from error
        raise Invalid(f"cannot write {path}: {error.strerror or error}", "Choose another place.") from error
