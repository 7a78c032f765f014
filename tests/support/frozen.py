"""A coordinator that stands still, for tests of what it does when it goes on."""

from __future__ import annotations

import threading

from .coordinator import Coordinator


class Frozen(threading.Event):
    """For a loop that waits for it between rounds: it waits for nothing, and ends after two rounds.

    Args:
        farm: Its clock passes more than the time of a lease before each round.
    """

    def __init__(self, farm: Coordinator) -> None:
        super().__init__()
        self._farm = farm
        self._rounds = iter([False, False, True])

    def wait(self, timeout: float | None = None) -> bool:
        """Whether the loop is over."""
        over = next(self._rounds)
        if not over:
            self._farm.clock.pass_s(self._farm.context.policy.lease_ttl_s + 1)
        return over
