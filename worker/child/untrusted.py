"""Files that a child left. It may have put anything there: a link, a pipe that never ends, gigabytes."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from farm.protocol.errors import Invalid
from farm.protocol.model import check_relative

_MOST_BYTES = 16 << 20


def read_left(path: Path) -> bytes:
    """What is in a plain file of at most 16 MiB.

    Raises: OSError: it is none, or cannot be read.
    """
    # Not through a link: this process may read what the child may not, such as its own environment.
    descriptor = os.open(str(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path.name} is not a plain file")
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            data = stream.read(_MOST_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(data) > _MOST_BYTES:
        raise OSError(f"{path.name} has more than {_MOST_BYTES >> 20} MiB")
    return data


def check_left(folder: Path, name: str) -> str:
    """The name, if it is that of a plain file inside the folder, and no link leads there.

    Raises: Invalid
    """
    path = folder
    check_relative(name)
    for part in ("", *name.split("/")):
        path = path / part
        kind = _kind(path)
        if not (stat.S_ISREG(kind) if path == folder / name else stat.S_ISDIR(kind)):
            raise Invalid(f"the child left no plain file {name[:80]!r}", "Its log may say why.")
    return name


def _kind(path: Path) -> int:
    try:
        return os.lstat(str(path)).st_mode
    except OSError:  # not there
        return 0
