"""What a child started in a session of its own, such as the server of a compiler's cache, found by its home.

It left the group of the child, so that it neither ends with it nor is counted for it.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import List

_GONE_S = 1.0
_STEP_S = 0.005


def end_remains(folder: Path) -> int:
    """Kill every process whose home lies in a folder of ours; how many there were. Returns when they are gone."""
    found = _living_in(folder)
    left = [pid for pid in found if _kill(pid)]
    until = time.monotonic() + _GONE_S
    while left and time.monotonic() < until:
        time.sleep(_STEP_S)
        left = [pid for pid in left if not _is_gone(pid)]
    return len(found)


def _living_in(folder: Path) -> List[int]:
    mark = b"\0HOME=" + os.fsencode(str(folder)) + b"/"
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [pid for pid in pids if pid != os.getpid() and mark in b"\0" + _environment(pid)]


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:  # gone, or of another user
        return b""


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:  # it ended by itself
        return False
    return True


def _is_gone(pid: int) -> bool:
    try:
        # The orphans of a child are ours to collect, see `linux.adopt_orphans`.
        return os.waitpid(pid, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return not Path(f"/proc/{pid}").exists()
