"""Who may take blobs away while somebody copies them: a lock between processes that ends with its holder."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from farm.protocol.errors import Conflict


@contextmanager
def nothing_collected(root: Path) -> Iterator[None]:
    """Keep garbage collection from the store in this folder; waits for one that runs."""
    with _file(root) as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


@contextmanager
def may_collect(root: Path) -> Iterator[None]:
    """Keep backups from the store meanwhile.

    Raises: Conflict: one is being made.
    """
    with _file(root) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Conflict("a backup of this farm is being made", "Try again when it is done.") from error
        yield


def _file(root: Path) -> TextIO:
    return (root / "collecting.lock").open("w")
