"""`python -m worker.device.merge WORKSPACE`: two timing caches become one, in a process of its own.

A build may have ended long before its worker learns that another one was first, and the memory of the card with it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Callable

from farm.protocol.states import State
from farm.protocol.timing import TIMING_CACHE_FILE
from worker.child.guard import guard
from worker.child.merging import OURS_FILE, THEIRS_FILE, MergeResult, MergeWork
from worker.settings import stages_descriptor

from .builders.table import load


def merge(work: MergeWork, workspace: Path, _enter: Callable[..., None]) -> MergeResult:
    """Merge what lies in `input/` into `output/`. Raises: FarmError: why there is nothing merged."""
    given, output = workspace / "input", workspace / "output" / TIMING_CACHE_FILE
    builder = load(work.target.backend)
    return MergeResult(builder.merge_timing_caches(work.target, given / OURS_FILE, given / THEIRS_FILE, output))


def main() -> int:
    """Merge what the workspace says; the exit status."""
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python -m worker.device.merge WORKSPACE\n")
        return 2
    return guard(MergeWork, merge, State.BUILDING, Path(sys.argv[1]), stages_descriptor())


if __name__ == "__main__":
    sys.exit(main())
