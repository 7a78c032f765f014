"""How far a build is, in words; an estimate is always called one."""

from __future__ import annotations

from typing import Optional

from farm.protocol.views import ProgressView

from .format import duration


def progress_text(progress: Optional[ProgressView], later_s: float = 0.0) -> str:
    """Phase, share of its steps, time so far, and the estimate of the whole; empty where nothing is known.

    Args:
        progress: As the coordinator told it.
        later_s: How long ago that was.
    """
    if progress is None:
        return ""
    where = [progress.phase] if progress.phase else []
    if progress.percent is not None:
        where.append(f"{progress.percent:.0f} % of its steps")
    passed = duration(progress.elapsed_s + later_s)
    if progress.estimate_s is not None:
        passed += f" of an estimated {duration(progress.estimate_s)} ({progress.estimate_from})"
    return "; ".join([*([", ".join(where)] if where else []), passed])
