"""The port through which services tell a device that there may be work for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class WakeupCounts:
    """What became of the wake-ups of this process. `waiting` is a level, the others only grow."""

    sent: int = 0
    lost: int = 0
    waiting: int = 0


class Wakeups(Protocol):
    """A channel that may lose, double or delay what it carries; the reconciler wakes again."""

    def wake(self, device: str, build_id: str) -> None:
        """Hand over a wake-up and return at once; a broker that is down is counted and logged, never raised."""

    def worker_url(self, device: str) -> str | None:
        """The broker URL with this device's own credential, or None where workers poll. Never waits for the broker.

        Raises: Invalid: the name cannot be the name of a device in a broker.
        """

    def forget(self, device: str) -> None:
        """Take the credential of a retired device back, soon; `worker_url` gives it again."""

    def healthy(self) -> bool:
        """True while the broker answers, and where there is none to answer."""

    def counts(self) -> WakeupCounts:
        """What became of the wake-ups so far."""

    def close(self) -> None:
        """Stop the channel and what it owns; may be called twice."""
