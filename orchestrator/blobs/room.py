"""How much room is left on the disk of the store, counting what open uploads will still need."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from farm.protocol.errors import StorageFull, Unavailable
from orchestrator.rules.disks import disk_error
from orchestrator.services.blob_port import DiskStat

_HINT = "Free some with `farm gc`, or give the coordinator a larger disk; then send again."


class Room:
    """The disk below a folder, of which `reserve_bytes` stay free for the database and the logs."""

    def __init__(self, folder: Path, reserve_bytes: int) -> None:
        self._folder = folder
        self._reserve_bytes = reserve_bytes

    def stat(self) -> DiskStat:
        """The disk, and what uploads may take of it."""
        disk = os.statvfs(self._folder)
        free_bytes = disk.f_bavail * disk.f_frsize - self._reserve_bytes
        return DiskStat(disk.f_blocks * disk.f_frsize, max(free_bytes, 0))

    def require(self, size_bytes: int, promised_bytes: int) -> None:
        """Return if so many bytes fit beside those promised to others. Raises: StorageFull."""
        free_bytes = self.stat().free_bytes - promised_bytes
        if size_bytes > free_bytes:
            raise StorageFull(
                f"{size_bytes} bytes do not fit, {max(free_bytes, 0)} are left",
                _HINT,
                size_bytes=size_bytes,
                free_bytes=max(free_bytes, 0),
            )


@contextmanager
def told_when_failing() -> Iterator[None]:
    """Turn what the operating system says of a disk into `StorageFull`, or `Unavailable` where it fails otherwise."""
    try:
        yield
    except OSError as error:
        raise disk_error(error) or Unavailable(f"the coordinator cannot store it: {error}", "Try again.") from error
