"""How much memory a process and its descendants hold, as the kernel tells it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def resident_bytes(pid: int) -> int:
    """Of the process and all it started; 0 when it is gone. What several share counts for each."""
    return sum(_resident(member) for member in (pid, *_descendants(pid)))


def oom_kills() -> int:
    """How often the kernel killed for memory since it started; 0 where it does not tell."""
    for line in _text(Path("/proc/vmstat")).splitlines():
        name, _, count = line.partition(" ")
        if name == "oom_kill":
            return int(count)
    return 0


def _descendants(pid: int) -> Iterator[int]:
    for child in _text(Path(f"/proc/{pid}/task/{pid}/children")).split():
        yield int(child)
        yield from _descendants(int(child))


def _resident(pid: int) -> int:
    fields = _text(Path(f"/proc/{pid}/statm")).split()
    return int(fields[1]) * _PAGE_BYTES if len(fields) > 1 else 0


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:  # it ended meanwhile
        return ""
