"""The one clock that counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

Clock = Callable[[], float]


def steady_clock(wall: Clock = time.time, monotonic: Clock = time.monotonic) -> Clock:
    """A clock in seconds since the epoch that a jump of the machine's clock does not move.

    It reads the wall once, now, and counts monotonic time from there.
    """
    offset_s = wall() - monotonic()
    return lambda: offset_s + monotonic()


def iso(at: float) -> str:
    """The moment in UTC, as views show it: `2026-01-31T23:59:59.123Z`."""
    whole_s, rest_us = divmod(round(at * 1_000_000), 1_000_000)
    return f"{_second(whole_s)}.{rest_us // 1000:03}Z"


@lru_cache(maxsize=4096)
def _second(whole_s: int) -> str:
    # The heartbeats of a fleet fall into the same few seconds.
    return datetime.fromtimestamp(whole_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def iso_or_none(at: float | None) -> str | None:
    """`iso` of a moment that may not have come."""
    return None if at is None else iso(at)
