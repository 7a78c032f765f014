"""Folders that appear, or take each other's place, in one step."""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Optional

from farm.protocol.errors import Conflict

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@contextmanager
def locked_beside(folder: Path) -> Iterator[Path]:
    """An own folder beside `folder`, on the same file system, that one process at a time may fill.

    What an interrupted process left in it is still there, so that a transfer can go on. It is removed at the end
    unless an error interrupts again.

    Raises: Conflict: another process fills it now.
    """
    workspace = folder.with_name(f".{folder.name}.farm-part")
    descriptor = _locked(workspace)
    try:
        if descriptor is None:
            raise Conflict(f"another process is writing {folder} now", "Wait for it to end.")
        yield workspace
        shutil.rmtree(str(workspace), ignore_errors=True)
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _locked(workspace: Path) -> Optional[int]:
    """A descriptor that holds the lock of the folder; None where another process has it."""
    while True:
        workspace.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(str(workspace), os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        if os.path.exists(str(workspace)) and os.path.samestat(os.fstat(descriptor), os.stat(str(workspace))):
            return descriptor
        # The process before removed the folder between our opening it and our locking it.
        os.close(descriptor)


def put_in_place(new: Path, folder: Path) -> None:
    """`new` becomes `folder`; what was there is removed. A reader sees the old one or the new one, never neither."""
    if not folder.exists():
        os.rename(str(new), str(folder))
    elif _exchange(new, folder):
        shutil.rmtree(str(new))
    else:
        aside = folder.with_name(f".{folder.name}.farm-old")
        shutil.rmtree(str(aside), ignore_errors=True)
        os.rename(str(folder), str(aside))
        try:
            os.rename(str(new), str(folder))
        except OSError:
            os.rename(str(aside), str(folder))
            raise
        shutil.rmtree(str(aside))


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step; False where the kernel, the C library or the file system cannot."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        return False
    names = os.fsencode(str(one)), os.fsencode(str(other))
    return bool(libc.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0)
