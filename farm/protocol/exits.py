"""Exit codes, the same for every command."""

from __future__ import annotations

from enum import IntEnum
from typing import Iterable


class Exit(IntEnum):
    """What a process of the farm answers to the shell."""

    DONE = 0
    BUILD_FAILED = 1
    USAGE = 2
    NUMERICS_FAILED = 3
    NO_ENGINE = 4
    TOO_NOISY = 5
    TARGET_UNAVAILABLE = 6
    CANCELLED = 7
    TIMED_OUT = 8
    COORDINATOR = 9


# Of several targets the first of these that occurs: what hides other answers comes before what is an answer.
PRECEDENCE = (
    Exit.COORDINATOR,
    Exit.TARGET_UNAVAILABLE,
    Exit.TIMED_OUT,
    Exit.NUMERICS_FAILED,
    Exit.BUILD_FAILED,
    Exit.TOO_NOISY,
    Exit.CANCELLED,
)


def worst(exits: Iterable[Exit]) -> Exit:
    """The one code that stands for several targets."""
    seen = set(exits)
    for candidate in PRECEDENCE:
        if candidate in seen:
            return candidate
    return max(seen, default=Exit.DONE)
