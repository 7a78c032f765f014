"""A span of time for promises in seconds, on a machine that others use too."""

from __future__ import annotations

import threading
import time
from types import TracebackType

_STEP_S = 0.005


class Stopwatch:
    """How long the body of a `with` statement took, less what the machine held everybody up.

    A thread sleeps in short steps meanwhile: what it wakes too late by, the body was held up too.
    """

    def __init__(self) -> None:
        self._began_s = 0.0
        self._late_s = 0.0
        self._over = threading.Event()
        self._sleeper = threading.Thread(target=self._sleep, daemon=True)

    def __enter__(self) -> Stopwatch:
        self._began_s = time.monotonic()
        self._sleeper.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.span_s = time.monotonic() - self._began_s
        self._over.set()
        self._sleeper.join()

    @property
    def own_s(self) -> float:
        """The span less what the machine held up, in seconds."""
        return max(self.span_s - self._late_s, 0.0)

    def _sleep(self) -> None:
        last_s, over = time.monotonic(), False
        while not over:
            over = self._over.wait(_STEP_S)
            now_s = time.monotonic()
            self._late_s += max(now_s - last_s - 2 * _STEP_S, 0.0)
            last_s = now_s
