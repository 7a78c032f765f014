"""Files by content."""

from __future__ import annotations

import hashlib
from pathlib import Path

from farm.protocol.model import FileRef


def file_ref(folder: Path, name: str) -> FileRef:
    """A file of a folder with its size and sha256, read once."""
    with (folder / name).open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
        return FileRef(name, stream.tell(), digest.hexdigest())
