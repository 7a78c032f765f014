"""Which processes are compilers at work on device code."""

from __future__ import annotations

import psutil

_NAMES = ("cicc", "ptxas", "cudafe++")


def compilers(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those of them that are."""
    found = []
    for process in processes:
        try:
            if process.name() in _NAMES:
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found
