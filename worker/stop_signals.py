"""SIGTERM, SIGHUP and Ctrl-C as events that any thread may wait for."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import Iterator, Optional

_NUMBERS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class StopSignals:
    """The first signal and any further one. To be made by the main thread.

    The handler does nothing: it would run in the midst of a wait of the main thread, and setting the event that is
    waited for would then wait for itself. The interpreter writes each signal into a pipe, which a thread reads.
    """

    def __init__(self) -> None:
        self.first = threading.Event()
        self.second = threading.Event()
        self._also: Optional[threading.Event] = None
        self._read, write = os.pipe()
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        for number in _NUMBERS:
            signal.signal(number, lambda *_: None)
        threading.Thread(target=self._listen, name="signals", daemon=True).start()

    @contextmanager
    def also(self, event: threading.Event) -> Iterator[None]:
        """Set this event too, when a signal comes in the block or came before."""
        self._also = event
        if self.first.is_set():
            event.set()
        try:
            yield
        finally:
            self._also = None

    def _listen(self) -> None:
        while True:
            for number in os.read(self._read, 64):
                if number in _NUMBERS:
                    self._hear()

    def _hear(self) -> None:
        if self.first.is_set():
            self.second.set()
        self.first.set()
        also = self._also
        if also is not None:
            also.set()
