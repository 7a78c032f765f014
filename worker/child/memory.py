"""How much memory a process and its descendants hold, as the kernel tells it."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator


def held_bytes(pid: int) -> int:
    """What the process and all it started took and cannot be dropped; 0 when it is gone.

    Pages of files are not counted: the kernel takes them back when it needs room, and weights of a model are mapped
    by gigabytes. What several share counts for each.
    """
    return _held(pid) + sum(_held(member) for member in _descendants(pid))


def oom_kills() -> int:
    """How often the kernel killed for memory since it started; 0 where it does not tell."""
    for line in _text(Path("/proc/vmstat")).splitlines():
        name, _, count = line.partition(" ")
        if name == "oom_kill":
            return int(count)
    return 0


def _descendants(pid: int) -> Iterator[int]:
    # Each thread has children of its own.
    for thread in _names(Path(f"/proc/{pid}/task")):
        for child in _text(Path(f"/proc/{pid}/task/{thread}/children")).split():
            yield int(child)
            yield from _descendants(int(child))


def _held(pid: int) -> int:
    held = 0
    for line in _text(Path(f"/proc/{pid}/status")).splitlines():
        name, _, value = line.partition(":")
        if name in ("RssAnon", "RssShmem"):
            held += int(value.split()[0]) << 10
    return held


def _names(folder: Path) -> Iterator[str]:
    try:
        yield from [path.name for path in folder.iterdir()]
    except OSError:  # it ended meanwhile
        return


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:  # it ended meanwhile
        return ""
