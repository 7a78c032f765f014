"""The port through which services keep the logs of attempts that still run."""

from __future__ import annotations

from typing import Protocol

# Of a log that outgrows both, the head and the newest tail are kept. All segments but the last are full.
SEGMENT_BYTES = 1 << 20
HEAD_SEGMENTS = 8
TAIL_SEGMENTS = 8


class LiveLogs(Protocol):
    """Logs that grow. An offset counts every byte the attempt ever wrote, kept or not."""

    def append(self, attempt: str, offset: int, data: bytes) -> int:
        """Add bytes that begin at `offset`, skipping those that are there; the new end of the log.

        Raises: Conflict: bytes before `offset` are missing; `details.offset` is where to go on. CoordinatorError:
            the disk has no room or fails; none of the bytes was added, and the details say as much.
        """

    def end(self, attempt: str) -> int | None:
        """The end of the log, or None where this attempt has none here."""

    def read(self, attempt: str, offset: int, limit_bytes: int) -> tuple[int, bytes]:
        """Bytes from `offset`, or from the next byte that was kept, and where they begin; none at the end."""

    def segments(self, attempt: str) -> tuple[bytes, ...]:
        """What was kept, oldest first, in pieces of `SEGMENT_BYTES`."""

    def attempts(self) -> tuple[str, ...]:
        """The attempts that have a log here."""

    def remove(self, attempt: str) -> None:
        """Forget a log, if it is there."""
