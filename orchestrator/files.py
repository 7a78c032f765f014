"""Files that hold secrets."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TextIO

from farm.protocol.errors import FarmError, Invalid


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


def only_one(path: Path, taken: FarmError) -> TextIO:
    """A file that is locked until it is closed, or this process ends however it ends.

    Raises: FarmError: `taken`, where another process has locked it.
    """
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise taken from error
    return file


def read_secret(path: Path) -> str:
    """What such a file holds, without its line end."""
    return path.read_text().strip()
