"""Why a child brought no result: what it said itself, or what its end tells."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from farm.protocol.codec import loads
from farm.protocol.errors import FarmError
from farm.protocol.report import Failure, FailureKind
from farm.protocol.states import State

from .guard import FAILURE_FILE
from .isolate import Ended
from .untrusted import read_left

_MEGABYTE = 1 << 20


def reason_of(ended: Ended, workspace: Path, stage: State, log_tail: str, reproduce: Optional[str] = None) -> Failure:
    """The failure to report.

    Args:
        ended: How the child ended.
        workspace: Where it may have left `failure.json`.
        stage: The one it was in.
        log_tail: The last lines of its log.
        reproduce: Command that repeats it.
    """
    told = _told(workspace) if ended.status == 1 else None
    if told is not None:
        kind, stage, message, hint = told.kind, told.stage, told.message, told.hint
    else:
        kind, message, hint = _seen(ended)
    return Failure(kind, stage, message, hint, log_tail, ended.signal, reproduce)


def _told(workspace: Path) -> Optional[Failure]:
    try:
        return loads(Failure, read_left(workspace / FAILURE_FILE))
    except (OSError, FarmError):
        return None


def _seen(ended: Ended) -> tuple[FailureKind, str, str]:
    again = "reproduce.sh repeats it on the device."
    if ended.out_of_memory:
        held = f" while it held {ended.peak_bytes // _MEGABYTE} MiB" if ended.peak_bytes else ""
        return (
            FailureKind.OUT_OF_MEMORY,
            f"its process was ended{held}: out of memory",
            "Free memory on the device, or raise FARM_WORKER_MEMORY_BYTES where that is set.",
        )
    if ended.timed_out:
        return FailureKind.TIMED_OUT, f"its process was not done after {ended.child_ms / 1000:.0f} s", again
    if ended.signal is not None:
        return FailureKind.CRASHED, f"its process was killed by {ended.signal}", again
    return FailureKind.CRASHED, f"its process ended with status {ended.status} and left no result", again
