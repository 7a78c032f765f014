"""Files that hold secrets."""

from __future__ import annotations

import os
from pathlib import Path

from farm.protocol.errors import Invalid


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all.

    Raises: Invalid: it cannot be written there.
    """
    partial = path.with_name(path.name + ".part")
    try:
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise Invalid(f"cannot write {path}: {error.strerror}", "Choose another place for it.") from error


def read_secret(path: Path) -> str:
    """What such a file holds, without its line end."""
    return path.read_text().strip()
