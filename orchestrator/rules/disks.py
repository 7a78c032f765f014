"""What it means for a client when a disk of the coordinator fails."""

from __future__ import annotations

import errno

from farm.protocol.errors import FarmError, StorageFull, Unavailable

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_BROKEN = frozenset({errno.EIO, errno.EROFS, errno.ENODEV, errno.ENXIO, errno.EREMOTEIO, errno.ESTALE})
_ROOM = "Free some with `farm gc`, or give the coordinator a larger disk; then send again."
_LOOK = "Look after the disk of the coordinator; then try again."


def is_full(error: OSError) -> bool:
    """True where a disk has no room."""
    return error.errno in _NO_ROOM


def disk_error(error: OSError) -> FarmError | None:
    """The error of the farm that an operating system's is, or None where it tells of no disk."""
    if is_full(error):
        return StorageFull("the disk of the coordinator is full", _ROOM)
    if error.errno in _BROKEN:
        return Unavailable(f"the disk of the coordinator fails: {error.strerror}", _LOOK)
    return None
