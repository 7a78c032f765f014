"""Waiting for what another process or thread is about to do."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(holds: Callable[[], object], within_s: float = 10.0, told: str = "") -> None:
    """Return as soon as it holds; fail when it still does not after the deadline."""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(told or f"did not hold within {within_s} s")
        time.sleep(0.02)
