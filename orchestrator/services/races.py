"""Work that lost a race for a row begins again, and then sees what the winner wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from farm.protocol.errors import Unavailable
from orchestrator.store.database import Raced

P = ParamSpec("P")
R = TypeVar("R")

_TRIES = 5


def settled(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """What `work` returns. It must leave nothing behind when its transaction fails.

    Raises: Unavailable: it lost again and again.
    """
    for _ in range(_TRIES):
        try:
            return work(*args, **kwargs)
        except Raced as lost:
            raced = lost
    raise Unavailable("too much happens to this at once", "Try again.") from raced
