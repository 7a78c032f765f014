"""A file as the reference that names it by its content."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Callable, Optional

from .protocol.model import FileRef

_CHUNK_BYTES = 1 << 20


def file_ref(path: Path, name: Optional[str] = None, on_read: Optional[Callable[[int], object]] = None) -> FileRef:
    """A file by content, read once and in constant memory.

    Args:
        path: The file.
        name: What it is called for others; by default its own name.
        on_read: Told how many bytes were read until now, again and again.

    Raises: OSError: it cannot be read.
    """
    running, buffer, done = hashlib.sha256(), memoryview(bytearray(_CHUNK_BYTES)), 0
    with path.open("rb", buffering=0) as stream:
        while True:
            count = stream.readinto(buffer)
            if not count:
                return FileRef(name or path.name, done, running.hexdigest())
            running.update(buffer[:count])
            done += count
            if on_read is not None:
                on_read(done)
