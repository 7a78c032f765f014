"""Why a piece of work has to stop before it is done, told by any thread and obeyed by its child at once."""

from __future__ import annotations

import threading
from enum import Enum
from typing import Callable, Optional, Tuple

from .patience import GaveUp


class Why(Enum):
    """What the coordinator, or this worker's end, wants of running work."""

    CANCELLED = "cancelled"
    LOST = "lost"
    RELEASED = "released"


class Halt:
    """Set at most once; the first reason stays."""

    def __init__(self) -> None:
        self._moved = threading.Condition()
        self._told: Optional[Tuple[Why, str]] = None
        self._kill: Optional[Callable[[str], None]] = None

    def tell(self, why: Why, reason: str) -> None:
        """Stop the work, from any thread."""
        with self._moved:
            if self._told is not None:
                return
            self._told = (why, reason)
            kill = self._kill
            self._moved.notify_all()
        if kill is not None:
            kill(reason)

    def on_halt(self, kill: Callable[[str], None]) -> None:
        """Call this when told, now if it has been told already."""
        with self._moved:
            self._kill = kill
            told = self._told
        if told is not None:
            kill(told[1])

    def sleep(self, seconds: float) -> None:
        """Wait for so long, or until told."""
        with self._moved:
            self._moved.wait_for(lambda: self._told is not None, seconds)

    @property
    def why(self) -> Optional[Why]:
        """None while the work may go on."""
        with self._moved:
            return self._told[0] if self._told else None

    @property
    def reason(self) -> str:
        """As it was told; empty before."""
        with self._moved:
            return self._told[1] if self._told else ""

    def may_go_on(self) -> bool:
        """True until told."""
        return self.why is None

    def check(self, *_: object) -> None:
        """Nothing until told; takes whatever a progress tells.

        Raises: GaveUp
        """
        if self.why is not None:
            raise GaveUp(f"the work has to stop: {self.reason}")
