"""Calls that are repeated until the coordinator answers: it may be restarted at any time."""

from __future__ import annotations

import logging
import random
import threading
from typing import Callable, Optional, TypeVar

from farm.client.transport import Broken
from farm.protocol.errors import FarmError, Unavailable

log = logging.getLogger(__name__)

T = TypeVar("T")

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0


class GaveUp(FarmError):
    """Raised when the caller no longer wants what it waited for."""

    code = "gave_up"


class Patience:
    """Repeats calls that a restart of the coordinator broke.

    Args:
        stop: Ends every wait.
        jitter: A number from 0 to 1, so that the workers of a fleet do not all come back at the same moment.
    """

    def __init__(self, stop: threading.Event, jitter: Callable[[], float] = random.random) -> None:
        self._stop = stop
        self._jitter = jitter

    def call(self, ask: Callable[[], T], what: str, wanted: Optional[Callable[[], bool]] = None) -> T:
        """The answer, as soon as there is one; whatever else the coordinator says is raised.

        Args:
            ask: Harmless to repeat.
            what: For the log, such as `publishing`.
            wanted: False ends the waiting.

        Raises: GaveUp: stopped, or no longer wanted. FarmError: what the coordinator said.
        """
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                return ask()
            except (Broken, Unavailable) as error:
                if pause_s > 2 * _FIRST_PAUSE_S:
                    log.warning("%s waits for the coordinator: %s", what, error.message)
                reason = error.message
            if self._stop.wait(pause_s * (0.5 + self._jitter() / 2)) or not (wanted is None or wanted()):
                raise GaveUp(f"{what} was given up: {reason}")
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
