"""Locks of slots. A child holds the lock of its slot too, so that a slot is free only when its child is gone."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from farm.protocol.errors import Conflict

# The children of a worker that was killed are gone within moments.
_PATIENCE_S = 5.0
_STEP_S = 0.05


@contextmanager
def held(folder: Path, name: str, patience_s: float = _PATIENCE_S) -> Iterator[int]:
    """The slot's lock, for a worker's life; yields its descriptor, which children inherit.

    Raises: Conflict: somebody else holds it, and goes on doing so for `patience_s`.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(str(folder / f"{name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(descriptor, folder, name, time.monotonic() + patience_s)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path, name: str, until: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
                raise Conflict(
                    f"the slot {name} of {folder.parent} is held by a worker or one of its builds"
                    + (f" (process {holder})" if holder else ""),
                    "Stop that one, or give this worker another --data.",
                ) from None
            time.sleep(_STEP_S)
        else:
            return
