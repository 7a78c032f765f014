"""Logs of running attempts as files: `<attempt>/<number of the segment>`. They survive the coordinator."""

from __future__ import annotations

import os
import re
import shutil
import threading
from pathlib import Path

from farm.protocol.errors import Conflict, CoordinatorError, Invalid, StorageFull
from orchestrator.rules.disks import is_full
from orchestrator.services.log_port import HEAD_SEGMENTS, SEGMENT_BYTES, TAIL_SEGMENTS

_ATTEMPT = re.compile(r"att-[A-Za-z0-9_-]{1,28}")


class FileLogs:
    """`LiveLogs` in a folder of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        root.mkdir(parents=True, exist_ok=True)

    def append(self, attempt: str, offset: int, data: bytes) -> int:
        """Add bytes; see the port."""
        folder = self._folder(attempt)
        with self._lock:
            end = _end(folder)
            if offset > end:
                raise Conflict(
                    f"the log of {attempt} has {end} bytes, so none can follow at {offset}",
                    "Send the bytes between first.",
                    offset=end,
                )
            fresh = memoryview(data)[end - offset :]
            while fresh:
                number, filled = divmod(end, SEGMENT_BYTES)
                piece = fresh[: SEGMENT_BYTES - filled]
                try:
                    folder.mkdir(exist_ok=True)
                    _append(folder / str(number), piece, filled)
                except OSError as error:
                    raise _not_kept(attempt, error, end) from error
                end, fresh = end + len(piece), fresh[len(piece) :]
                _drop_middle(folder, number)
            return end

    def end(self, attempt: str) -> int | None:
        """The end of the log; see the port."""
        folder = self._folder(attempt)
        return _end(folder) if folder.is_dir() else None

    def read(self, attempt: str, offset: int, limit_bytes: int) -> tuple[int, bytes]:
        """Some bytes; see the port."""
        folder = self._folder(attempt)
        for number in _numbers(folder):
            begin = number * SEGMENT_BYTES
            start = max(offset, begin)
            try:
                with (folder / str(number)).open("rb") as file:
                    file.seek(start - begin)
                    if data := file.read(limit_bytes):
                        return start, data
            except FileNotFoundError:
                continue  # dropped or sealed since it was listed
        return offset, b""

    def segments(self, attempt: str) -> tuple[bytes, ...]:
        """Everything; see the port."""
        folder = self._folder(attempt)
        with self._lock:
            return tuple((folder / str(number)).read_bytes() for number in _numbers(folder))

    def attempts(self) -> tuple[str, ...]:
        """Who has a log here."""
        return tuple(sorted(path.name for path in self._root.iterdir() if _ATTEMPT.fullmatch(path.name)))

    def remove(self, attempt: str) -> None:
        """Forget a log."""
        with self._lock:
            shutil.rmtree(self._folder(attempt), ignore_errors=True)

    def _folder(self, attempt: str) -> Path:
        if not _ATTEMPT.fullmatch(attempt):
            raise Invalid(f"{attempt[:80]!r} is not the id of an attempt")
        return self._root / attempt


def _numbers(folder: Path) -> list[int]:
    if not folder.is_dir():
        return []
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit())


def _end(folder: Path) -> int:
    numbers = _numbers(folder)
    return numbers[-1] * SEGMENT_BYTES + (folder / str(numbers[-1])).stat().st_size if numbers else 0


def _append(path: Path, piece: memoryview, at: int) -> None:
    """Add bytes to a segment that has `at`; after an error none of them is there, or a repeat would miss some."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        while piece:
            piece = piece[os.write(file, piece) :]
    except OSError:
        os.ftruncate(file, at)
        raise
    finally:
        os.close(file)


def _not_kept(attempt: str, error: OSError, end: int) -> CoordinatorError:
    # Never `Unavailable`, for which a worker waits: a build is worth more than its log.
    kind = StorageFull if is_full(error) else CoordinatorError
    return kind(
        f"the log of {attempt} cannot be kept: {error.strerror}",
        "The work goes on without it; look after the disk of the coordinator.",
        offset=end,
    )


def _drop_middle(folder: Path, newest: int) -> None:
    oldest = newest - TAIL_SEGMENTS
    if oldest >= HEAD_SEGMENTS:
        (folder / str(oldest)).unlink(missing_ok=True)
